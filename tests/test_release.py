"""What is released: the wheel and the sdist hold all that the repository has, install into an empty environment, and serve."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import tomllib
import urllib.request
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("rules", "adapters", "proxy")

pytestmark = [
    pytest.mark.e2e_release,
    pytest.mark.skipif(not os.environ.get("TOOLMEND_E2E_RELEASE"), reason="make e2e-release"),
]


def run(*words: str | Path, cwd: Path) -> str:
    """Run a command, away from the repository's own packages, and return what it prints."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "TOOLMEND_"))}
    done = subprocess.run([str(each) for each in words], cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def version() -> str:
    """The one place where the version stands."""
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"])


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean checkout of what is committed, built: first the sdist, and the wheel out of that."""
    folder = tmp_path_factory.mktemp("release")
    (folder / "checkout").mkdir()
    run("git", "-C", ROOT, "archive", "-o", folder / "checkout.tar", "HEAD", cwd=folder)
    with tarfile.open(folder / "checkout.tar") as archive:
        archive.extractall(folder / "checkout", filter="data")
    run(sys.executable, "-m", "venv", folder / "builder", cwd=folder)
    python = folder / "builder/bin/python"
    run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "build>=1.2", cwd=folder)
    run(python, "-m", "build", "--outdir", folder / "dist", folder / "checkout", cwd=folder)
    return folder


def tracked(folder: Path) -> set[str]:
    """Return the files of the packages as they are in the checkout."""
    files = {each for name in PACKAGES for each in (folder / "checkout" / name).rglob("*") if each.is_file()}
    return {each.relative_to(folder / "checkout").as_posix() for each in files}


def only(folder: Path, pattern: str) -> Path:
    (found,) = (folder / "dist").glob(pattern)
    return found


def test_the_wheel_holds_every_file_of_the_packages_and_nothing_else(built: Path, version: str) -> None:
    with zipfile.ZipFile(only(built, "*.whl")) as wheel:
        names = set(wheel.namelist())
    own = {name for name in names if not name.startswith(f"toolmend-{version}.dist-info/")}
    wanted = tracked(built)
    assert {Path(name).suffix for name in wanted} >= {".py", ".toml", ".jinja", ".css", ".js"}
    assert own == wanted


def test_the_sdist_holds_every_file_of_the_packages(built: Path, version: str) -> None:
    with tarfile.open(only(built, "*.tar.gz")) as archive:
        names = {name.removeprefix(f"toolmend-{version}/") for name in archive.getnames()}
    assert tracked(built) - names == set()
    assert {"pyproject.toml", "LICENSE", "README.md"} <= names


@pytest.fixture(scope="module", params=["*.whl", "*.tar.gz"], ids=["wheel", "sdist"])
def installed(built: Path, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment that holds nothing but the release."""
    folder = tmp_path_factory.mktemp("installed")
    run(sys.executable, "-m", "venv", folder / "venv", cwd=folder)
    python = folder / "venv/bin/python"
    run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", only(built, request.param), cwd=folder)
    return folder / "venv/bin"


def test_it_knows_its_version(installed: Path, version: str, tmp_path: Path) -> None:
    assert run(installed / "toolmend", "--version", cwd=tmp_path).strip() == f"toolmend, version {version}"


def test_it_serves(installed: Path, tmp_path: Path) -> None:
    words = [installed / "toolmend", "serve", "--upstream", "http://127.0.0.1:9", "--port", "0", "--no-probe"]
    process = subprocess.Popen([str(each) for each in words], cwd=tmp_path, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"]
        with urllib.request.urlopen(f"{url}/healthz", timeout=5) as answer:
            assert json.loads(answer.read()) == {"status": "ok"}
        process.terminate()
        assert process.wait(20) == 0
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_it_finds_its_profiles_and_the_base_install_is_small(installed: Path, tmp_path: Path) -> None:
    script = "from proxy.profiles import load; print(len(load(())))"
    assert int(run(installed / "python", "-c", script, cwd=tmp_path)) >= 5
    listed = json.loads(run(installed / "python", "-m", "pip", "list", "--format", "json", cwd=tmp_path))
    own = {each["name"].lower() for each in listed} - {"pip", "setuptools", "wheel", "toolmend"}
    assert len(own) <= 25, sorted(own)

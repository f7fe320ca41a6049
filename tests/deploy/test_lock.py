"""The lock holds all that the base install needs, by hash, and names no host."""

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCKS = [ROOT / "requirements" / name for name in ("base.txt", "otel.txt", "build.txt")]


def entries(path: Path) -> dict[str, str]:
    """Return each locked package's name, with all the lines that belong to it."""
    found: dict[str, str] = {}
    name = ""
    for line in path.read_text().splitlines():
        if match := re.match(r"([A-Za-z0-9._-]+)==", line):
            name = canonicalize_name(match[1])
            found[name] = ""
        if name:
            found[name] += line + "\n"
    return found


def needed(names: set[str]) -> set[str]:
    """Return the names of all packages that these ones need here, themselves included."""
    seen: set[str] = set()
    while names:
        name = names.pop()
        seen.add(name)
        for each in map(Requirement, metadata.requires(name) or []):
            if each.marker is None or each.marker.evaluate({"extra": ""}):
                names |= {canonicalize_name(each.name)} - seen
    return seen


def test_what_the_base_install_needs_is_locked_at_versions_that_it_allows() -> None:
    locked = entries(LOCKS[0])
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [Requirement(each) for each in project["dependencies"]]
    for each in wanted:
        head = locked[canonicalize_name(each.name)].splitlines()[0]
        assert each.specifier.contains(head.partition("==")[2].split()[0]), head
    assert needed({canonicalize_name(each.name) for each in wanted}) <= set(locked)


def test_the_lock_for_tracing_is_that_of_the_base_and_more() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = {canonicalize_name(Requirement(each).name) for each in project["optional-dependencies"]["otel"]}
    base, more = entries(LOCKS[0]), entries(LOCKS[1])
    assert {name: lines.partition(" \\")[0] for name, lines in base.items()}.items() <= {
        name: lines.partition(" \\")[0] for name, lines in more.items()
    }.items()
    assert needed(set(wanted)) <= set(more)


@pytest.mark.parametrize("python", ["3.11", "3.13"])
def test_a_base_install_on_linux_is_few_packages(python: str) -> None:
    on_linux = {"python_version": python, "sys_platform": "linux", "implementation_name": "cpython", "extra": ""}
    requirements = [Requirement(lines.partition("\\")[0]) for lines in entries(LOCKS[0]).values()]
    assert len([each for each in requirements if each.marker is None or each.marker.evaluate(on_linux)]) <= 25


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.name)
def test_every_package_has_hashes_and_no_host_is_named(path: Path) -> None:
    text = path.read_text()
    assert "://" not in text
    assert "--index-url" not in text
    assert "--find-links" not in text
    found = entries(path)
    assert found
    for name, lines in found.items():
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", lines), name

"""Starts the servers and toolmend, one pair at a time, and prints what each made of every case.

How toolmend is started and configured stands in `profile` and `command`; nothing else here knows toolmend.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from cases import KINDS, Kind
from cutting import CutTable, cut_table
from outcomes import HEAD, Table, markdown
from rungs import Rungs
from wire import answers, post
from written import Kept, read_journals, write_answers

from docs.markdown import with_between

HERE = Path(__file__).parent
CHECKOUT = HERE.parents[2]
TABLE = pytest.StashKey[Table]()
CUTS = pytest.StashKey[CutTable]()
RUNGS = pytest.StashKey[Rungs]()
MARKS = ("<!-- ladder -->", "<!-- end of ladder -->")
ANSWERS = pytest.StashKey[list[Kept]]()
FOLDER = pytest.StashKey[Path]()


def profile(kind: Kind) -> str:
    """Return the profile toolmend runs with in front of this server."""
    own = f'[[profile]]\nname = "tiny-{kind.name}"\nextends = "{kind.profile}"\nmatch = ["tiny"]\n'
    return f"{own}fill_missing = false\n{kind.keys}"


def command(upstream: str, port: int, config: Path) -> list[str]:
    """Return the words that start toolmend."""
    serve = [sys.executable, "-m", "proxy", "serve"]
    journal = config.with_suffix(".journal")
    return [*serve, "--upstream", upstream, "--port", str(port), "--config", str(config), "--journal", str(journal)]


@dataclass(frozen=True, slots=True)
class Fresh:
    """A server of its own, a toolmend in front of it, and where that writes its records."""

    vllm: str
    toolmend: str
    journal: Path


class Stand:
    """The pair that is up: one kind of vLLM and a toolmend in front of it. Another kind ends it, for 2.8 GB a server."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.up = ExitStack()
        self.urls: dict[str, str] = {}

    def vllm(self, kind: Kind) -> str:
        """Give the URL of a vLLM of this kind: the one that already listens on its port, else one started here."""
        if kind.name not in self.urls:
            self.close()
            base = f"http://127.0.0.1:{kind.port}"
            if not answers(f"{base}/health"):
                subprocess.run([HERE / "serve.sh", kind.name, str(kind.port)], check=True)
                self.up.callback(subprocess.run, [HERE / "serve.sh", "stop", kind.name, str(kind.port)], check=True)
            self.urls[kind.name] = f"{base}/v1"
        return self.urls[kind.name]

    def toolmend(self, kind: Kind) -> str:
        """Give the URL of a toolmend in front of it: TOOLMEND_URL where given, else one started here."""
        upstream = self.vllm(kind)
        if "toolmend" not in self.urls:
            given = os.environ.get("TOOLMEND_URL")
            self.urls["toolmend"] = given or self.up.enter_context(served(kind, upstream, self.folder))
        return self.urls["toolmend"]

    def in_words(self, kind: Kind) -> str:
        """Give the URL of a toolmend in front of it that asks for nothing under a grammar."""
        upstream = self.vllm(kind)
        if "words" not in self.urls:
            self.urls["words"] = self.up.enter_context(served(kind, upstream, self.folder / "words", keys="grammar = false\n"))
        return self.urls["words"]

    def close(self) -> None:
        """End what was started here."""
        self.urls.clear()
        self.up.close()


@contextmanager
def served(kind: Kind, upstream: str, folder: Path, more: str = "", keys: str = "") -> Iterator[str]:
    """Run toolmend in front of a server; `more` is configuration, `keys` are keys of its profile."""
    folder.mkdir(exist_ok=True)
    config, log = folder / f"{kind.name}.toml", folder / f"{kind.name}.log"
    config.write_text(more + profile(kind) + keys, encoding="utf-8")
    port = _free_port()
    env = {key: value for key, value in os.environ.items() if not key.startswith("TOOLMEND_")}  # ours are no settings of it
    words = command(upstream, port, config)
    with log.open("wb") as out:
        process = subprocess.Popen(words, cwd=CHECKOUT, env=env, stdout=out, stderr=subprocess.STDOUT)
    try:
        _wait(process, f"http://127.0.0.1:{port}/v1/models", log)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait(timeout=20)


@pytest.fixture(scope="session")
def stand(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """Be the place where servers stand."""
    stand = Stand(tmp_path_factory.mktemp("toolmend"))
    request.config.stash[FOLDER] = stand.folder
    yield stand
    stand.close()


@pytest.fixture
def vllm(stand: Stand, kind: Kind) -> str:
    """Give the URL of a vLLM of this kind."""
    return stand.vllm(kind)


@pytest.fixture
def toolmend(stand: Stand, kind: Kind) -> str:
    """Give the URL of a toolmend in front of that vLLM."""
    return stand.toolmend(kind)


@pytest.fixture
def journal(stand: Stand, kind: Kind) -> Path:
    """Give the folder that toolmend writes its records to."""
    return stand.folder / f"{kind.name}.journal"


@pytest.fixture
def in_words(stand: Stand, kind: Kind) -> tuple[str, Path]:
    """Give the URL and the journal of a toolmend that asks for nothing under a grammar."""
    return stand.in_words(kind), stand.folder / "words" / f"{kind.name}.journal"


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fresh]:
    """Start a vLLM, have it choose the wrong backend by its first structured request (vllm#55152), and start a toolmend in front of it.

    Only for tests that do it harm.
    """
    kind, port, folder = KINDS["gemma4"], _free_port(), tmp_path_factory.mktemp("fresh")
    subprocess.run([HERE / "serve.sh", kind.name, str(port)], check=True)
    odd = {"type": "object", "properties": {"n": {"type": "integer", "multipleOf": 7}}, "required": ["n"]}
    form = {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": odd}}}
    try:
        messages = [{"role": "user", "content": "Go on."}]
        status, _, text = post(
            f"http://127.0.0.1:{port}/v1/chat/completions", {"model": "tiny", "messages": messages, "max_tokens": 20, **form}
        )
        assert status == 200, text
        with served(kind, f"http://127.0.0.1:{port}/v1", folder) as url:
            yield Fresh(f"http://127.0.0.1:{port}/v1", url, folder / f"{kind.name}.journal")
    finally:
        subprocess.run([HERE / "serve.sh", "stop", kind.name, str(port)], check=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests of one server next to each other."""
    order = list(KINDS)

    def server(item: pytest.Item) -> int:
        kind = getattr(item, "callspec", None) and item.callspec.params.get("kind")
        return order.index(kind.name) if isinstance(kind, Kind) else -1

    items.sort(key=server)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(served: subprocess.Popen[bytes], url: str, log: Path) -> None:
    for _ in range(100):
        if answers(url):
            return
        if served.poll() is not None:
            break
        time.sleep(0.2)
    pytest.fail(f"toolmend does not answer:\n{log.read_text()[-3000:]}")


# --- the table


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write", metavar="FILE", help="write the table of the vLLM run to this Markdown file")
    parser.addoption("--write-ladder", metavar="FILE", help="write the tables of the ladder into this Markdown file")
    parser.addoption(
        "--keep-answers", metavar="FILE", help="keep what vLLM's own parsers made of each text, one line of JSON each"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.stash[TABLE] = {}
    config.stash[CUTS] = {}
    config.stash[RUNGS] = Rungs()
    config.stash[ANSWERS] = []


@pytest.fixture
def table(request: pytest.FixtureRequest) -> Table:
    """Give the table that the run fills in."""
    return request.config.stash[TABLE]


@pytest.fixture
def cuts(request: pytest.FixtureRequest) -> CutTable:
    """Give the table of cut answers that the run fills in."""
    return request.config.stash[CUTS]


@pytest.fixture
def answers_kept(request: pytest.FixtureRequest) -> list[Kept]:
    """Give the list of vLLM's own answers that the run fills in."""
    return request.config.stash[ANSWERS]


@pytest.fixture
def rungs(request: pytest.FixtureRequest) -> Rungs:
    """Give the table of the ladder."""
    return request.config.stash[RUNGS]


def write_ladder(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print what the rungs of the ladder brought, and write it down."""
    climbed = "\n".join(config.stash.get(RUNGS, Rungs()).markdown())
    target = config.getoption("--write-ladder", default=None)
    if climbed:
        terminalreporter.write_line("\n" + climbed)
    if climbed and target:
        page = Path(target)
        page.write_text(with_between(page.read_text(encoding="utf-8"), *MARKS, f"\n{climbed}\n"), encoding="utf-8")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    write_ladder(terminalreporter, config)
    rows, cuts = config.stash.get(TABLE, {}), config.stash.get(CUTS, {})
    if not rows and not cuts:
        return
    folder = config.stash.get(FOLDER, None)
    text = "\n".join([*markdown(rows, read_journals(folder) if folder else {}), "", *cut_table(cuts)])
    terminalreporter.write_line("\n" + text)
    target = config.getoption("--write", default=None) or os.environ.get("TOOLMEND_E2E_WRITE")
    if target:
        Path(target).write_text(HEAD + text + "\n", encoding="utf-8")
    kept = config.getoption("--keep-answers", default=None)
    if kept:
        write_answers(Path(kept), config.stash[ANSWERS])

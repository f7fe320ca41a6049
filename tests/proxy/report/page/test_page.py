"""The page stands alone, says what the report says, and runs nothing that a model or a user wrote."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from proxy.record import Attempt, Final, FinalCall
from proxy.records.read import Skipped, entries
from proxy.report.page.chosen import Choice
from proxy.report.page.write import Page, page
from proxy.report.summary import summarise
from tests.journals.playing import play
from tests.journals.scenes import by_rules, of_engines
from tests.proxy.report.made import ENGINE, START, counted, entry

HOSTILE = (
    "</script><script>window.owned=1</script><img src=x onerror=window.owned=2>\u2028\u2029'\"`{{7*7}}{%raw%}"
    "\x1b]8;;http://evil.example\x07</pre></style><style>*{display:none}</style><!--\u202e<a href='javascript:window.owned=3'>x</a>"
)
LONG = "x" * 500_000


@dataclass
class Seen(HTMLParser):
    """What a browser would find: elements with their attributes, and the text in them."""

    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    text: str = ""

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.tags)


def seen(html: str) -> Seen:
    parser = Seen()
    parser.feed(html)
    return parser


def made(found: Iterable[dict[str, Any]], *, by: Any = "class", skipped: tuple[str, ...] = ()) -> Page:
    choice = Choice()
    return page(summarise(choice.watch(found), by), choice, skipped, START)


def hostile() -> dict[str, Any]:
    """Return a record in which every text that may be anything is."""
    wrong = entry(
        attempts=(Attempt(HOSTILE, error=HOSTILE), Attempt(HOSTILE)),
        final=Final(HOSTILE, (FinalCall("n", HOSTILE),)),
        engine=(ENGINE,),
        repairs=("r",),
    )
    for name in ("turn", "conversation", "client", "model", "outcome", "class", "reason", "profile", "dialect", "ts"):
        wrong[name] = HOSTILE
    wrong["attempts"][1] |= {"rung": HOSTILE, "problem": HOSTILE, "ending": HOSTILE, "http": HOSTILE}
    wrong["attempts"][1]["came"] |= {"finish": HOSTILE, "reasoning": HOSTILE}
    wrong["engine"][0] |= {"kind": HOSTILE, "known_as": HOSTILE, "issues": [HOSTILE], "read": HOSTILE, "served": HOSTILE}
    wrong["final"]["calls"][0]["name"] = HOSTILE
    return {**wrong, "repairs": [HOSTILE], "healed": [HOSTILE]}


@pytest.mark.parametrize("by", ["class", "model", "client", "tool", "rule", "conversation"])
def test_hostile_texts_make_no_element(by: str) -> None:
    tame, wild = entry(engine=(ENGINE,), repairs=("r",)), hostile()
    found = seen(made([tame, wild], by=by, skipped=(HOSTILE,)).html)
    assert (found.count("script"), found.count("style"), found.count("img")) == (1, 1, 0)
    assert not [name for _, attributes in found.tags for name in attributes if name.startswith("on") or name in {"style", "src"}]
    links = [attributes["href"] for tag, attributes in found.tags if tag == "a"]
    assert all(re.fullmatch(r"#turn-\d+|#turns", str(link)) for link in links)


def test_nothing_on_the_page_is_invisible() -> None:
    html = made([hostile()], skipped=(HOSTILE,)).html
    assert {each for each in html if not each.isprintable()} == {"\n"}
    assert "\\u2028" in html
    assert "\\u202e" in html
    assert "{{7*7}}" in html


def test_the_policy_allows_the_style_and_the_script_of_the_page_alone() -> None:
    html = made([entry()]).html
    (policy,) = [attributes["content"] for _, attributes in seen(html).tags if "http-equiv" in attributes]
    for tag in ("script", "style"):
        (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        digest = b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in str(policy)
    assert "default-src 'none'" in str(policy)
    assert "unsafe" not in str(policy)


def test_it_asks_nobody_for_anything() -> None:
    found = seen(made([entry()]).html)
    assert not [each for each in found.tags if each[0] in {"link", "iframe", "object", "embed", "base", "form", "use", "image"}]


def test_it_says_what_the_report_says() -> None:
    lost = entry(turn="2", outcome="failed-open", reason="no-call", fault="model-format")
    text = seen(
        made([entry(), lost, counted(1_200, called=1_000, wrong_before=123, wrong_after=4)], skipped=("3 lines",)).html
    ).text
    assert "12.3% → 0.4%" in text
    assert "87.7% → 99.6%" in text
    assert "1,200" in text
    assert "1 of 2 turns (model-format, no-call): a larger model" in text
    assert "3 lines" in text


def test_the_numbers_stand_below_each_chart() -> None:
    turns = [entry(turn=str(at), ts=START + at * 600, model=f"m{at % 2}") for at in range(6)]
    html = made(turns).html
    tables = {name: html.split(f'id="{name}"')[1].split("</section>")[0] for name in ("time", "faults", "rungs")}
    assert all('role="img"' in each and "<table>" in each for each in tables.values())
    assert '<th scope="row">model-arguments</th><td class="n">3</td><td class="n">3</td><td class="n">6</td>' in tables["faults"]
    assert '<th scope="row">members</th><td class="n">6</td><td class="n">6</td>' in tables["rungs"]
    assert tables["time"].count('<th scope="row">2026-11-28') == 6


def test_a_text_keeps_the_newline_that_it_begins_with() -> None:
    html = made([entry(attempts=(Attempt("\n\nhello"),))]).html
    assert ">\n\n\nhello</pre>" in html


def test_ids_are_used_once_and_every_link_leads_somewhere() -> None:
    found = seen(made([entry(turn=f"{at % 3}", conversation=f"c{at % 4}") for at in range(12)]).html)
    ids = [str(attributes["id"]) for _, attributes in found.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {str(attributes["href"])[1:] for tag, attributes in found.tags if tag == "a"} <= set(ids)
    named = {str(attributes["aria-labelledby"]) for _, attributes in found.tags if "aria-labelledby" in attributes}
    assert named <= set(ids)


def test_an_empty_journal_is_a_page_too() -> None:
    empty = made([])
    assert (empty.shown, empty.turns) == (0, 0)
    assert "0 turns that were not right" in seen(empty.html).text


def test_only_counts_is_a_page_too() -> None:
    assert "There are no turns with a time." in made([counted(5, called=0)]).html


def test_records_of_the_first_version_are_shown() -> None:
    old = entry()
    for name in ("known", "moved_to"):
        del old[name]
    for attempt in old["attempts"]:
        del attempt["came"], attempt["rung"]
    assert made([{**old, "v": 1}]).shown == 1


def test_long_texts_make_no_long_page() -> None:
    turns = [entry(turn=str(at), attempts=(Attempt(LONG), Attempt("<a>" * 60_000)), final=Final(LONG)) for at in range(20)]
    assert len(made(turns).html) < 1_500_000


async def test_played_turns_are_shown(tmp_path: Path) -> None:
    scenes = [*by_rules(), *of_engines()]
    await play(scenes, tmp_path, streams=[True])
    done = made(entries([tmp_path], Skipped()))
    assert done.shown == done.turns == len(scenes)
    assert "coerce_number" in done.html

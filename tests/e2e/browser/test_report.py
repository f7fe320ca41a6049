"""The page of `toolmend report --html`, as a reader has it: whole, quiet, usable by mouse and keyboard, in any light and width."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.browser.conftest import CHROMIUM, WANTED, Opened

pytestmark = [
    pytest.mark.e2e_browser,
    pytest.mark.skipif(not (WANTED and CHROMIUM), reason="needs TOOLMEND_E2E_BROWSER=1 and a Chromium (make e2e-browser)"),
]
Open = Callable[..., Opened]
SECTIONS = ("head", "time", "faults", "rungs", "reasons", "turns")
PICTURE = os.environ.get("TOOLMEND_SCREENSHOT")


def test_every_section_is_there_and_the_page_asks_for_nothing_but_itself(opened: Open, report: Path) -> None:
    it = opened(report)
    for name in SECTIONS:
        assert it.page.locator(f"#{name} h2").first.is_visible(), name
    assert it.page.locator("svg[role=img]:visible").count() == 3
    assert it.requests == [report.as_uri()]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 768, 1200])
def test_nothing_is_wider_than_the_window(opened: Open, report: Path, wild: Path, scheme: str, width: int) -> None:
    for file in (report, wild):
        it = opened(file, width=width, color_scheme=scheme)
        assert not it.overflows()
        assert it.page.locator("svg[role=img]:visible").count() == 3


def test_dark_is_dark(opened: Open, report: Path) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    light, dark = (opened(report, color_scheme=scheme).page.evaluate(ground) for scheme in ("light", "dark"))
    assert (light, dark) == ("rgb(255, 255, 255)", "rgb(20, 23, 27)")


def test_every_colour_of_a_chart_is_its_own(opened: Open, report: Path) -> None:
    for scheme in ("light", "dark"):
        it = opened(report, color_scheme=scheme)
        script = "all => all.map(each => getComputedStyle(each).backgroundColor)"
        for figure in ("#head", "#time", "#faults", "#rungs"):
            found = it.page.locator(f"{figure} .legend .swatch").evaluate_all(script)
            assert len(set(found)) == len(found) > 1
        ground = it.page.evaluate("getComputedStyle(document.body).backgroundColor")
        bars = it.page.locator("svg[role=img]:visible rect").evaluate_all("all => all.map(each => getComputedStyle(each).fill)")
        assert not {ground, "rgb(0, 0, 0)", "none"} & set(bars)


def test_a_conversation_and_a_turn_are_chosen_by_mouse(opened: Open, report: Path) -> None:
    it = opened(report)
    assert it.chosen()[0] == "conversation-0"
    it.page.select_option("#conversation-chooser", "conversation-2")
    assert it.chosen()[0] == "conversation-2"
    first = it.page.locator("#conversation-2 a[data-turn]").first
    first.click()
    turn = str(first.get_attribute("href"))[1:]
    assert it.chosen() == ("conversation-2", turn)
    assert first.get_attribute("aria-current") == "true"
    it.page.locator(f"#{turn} nav a", has_text="later").click()
    assert it.chosen()[1] != turn
    it.page.go_back()
    assert it.chosen() == ("conversation-2", turn)


def test_the_same_by_keyboard(opened: Open, report: Path) -> None:
    it = opened(report)
    it.page.keyboard.press("Tab")
    assert it.page.evaluate("document.activeElement.className") == "skip"
    it.page.keyboard.press("Enter")
    it.page.keyboard.press("Tab")
    assert it.page.evaluate("document.activeElement.id") == "conversation-chooser"
    for _ in range(3):
        it.page.keyboard.press("ArrowDown")
    assert it.chosen()[0] == "conversation-3"
    while not it.page.evaluate("document.activeElement.matches('a[data-turn]')"):
        it.page.keyboard.press("Tab")
    turn = it.page.evaluate("document.activeElement.getAttribute('href').slice(1)")
    it.page.keyboard.press("Enter")
    assert it.chosen() == ("conversation-3", turn)
    assert it.page.evaluate("document.activeElement.id") == turn


def test_an_example_of_a_reason_leads_to_its_turn(opened: Open, report: Path) -> None:
    it = opened(report)
    link = it.page.locator("#reasons a[data-turn]").first
    link.click()
    conversation, turn = it.chosen()
    assert f"#{turn}" == link.get_attribute("href")
    assert it.page.locator(f"#{turn}").get_attribute("data-conversation") == conversation


def test_an_address_leads_to_a_turn(opened: Open, report: Path) -> None:
    assert opened(report, at="#turn-3").chosen()[1] == "turn-3"


def test_raw_stands_beside_what_was_delivered(opened: Open, report: Path) -> None:
    it = opened(report)
    raw, got = (it.page.locator(f"article.chosen .beside > div:nth-child({at})").first.bounding_box() for at in (1, 2))
    assert raw is not None
    assert got is not None
    assert raw["y"] == got["y"]
    assert raw["x"] + raw["width"] < got["x"]


def test_hostile_texts_are_inert(opened: Open, wild: Path) -> None:
    it = opened(wild)
    for each in it.page.query_selector_all("#conversation-chooser option"):
        it.page.select_option("#conversation-chooser", str(each.get_attribute("value")))
        it.chosen()
    assert it.page.evaluate("window.owned") is None
    assert it.page.locator("img").count() == 0
    assert it.page.locator("a[href^=javascript]").count() == 0


def test_the_policy_stops_what_escaping_would_not(opened: Open, report: Path, tmp_path: Path) -> None:
    html = report.read_text(encoding="utf-8")
    harm = "<script>window.owned=1</script><img src='http://127.0.0.1:9/x' onerror='window.owned=2'><p style='color:red' id='p'>x</p>"
    (tmp_path / "harmed.html").write_text(html.replace("<footer", harm + "<footer"), encoding="utf-8")
    it = opened(tmp_path / "harmed.html")
    assert it.page.evaluate("window.owned") is None
    assert it.page.evaluate("getComputedStyle(document.getElementById('p')).color") != "rgb(255, 0, 0)"
    assert it.failed == {"http://127.0.0.1:9/x": "csp"}
    assert it.messages
    assert all("Content Security Policy" in each for each in it.messages)
    it.messages.clear()
    it.requests.clear()


def test_without_its_script_everything_is_there(opened: Open, report: Path) -> None:
    it = opened(report, java_script_enabled=False)
    assert it.page.locator("article.turn:visible").count() == it.page.locator("article.turn").count() > 10


def test_it_prints(opened: Open, report: Path) -> None:
    it = opened(report)
    it.page.emulate_media(media="print", color_scheme="light")
    assert not it.page.locator("#conversation-chooser").is_visible()
    assert it.page.pdf().startswith(b"%PDF")
    assert it.page.locator("#time details").first.get_attribute("open") is not None


@pytest.mark.skipif(not PICTURE, reason="needs TOOLMEND_SCREENSHOT=FILE")
def test_picture(opened: Open, report: Path) -> None:
    it = opened(report, width=1100, color_scheme="light")
    longest = it.page.locator("section.conversation").evaluate_all(
        "all => all.map(each => [each.querySelectorAll('tbody tr').length, each.id]).sort((a, b) => b[0] - a[0])[0][1]"
    )
    it.page.select_option("#conversation-chooser", longest)
    it.page.locator(".reasons > li:nth-child(n+4)").evaluate_all("all => all.forEach(each => (each.hidden = true))")
    it.page.screenshot(path=str(PICTURE), full_page=True)

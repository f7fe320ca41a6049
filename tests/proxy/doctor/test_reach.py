"""What stands between the doctor and an answer is named, with what to do about it, and with its exit code."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from aiohttp import web

from tests.proxy.doctor.conftest import Examine, serving
from tests.proxy.doctor.server import Server


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_server_that_is_down(at: Examine) -> None:
    report = at(f"http://127.0.0.1:{free_port()}")
    assert (report["exit"], report.codes(), report["complete"]) == (3, {"server-down"}, False)
    assert report.finding("server-down")["blame"] == "network"


def test_a_name_without_a_host(at: Examine) -> None:
    assert at("http://nowhere.invalid:8000").codes() == {"host-unknown"}


@pytest.mark.parametrize(("key", "code"), [("wrong", "key-wrong"), (None, "key-missing")])
def test_a_key_that_does_not_fit_is_named_with_its_variable(examined: Examine, key: str | None, code: str) -> None:
    report = examined(Server(key="right"), key=key)
    assert (report["exit"], report.codes()) == (3, {code})
    assert "TOOLMEND_UPSTREAM_KEY" in report.finding(code)["change"][0]


def test_the_right_key_opens(examined: Examine) -> None:
    assert examined(Server(key="right"), key="right", level=("1",))["exit"] == 0


def test_a_web_server_is_no_model_server(at: Examine) -> None:
    async def page(request: web.Request) -> web.Response:
        return web.Response(text="<!doctype html><html><body>hello</body></html>", content_type="text/html")

    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", page)
    with serving(app) as url:
        report = at(url)
    assert (report["exit"], report.codes()) == (3, {"not-openai"})
    assert "a web page" in report.finding("not-openai")["evidence"][0]


def test_tls_where_there_is_none(examined: Examine, at: Examine) -> None:
    with serving(Server().app()) as url:
        report = at(url.replace("http:", "https:"))
    assert (report["exit"], report.codes()) == (3, {"tls-broken"})
    assert "http://" in report.finding("tls-broken")["change"][0]


def test_a_model_that_is_not_served_is_named_with_the_nearest(examined: Examine) -> None:
    report = examined(Server(), model="gemma-4-simulatd")
    assert (report["exit"], report.codes()) == (2, {"model-unknown"})
    assert 'is "gemma-4-simulated" meant?' in report.finding("model-unknown")["evidence"][0]


def test_of_several_models_one_has_to_be_named(examined: Examine) -> None:
    report = examined(Server(models=("one", "two")))
    assert (report["exit"], report.codes()) == (2, {"model-unnamed"})
    assert "one, two" in report.finding("model-unnamed")["change"][0]
    assert examined(Server(models=("one", "two")), model="two", level=("1",))["exit"] == 0


def test_a_server_that_hangs_is_left_alone_after_a_few_requests(examined: Examine) -> None:
    server = Server(hangs=True)
    report = examined(server, timeout=0.1)
    assert (report["exit"], report.codes("breaks")) == (3, {"server-slow"})
    assert "no answer 3 times in a row" in report["stopped"]
    assert "--timeout" in report.finding("server-slow")["change"][0]


def test_answers_that_break_off_are_named_so(examined: Examine) -> None:
    report = examined(Server(breaks=True))
    assert "broke-off" in report.codes()
    assert report["exit"] == 3


@pytest.mark.parametrize(("bound", "option"), [({"requests": 20}, "--requests"), ({"tokens": 9_000}, "--tokens")])
def test_no_more_is_asked_than_was_allowed(examined: Examine, bound: dict[str, Any], option: str) -> None:
    server = Server()
    report = examined(server, **bound)
    assert option in report["stopped"]
    assert not report["complete"]
    assert report["plays"]
    assert report["spent"]["requests"] <= bound.get("requests", 1000)
    assert len(server.asked) <= report["spent"]["requests"]

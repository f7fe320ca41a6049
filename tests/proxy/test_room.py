"""The bodies that are held at once: what is here counts, not what is announced."""

from __future__ import annotations

import pytest

from proxy.errors import Overloaded
from proxy.room import Room
from proxy.settings import Limits

LIMITS = Limits(body_bytes=100, inflight_bytes=200)


def test_what_is_only_announced_keeps_nobody_out() -> None:
    room = Room(LIMITS)
    with room.holding(100), room.holding(100), room.holding(None), room.holding(100) as hold:
        hold(100)


def test_what_is_held_keeps_others_out_until_it_is_let_go() -> None:
    room = Room(LIMITS)
    with room.holding(100) as first:
        first(100)
        with room.holding(None) as second:
            second(100)
            with pytest.raises(Overloaded):
                second(1)
        with pytest.raises(Overloaded), room.holding(101):
            pass
        with room.holding(100) as second:
            second(100)
    with room.holding(200) as hold:
        hold(200)


def test_whoever_is_alone_is_served() -> None:
    with Room(LIMITS).holding(300) as hold:
        hold(150)
        hold(150)


def test_a_refused_request_leaves_nothing_behind() -> None:
    room = Room(LIMITS)
    with room.holding(10) as other:
        other(10)
        with room.holding(150) as hold:
            hold(150)
            with pytest.raises(Overloaded):
                hold(150)
        with room.holding(190) as hold:
            hold(190)

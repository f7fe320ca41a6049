"""Asks a model server once what it can do, and prints it: `toolmend probe`."""

from __future__ import annotations

import asyncio
import logging

import structlog

from proxy.capabilities import Capabilities, at_once
from proxy.errors import Fault
from proxy.probe import Denied, NotThere, Round
from proxy.profiles import choose, load
from proxy.settings import Settings
from proxy.upstream import Upstream


def run(settings: Settings, model: str | None) -> int:
    """Ask, and print. Returns the exit code: 0 where a model was asked."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    try:
        lines, code = asyncio.run(_asked(settings, model))
    except (NotThere, Denied, Fault, TimeoutError) as error:
        print(f"toolmend: {settings.upstream}: {error or 'no answer in time'}")
        return 1
    print("\n".join(lines))
    return code


async def _asked(settings: Settings, model: str | None) -> tuple[list[str], int]:
    upstream = Upstream(settings)
    try:
        asking = Round(upstream, upstream.headers({}))
        look = await asking.look()
        model = model or at_once(look.base.server, look.served)
        if model is None:
            hint = "no model was asked, since that may load it; name one with --model"
            return [*table(look.base), hint], 1
        known, _ = await asking.find(model, look.of(model), choose(model, load(settings.profile)).reads[0])
        return [f"{'model':<20} {model}", *table(known), f"{'tokens spent':<20} {asking.tokens}"], 0
    finally:
        await upstream.close()


def table(known: Capabilities) -> list[str]:
    """Return one line per capability."""
    forms = {f"form {name}": enforced for name, enforced in known.forms.items()}
    rows = {name: getattr(known, name) for name in known.__dataclass_fields__ if name != "forms"} | forms
    return [f"{name.replace('_', ' '):<20} {_shown(value)}" for name, value in rows.items()]


def _shown(value: object) -> str:
    match value:
        case None | "":
            return "not known"
        case bool():
            return "yes" if value else "no"
        case tuple():
            return ", ".join(map(str, value)) or "none"
        case _:
            return str(value)

"""Under which terms a request's history is healed: what its profile says, and what its server has complained of."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any

from adapters.base import Message
from adapters.clients import openai_chat
from adapters.history.base import Healed, Messages, Terms, heal
from adapters.history.registry import FITTERS, HEALERS
from adapters.registry import DIALECTS
from proxy.concessions import Concession
from proxy.profiles import Profile


def healed(fields: Mapping[str, Any], profile: Profile) -> Healed:
    """Heal the history of a request, before anybody reads it."""
    terms = Terms(
        tools=openai_chat.tools_in(fields),
        thoughts=_thoughts(profile.reads) if profile.thinking == "strip" else (),
        opened=profile.thinking_prompt == "open",
        continues=fields.get("continue_final_message") is True or fields.get("add_generation_prompt") is False,
    )
    return heal(list(fields["messages"]), terms, HEALERS)


def fitted(messages: Messages, profile: Profile, granted: Collection[Concession]) -> list[Message]:
    """Give messages the shape that the server's template takes, as far as that is known."""
    borne = {each.name for each in granted}
    terms = Terms(
        system_first=profile.system_first or "system_first" in borne,
        plain_content="plain_content" in borne,
        merge_users=profile.merge_users or "merge_users" in borne,
    )
    return heal(messages, terms, FITTERS).messages


@lru_cache(maxsize=256)
def _thoughts(reads: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Return the tags around a thought in the dialects that a model writes. Words are none: any text may begin with them."""
    pairs = (pair for name in reads for pair in DIALECTS[name].thinking if pair[0].startswith(("<", "[")))
    return tuple(dict.fromkeys(pairs))

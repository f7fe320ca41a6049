"""What is remembered of servers that do not bear a way of asking under a grammar: at all, or for one schema."""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Final

from adapters.structured.forms import FORMS, Form
from rules.conversation import Schema

AGAIN: Final = 600.0
"""Seconds after which a server is asked again in a way that it did not bear: it may have been restarted with other flags."""

SCHEMAS: Final = 3
"""After errors over so many schemas, a form is not tried with yet another one."""


@dataclass(slots=True)
class Grammars:
    """Which forms the server of a model does not bear, at all or for a schema. An improvement: without it some questions fail."""

    size: int = 1024
    now: Callable[[], float] = time.monotonic
    _until: OrderedDict[tuple[str, str, str], float] = field(default_factory=OrderedDict)

    def forms(self, model: str, order: Sequence[Form] = FORMS) -> list[Form]:
        """Return the forms that are not known to be of no use, best first."""
        return [form for form in order if not self._out(model, form.name, "")]

    def bears(self, model: str, form: Form, schema: Schema) -> bool:
        """Say whether a grammar of this schema has not failed before."""
        return not self._out(model, form.name, _digest(schema))

    def refused(self, model: str, form: Form, schema: Schema) -> None:
        """Remember that the server made an error of a grammar."""
        self.endless(model, form, schema)
        if sum(1 for key in self._until if key[:2] == (model, form.name)) >= SCHEMAS:
            self.ignored(model, form)

    def endless(self, model: str, form: Form, schema: Schema) -> None:
        """Remember that the model did not come to an end under a grammar: it wrote blanks, or up to the cap."""
        self._remember((model, form.name, _digest(schema)))

    def ignored(self, model: str, form: Form) -> None:
        """Remember that the server does not do what a form asks."""
        self._remember((model, form.name, ""))

    def settle(self, model: str, ignored: Collection[str]) -> None:
        """Take names of forms that the server was asked for and does not enforce, in place of all that was learned before."""
        for key in [key for key in self._until if key[0] == model]:
            del self._until[key]
        for name in ignored:
            self._remember((model, name, ""), math.inf)

    def out(self, model: str) -> tuple[str, ...]:
        """Return what is not asked for: names of forms, and of forms for one schema (a digest of it behind a colon)."""
        now = self.now()
        return tuple(
            f"{form}:{schema}".rstrip(":") for (name, form, schema), until in self._until.items() if name == model and until > now
        )

    def restore(self, model: str, out: Collection[str]) -> None:
        """Take what `out` returned once."""
        for each in out:
            form, _, schema = each.partition(":")
            self._remember((model, form, schema))

    def _out(self, *key: str) -> bool:
        return self._until.get((key[0], key[1], key[2]), 0.0) > self.now()

    def _remember(self, key: tuple[str, str, str], until: float | None = None) -> None:
        self._until[key] = self.now() + AGAIN if until is None else until
        self._until.move_to_end(key)
        while len(self._until) > self.size:
            self._until.popitem(last=False)


def _digest(schema: Schema) -> str:
    return hashlib.sha256(json.dumps(schema, sort_keys=True).encode("utf-8", "surrogatepass")).hexdigest()[:16]

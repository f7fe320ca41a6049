"""Which model is spoken to in which way: profiles from the package and from the configuration file."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cache, lru_cache
from importlib import resources
from typing import Any, Literal

from adapters.registry import DIALECTS
from proxy.settings import EVERY, Mode, ProfileTable
from rules.conversation import Json, Patience


@dataclass(frozen=True, slots=True)
class Profile:
    """How a family of models is served.

    match            patterns of served model names, without regard to case; also tried on what follows the last `/`
    mode             overrides the mode of the process
    protocol         how tools are told to the model. native: by the server's own chat template; text:<dialect>: tools, calls and
                     results are written into the messages; auto: natively, until the native calls of a conversation keep
                     failing, then in the model's own dialect as text
    reads            dialects that the answer may be written in, own first; in a table `*` stands for all others that need not be
                     asked for
    raw              where the exact text comes from: `logprobs` (falls back to content by itself) or `content`
    thinking         strip: dropped; field: to the client as `reasoning_content`; keep: stays in the text
    thinking_prompt  open: the chat template leaves a thought open where thinking is on, so an answer begins inside one;
                     after_tool: only behind a tool's result
    strip_plain      thinking is stripped from requests without tools, too
    request          body fields to add where the client did not set them
    guess            rules of the safety class `guess` may act
    fill             client preset -> property -> value for a required property that is missing (safety class `policy`)
    fill_missing     the switch for `fill`
    merge_users      consecutive user messages are made one: some templates demand that roles alternate
    system_first     later system messages become a user's: some templates take one, and only at the beginning
    spell_out        constraints that the chat template leaves out of the tools' schemas are said in their descriptions
    grammar          what is missing may be asked for under a grammar; off for a server whose grammars do harm
    strict           `strict: true` is put on the tools, where their schemas bear it: never; demanded: where the client demands a
                     call; always
    patience         when an agent is told that it goes round, or that it is done
    """

    name: str
    match: tuple[str, ...]
    mode: Mode | None = None
    protocol: str = "native"
    reads: tuple[str, ...] = ("hermes_json", "qwen_xml", "gemma4")
    raw: Literal["logprobs", "content"] = "logprobs"
    thinking: Literal["strip", "field", "keep"] = "strip"
    thinking_prompt: Literal["closed", "open", "after_tool"] = "closed"
    strip_plain: bool = False
    request: Mapping[str, Json] = field(default_factory=dict)
    guess: bool = True
    fill: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)
    fill_missing: bool = True
    merge_users: bool = False
    system_first: bool = False
    spell_out: bool = False
    grammar: bool = True
    strict: Literal["never", "demanded", "always"] = "never"
    patience: Patience = field(default_factory=Patience)
    ranked: bool = False  # built in: the most specific pattern wins, whatever the order

    @property
    def text_dialect(self) -> str:
        """The dialect that tools are told in where they are told as text: the named one, or the model's own."""
        return self.protocol.partition(":")[2] or self.reads[0]

    def fill_for(self, preset: str) -> Mapping[str, Json]:
        """Return what to fill in for a client, which is nothing while the switch is off."""
        return self.fill.get(preset, {}) if self.fill_missing else {}

    def fit(self, model: str) -> int:
        """Say how specifically this profile matches a served model name: literal characters, or -1 for no match."""
        return fit(self.match, model)


def fit(patterns: Sequence[str], model: str) -> int:
    """Say how specifically one of the patterns matches a served model name: literal characters, or -1 for no match.

    Without regard to case; what follows the last `/` counts, too.
    """
    return _fit(tuple(patterns), model[:LONGEST])


@lru_cache(maxsize=4096)
def _fit(patterns: tuple[str, ...], model: str) -> int:
    name = model.lower()
    names = (name, name.rpartition("/")[2])
    return max((_weight(each) for each in patterns if any(fnmatchcase(name, each.lower()) for name in names)), default=-1)


LONGEST = 1_000
"""Characters of a model's name that are looked at, for each pattern: more has no model, only somebody who wants us to be busy."""


class ProfileError(ValueError):
    """Raised where a `[[profile]]` makes no sense: its position, the key, and what is wrong."""

    def __init__(self, index: int, key: str, complaint: str) -> None:
        super().__init__(complaint)
        self.index, self.key, self.complaint = index, key, complaint


def load(tables: Sequence[ProfileTable] = ()) -> tuple[Profile, ...]:
    """Return the profiles to choose from: the configured ones in their order, then the built-in ones.

    A table with a built-in's name changes the keys it gives, and stays in the built-in's place. Any other table is a new
    profile, begins as what it `extends` (generic, if it does not say), and comes first.
    """
    built_in = dict(_built_in())
    own: dict[str, Profile] = {}
    for index, table in enumerate(tables):
        known = own | built_in
        if table.name in own:
            raise ProfileError(index, "name", f'there are two profiles "{table.name}"')
        if table.name in built_in:
            built_in[table.name] = _changed(known[_base(index, table, known, table.name)], table, ranked=True)
            continue
        if not table.match:
            raise ProfileError(index, "name", f'the profile "{table.name}" needs "match", a list of model names such as ["my-*"]')
        own[table.name] = _changed(known[_base(index, table, known, "generic")], table, ranked=False)
    return (*own.values(), *built_in.values())


def choose(model: str, profiles: Sequence[Profile]) -> Profile:
    """Return the profile for a served model name: the first configured one that matches, else the most specific built-in."""
    for profile in profiles:
        if not profile.ranked and profile.fit(model) >= 0:
            return profile
    ranked = [profile for profile in reversed(profiles) if profile.ranked]  # reversed: generic wins where none matches
    return max(ranked, key=lambda profile: profile.fit(model))


def _base(index: int, table: ProfileTable, known: Mapping[str, Profile], default: str) -> str:
    name = table.extends or default
    if name not in known:
        names = ", ".join(f'"{each}"' for each in known)
        raise ProfileError(index, "extends", f'"extends" must name a profile that is known by then: {names}; not "{name}"')
    return name


def _changed(base: Profile, table: ProfileTable, *, ranked: bool) -> Profile:
    given = {key: getattr(table, key) for key in table.model_fields_set - {"extends"}}
    values: dict[str, Any] = {key: getattr(base, key) for key in base.__dataclass_fields__}
    if table.patience is not None:
        given["patience"] = replace(base.patience, **table.patience.model_dump(exclude_none=True))
    profile = Profile(**values | given | {"ranked": ranked})
    return replace(profile, reads=_every(profile.reads))


def _every(reads: Sequence[str]) -> tuple[str, ...]:
    """Put every dialect that need not be asked for in the place of `*`."""
    others = tuple(name for name, dialect in DIALECTS.items() if not dialect.asked)
    return tuple(dict.fromkeys(name for each in reads for name in (others if each == EVERY else (each,))))


@cache
def _built_in() -> Mapping[str, Profile]:
    """Read the profiles of the package, once: `generic`, which all others begin as, comes last."""
    files = [file for file in resources.files("adapters.profiles").iterdir() if file.name.endswith(".toml")]
    tables = [ProfileTable.model_validate(tomllib.loads(file.read_text(encoding="utf-8"))) for file in files]
    by_name = {table.name: table for table in sorted(tables, key=lambda table: table.name)}
    generic = _changed(Profile("", ()), by_name.pop("generic"), ranked=True)
    return {name: _changed(generic, table, ranked=True) for name, table in by_name.items()} | {"generic": generic}


def _weight(pattern: str) -> int:
    return len(re.sub(r"\[[^]]*\]", "?", pattern).replace("*", ""))

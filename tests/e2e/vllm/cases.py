"""The texts that are played through a real vLLM, and how they are asked for."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CORPUS = Path(__file__).parents[2] / "corpus"
Case = dict[str, Any]
"""One line of a corpus file (tests/corpus/README.md)."""
Calls = list[dict[str, Any]]


def load(dialect: str) -> dict[str, Case]:
    """Return a corpus file's cases by id."""
    with (CORPUS / f"{dialect}.jsonl").open(encoding="utf-8") as lines:
        return {case["id"]: case for case in map(json.loads, lines)}


# --- writing a good call in each dialect, for the answer to a re-prompt


def _gemma_value(value: Any) -> str:
    match value:
        case str():
            return f'<|"|>{value}<|"|>'
        case list():
            return "[" + ",".join(map(_gemma_value, value)) + "]"
        case _:
            return json.dumps(value)


def _gemma4(name: str, arguments: dict[str, Any]) -> str:
    pairs = ",".join(f"{key}:{_gemma_value(value)}" for key, value in arguments.items())
    return f"<|tool_call>call:{name}{{{pairs}}}<tool_call|>"


def _qwen(name: str, arguments: dict[str, Any]) -> str:
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in arguments.items()}
    pairs = "".join(f"<parameter={key}>\n{value}\n</parameter>\n" for key, value in texts.items())
    return f"<tool_call>\n<function={name}>\n{pairs}</function>\n</tool_call>"


def _hermes(name: str, arguments: dict[str, Any]) -> str:
    return "<tool_call>\n" + json.dumps({"name": name, "arguments": arguments}) + "\n</tool_call>"


# --- the four servers

SHIFT = int(os.environ.get("TOOLMEND_E2E_SHIFT", "0"))
"""Added to the ports, for a second set of servers beside the first."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A server of serve.sh: its port, the corpus file whose texts it plays, and the tokens it ends at."""

    name: str
    port: int
    dialect: str
    write: Callable[[str, dict[str, Any]], str]
    ends: tuple[str, ...]
    profile: str  # of toolmend, for this family
    keys: str  # of the configuration, where its template is another one than the family's
    chosen: tuple[str, ...]


GEMMA4 = (
    # well-formed: nothing may change
    "gemma4-two-string-args",
    "gemma4-think-then-call",
    "gemma4-stream-close-and-open-in-one-delta",
    # quotes and separators that are not Gemma's
    "gemma4-ordinary-quotes",
    "gemma4-ordinary-quotes-key-like-text",
    "gemma4-quoted-json-arguments",
    "gemma4-nested-object-ordinary-quotes",
    "gemma4-single-quotes-in-the-middle",
    "gemma4-parentheses-single-quotes",
    "gemma4-key-equals-quoted-value",
    # envelopes
    "gemma4-think-closed-call-without-opener",
    "gemma4-no-markers-at-line-start",
    "gemma4-begin-arg-blocks",
    "gemma4-json-body-in-markers",
    "gemma4-name-repeated",
    "gemma4-braceless-call-then-good",
    "gemma4-call-inside-prefilled-think",
    # text around and inside
    "gemma4-stream-end-marker-in-value",
    "gemma4-text-both-sides",
    "gemma4-extra-close-then-text",
    # never a call
    "gemma4-decoy-fenced-example",
    "gemma4-decoy-opener-in-backticks",
    # only asking again helps, or a limit cut it
    "gemma4-required-missing",
    "gemma4-empty-args-required",
    "gemma4-unknown-similar-name",
    "gemma4-cut-in-key-length",
)
QWEN = (
    # well-formed: nothing may change
    "qwen-two-calls",
    "qwen-typed-values",
    "qwen-prefilled-think-then-call",
    # closers missing or misspelt
    "qwen-param-closed-by-function",
    "qwen-param-close-with-slash",
    "qwen-param-close-lost-gt",
    "qwen-param-unclosed-lookalike-tag",
    "qwen-cut-in-value-stop",
    # names and envelopes
    "qwen-name-attributes",
    "qwen-spaces-around-names",
    "qwen-bare-name-property-tags",
    "qwen-json-in-wrapped-function",
    "qwen-function-tag-lost-gt",
    # values that hold the format's own tags
    "qwen-code-holding-delimiters",
    "qwen-diff-holding-tags",
    "qwen-long-code",
    # types
    "qwen-python-list-for-array",
    "qwen-all-args-in-one-parameter",
    # text around
    "qwen-text-before-between-after",
    "qwen-orphan-close-after-text",
    # never a call
    "qwen-decoy-tags-in-backticks",
    "qwen-decoy-undeclared-example",
    "qwen-decoy-opener-in-sentence",
    # only asking again helps, or a limit cut it
    "qwen-empty-args-required",
    "qwen-enum-violation",
    "qwen-array-for-arguments",
    "qwen-cut-in-value-length",
)
HERMES = (
    # well-formed: nothing may change
    "hermes-two-calls",
    "hermes-braces-in-value",
    "hermes-think-then-call",
    # JSON that is none
    "hermes-unescaped-quotes-last-value",
    "hermes-unescaped-quotes-middle-value",
    "hermes-raw-newline-in-value",
    "hermes-raw-newlines-and-tab-in-code",
    "hermes-invalid-escapes",
    "hermes-single-quoted-object",
    "hermes-relaxed-json-with-comment",
    "hermes-two-braces-missing",
    # the closing tag inside a value, two objects in one block
    "hermes-close-tag-in-value",
    "hermes-close-tag-twice-in-value",
    "hermes-two-objects-one-wrapper",
    "hermes-broken-call-then-good",
    # other wordings of a call
    "hermes-parameters-key",
    "hermes-openai-wire-shape",
    "hermes-stringified-arguments",
    "hermes-arguments-null",
    # types
    "hermes-scalars-as-strings",
    "hermes-number-for-string",
    # never a call
    "hermes-decoy-wrapper-in-backticks",
    # only asking again helps, or a limit cut it
    "hermes-nothing-recoverable",
    "hermes-required-missing",
    "hermes-undeclared-name",
    "hermes-cut-before-arguments-length",
)
_GEMMA_ENDS = ("<turn|>", "<eos>", "<|tool_response>")
_CHATML_ENDS = ("<|im_end|>", "<|endoftext|>")

KINDS = {
    kind.name: kind
    for kind in (
        Kind("gemma4", 18301 + SHIFT, "gemma4", _gemma4, _GEMMA_ENDS, "gemma-4", "", GEMMA4),
        Kind("plain", 18305 + SHIFT, "gemma4", _gemma4, _GEMMA_ENDS, "gemma-4", "", GEMMA4),
        Kind("qwen", 18300 + SHIFT, "qwen-xml", _qwen, _CHATML_ENDS, "qwen3.5", "", QWEN),
        Kind("hermes", 18303 + SHIFT, "hermes-json", _hermes, _CHATML_ENDS, "qwen3", 'thinking_prompt = "open"\n', HERMES),
    )
}


def played(kind: Kind) -> Iterator[Case]:
    """Yield the cases of a server, the chosen ones first; with TOOLMEND_E2E_CHOSEN=1 no others."""
    cases = load(kind.dialect)
    yield from (cases[name] for name in kind.chosen)
    if os.environ.get("TOOLMEND_E2E_CHOSEN") != "1":
        yield from (case for name, case in cases.items() if name not in kind.chosen and not unplayable(kind, case))


def unplayable(kind: Kind, case: Case) -> bool:
    """Say whether a text cannot be said: the server stops at the first end token, and the text goes on behind one."""
    return any(end in case["raw"].removesuffix(end) for end in kind.ends)


# --- asking


ASKED = {"gemma4-lone-angle-at-end": "one character is no answer, so the model is asked for one; here it then makes a call"}
"""Texts that are right by the corpus, and about which the model is asked all the same: why."""


def must_ask_again(case: Case) -> bool:
    """Say whether only the model can help, and is asked: not where a limit cut it, nor where there is nothing to ask for."""
    return case["id"] in ASKED or (not case["repairable"] and case.get("finish_reason") != "length" and case["fault"] != "decoy")


def good_call(case: Case) -> Calls:
    """Return the call that the model makes when it is asked again: the right tool with every required property."""
    if not case["tools"]:
        return []
    known = {tool["function"]["name"]: tool["function"]["parameters"] for tool in case["tools"]}
    said = [call["name"] for call in case["expect"]["calls"] if call["name"] in known]
    name = said[0] if said else next(iter(known))
    wanted = known[name].get("required") or list(known[name]["properties"])
    return [{"name": name, "arguments": {key: _some(known[name]["properties"][key]) for key in wanted}}]


def _some(schema: dict[str, Any]) -> Any:
    if "enum" in schema:
        return schema["enum"][0]
    filler = {"array": ["mended"], "object": {}, "integer": 7, "number": 7.5, "boolean": True}
    kind = schema.get("type")
    return filler.get(kind, "mended") if isinstance(kind, str) else "mended"


def request(kind: Kind, case: Case) -> dict[str, Any]:
    """Build the chat request: the script travels in the user's message, so that it survives any proxy.

    First answer: the case's text. Any later answer of the same conversation (a re-prompt): the good call.
    """
    good = good_call(case)
    later = "".join(kind.write(call["name"], call["arguments"]) for call in good)
    first = 2 if _opened_by_a_result(kind, case) else 1
    script = f"[[say:{coded(later)}]] [[say@{first}:{coded(case['raw'])}]]"
    body: dict[str, Any] = {"model": "tiny", "messages": _messages(kind, case, f"Please go on. {script}"), "max_tokens": 1500}
    if case["tools"]:
        body["tools"] = case["tools"]
    if kind.dialect != "gemma4" or case.get("prompt_open_thinking"):
        body["chat_template_kwargs"] = {"enable_thinking": bool(case.get("prompt_open_thinking"))}
    return body


def coded(text: str) -> str:
    """Write a script as it stands in a prompt."""
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _opened_by_a_result(kind: Kind, case: Case) -> bool:
    """Gemma's template opens the thinking only after a tool result."""
    return kind.dialect == "gemma4" and bool(case.get("prompt_open_thinking"))


def _messages(kind: Kind, case: Case, text: str) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = [{"role": "user", "content": text}]
    if _opened_by_a_result(kind, case):
        call = good_call(case)[0]
        said = {"name": call["name"], "arguments": json.dumps(call["arguments"])}
        messages.append({"role": "assistant", "tool_calls": [{"id": "call_1", "type": "function", "function": said}]})
        messages.append({"role": "tool", "tool_call_id": "call_1", "content": "done"})
    return messages

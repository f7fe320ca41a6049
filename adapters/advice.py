"""What the model is told when it has to answer again: its attempt, quoted as text, and what was wrong with it."""

from __future__ import annotations

import json
import re
from typing import Final

from adapters.base import Message
from adapters.structured.constraint import Constraint
from rules.advice import as_data, capped, listed
from rules.advice import quoted as named
from rules.base import Problem
from rules.conversation import Turn

_ROLES: Final = (
    r"im_(?:start|end|sep|user|assistant|system|middle)|start|end|return|turn|eot|eom|eot_id|eom_id|endoftext|end_of_text"
    r"|begin_of_text|startoftext|(?:start|end)_(?:header_id|of_role)|header_(?:start|end)|system|user|assistant|tool|ipython"
    r"|observation|environment|(?:START|END)_OF_TURN_TOKEN|(?:SYSTEM|USER|CHATBOT)_TOKEN"
)
_ALONE: Final = r"s|bos|eos|pad|unk|(?:start|end)_of_turn|turn|tool_(?:response|result|output)|function_results?"
_WIDE: Final = "User|Assistant|System|(?:begin|end)\u2581of\u2581sentence|tool\u2581outputs?\u2581(?:begin|end)"
_TURNS: Final = re.compile(
    rf"<(?=\|/?(?:{_ROLES})\|?>|\|?/?(?:{_ALONE})\|?>|\uff5c(?:{_WIDE})\uff5c>|<SYS>>|</SYS>>)"
    r"|\[(?=/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_RESULTS|gMASK)\])"
)
"""Where a token begins that opens or ends somebody's turn, or a tool's result, in any family's template. The markup of calls is
none of them: by that the model recognises its attempt."""

HEAD, TAIL = 3000, 1000
"""How much of a long attempt is quoted, in characters. The model needs to recognise it, not to read it all again."""


def ask_again(turn: Turn, raw: str, problem: Problem) -> list[Message]:
    """Return the two messages that go behind the unchanged conversation.

    The attempt goes back as the assistant's own text: as a structured call, arguments that are not valid JSON vanish in the
    server's template, and a call without a result makes Gemma invent one.
    """
    return _behind(turn, raw, problem, _closing(problem))


def ask_under_grammar(turn: Turn, raw: str, problem: Problem, constraint: Constraint) -> list[Message]:
    """Return the two messages that ask for a JSON object: of some arguments alone, of all of them, or of a call."""
    call = named(problem.call.name) if problem.call else "the call"
    match constraint.rung:
        case "members":
            spare = ", or without what it can do without" if set(constraint.names) > set(constraint.needed) else ""
            wanted = f"with {listed(constraint.names)} of {call} and nothing else{spare}"
        case "arguments":
            wanted = f"with all arguments of {call}"
        case _:
            wanted = 'with the members "name" (the tool) and "arguments" (an object)'
    return _behind(turn, raw, problem, f"Now answer with one JSON object {wanted}.")


def _behind(turn: Turn, raw: str, problem: Problem, closing: str) -> list[Message]:
    attempt = shorten(without_turns(raw.strip() or quoted(turn)))
    advice = "\n".join(capped(as_data(line)) for line in problem.advice.split("\n"))
    return [
        {"role": "assistant", "content": attempt or "(an empty answer)"},
        {"role": "user", "content": f"That answer could not be used. {advice}\n{closing}"},
    ]


def without_turns(text: str) -> str:
    """Break the tokens that would open or end a turn: spelled by the model as text, they would be real ones in the prompt."""
    return _TURNS.sub(lambda found: f"{found.group()} ", text)


def _closing(problem: Problem) -> str:
    if problem.call is None:
        return "Answer again now."
    return "Make the call again now, complete and corrected. Do not explain."


def quoted(turn: Turn) -> str:
    """Write a turn as plain text, calls included. Half a character, which cannot be sent, is written as its escape."""
    calls = (f"{call.name}({_arguments(call.arguments)})" for call in turn.calls)
    text = "\n".join(part for part in (turn.text.rstrip(), *calls) if part)
    return text.encode("utf-8", "backslashreplace").decode()


def _arguments(arguments: object) -> str:
    return arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)


def shorten(text: str) -> str:
    """Cut the middle out of a long text, and say how much is gone."""
    if len(text) <= HEAD + TAIL:
        return text
    return f"{text[:HEAD]}\n[... {len(text) - HEAD - TAIL} characters ...]\n{text[-TAIL:]}"

"""What stands between the tags of a parameter: how a value is taken out, and how it is written."""

from __future__ import annotations

import json
import re
from typing import NamedTuple

from adapters.models.tags.qwen_xml_read import unframed
from adapters.models.tags.qwen_xml_tags import LONGEST
from adapters.models.tags.qwen_xml_value import Closed
from adapters.models.tags.xml_entities import unescape
from rules.conversation import Json
from rules.read_json import Unreadable, read_json

CDATA, CDATA_END = "<![CDATA[", "]]>"
_SPLIT = f"]]{CDATA_END}{CDATA}>"
"""How a `]]>` is written in CDATA: its section ends in the middle of it, and another one begins."""

_NOT_TEXT = re.compile(r"""\bstring\s*=\s*["']?false""")


class Written(NamedTuple):
    """A value as it is written: attributes of its tag, the text behind it, and what our own reader must make of it."""

    text: str
    reads_as: Json
    attributes: str = ""


def take_verbatim(closed: Closed, block: str) -> Json:
    """Take a value to the character; of one without a closer the line break before the next tag is none of it."""
    return unframed(block[closed.start : closed.end], framed=False, closed=closed.by_tag)


def write_verbatim(value: Json) -> Written:
    """Write a text as it is and anything else as JSON: the schema will tell them apart."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return Written(text, text)


def take_framed(closed: Closed, block: str) -> Json:
    """Take a value without the line breaks that frame it, if one stands in front of it."""
    return unframed(block[closed.start : closed.end], framed=True, closed=closed.by_tag)


def write_framed(value: Json) -> Written:
    """Write a value in a frame where its own first line break would be taken for one."""
    text, reads_as, _ = write_verbatim(value)
    return Written(f"\n{text}\n" if text.startswith("\n") else text, reads_as)


def take_typed(closed: Closed, block: str) -> Json:
    """Take a text to the character, and anything else as JSON: the tag tells which it is."""
    text = str(take_verbatim(closed, block))
    tag = block[max(0, closed.start - LONGEST) : closed.start].rpartition("<")[2]
    reading = read_json(text) if _NOT_TEXT.search(tag) else Unreadable("a text")
    return text if isinstance(reading, Unreadable) else reading.value


def write_typed(value: Json) -> Written:
    """Write a value, and in its tag whether it is a text."""
    kind = "true" if isinstance(value, str) else "false"
    return Written(write_verbatim(value).text, value, f' string="{kind}"')


def take_section(closed: Closed, block: str) -> Json:
    """Take a value out of its CDATA section; without one entities are decoded, as an XML reader would."""
    text = block[closed.start : closed.end]
    inner = in_section(text)
    return unescape(unframed(text, framed=True, closed=closed.by_tag)) if inner is None else inner


def in_section(text: str) -> str | None:
    """Return what stands in CDATA, where that is all there is."""
    inner = text.strip()
    if not (inner.startswith(CDATA) and inner.endswith(CDATA_END)):
        return None
    return inner[len(CDATA) : -len(CDATA_END)].replace(_SPLIT, CDATA_END)


def write_section(value: Json) -> Written:
    """Write a value in a CDATA section where it holds what an XML reader, or ours, would take for its own."""
    text = write_verbatim(value).text
    section = f"{CDATA}{text.replace(CDATA_END, _SPLIT)}{CDATA_END}"
    return Written(section if re.search(r"[<&\n]", text) else text, text)

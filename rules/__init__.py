"""Meaning: what a conversation is, what is wrong with a turn, and how to mend it. Pure."""

import sys

# jsonschema loads it, where it is installed, for formats that nobody checks here: that takes two seconds of each start.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

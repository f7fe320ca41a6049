"""Requests that call no tool: titles, summaries, chat. Nothing to mend; relayed untouched unless the profile strips thinking."""

from __future__ import annotations

from adapters.base import Client
from adapters.clients.openai_chat import as_it_is, read

PASSTHROUGH = Client(name="passthrough", recognises=lambda body: True, read=read, express=as_it_is)  # noqa: ARG005

"""What tests of clients through the proxy share: a request that shows nothing, the paths of text actions, and asking."""

from __future__ import annotations

import json
from typing import Any

import aiohttp

from proxy.body import read_body
from proxy.plan import Plan, make_plan
from proxy.profiles import load
from proxy.question import Question, upstream_body
from proxy.settings import Limits, ProfileTable, Settings
from tests.adapters.clients.judges import JUDGES
from tests.conftest import MODEL

LS = '<|tool_call>call:bash{command:<|"|>ls -la<|"|>}<tool_call|>'
PLAIN: dict[str, Any] = {
    "model": MODEL,
    "messages": [{"role": "system", "content": "You help."}, {"role": "user", "content": "Fix it."}],
}
SHELLS = [name for name in JUDGES if name not in ("openhands_text", "cline_xml")]
PATHS = {name: f"/swe-agent/{name.removeprefix('swe_agent_')}" for name in SHELLS if name.startswith("swe_agent_")}


def plan_of(body: dict[str, Any], prefix: str = "", *tables: ProfileTable) -> Plan:
    return make_plan(read_body(json.dumps(body).encode(), Limits()), Settings(upstream="http://x"), load(tables), prefix=prefix)


def sent(plan: Plan) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(upstream_body(plan, frozenset(), Question()))
    return body


async def ask(url: str, body: dict[str, Any], prefix: str = "", stream: bool = False) -> tuple[int, dict[str, Any]]:
    """Ask, and return the status and the message with its finish reason, or the error."""
    async with aiohttp.ClientSession() as session:
        async with session.post(f"{url}{prefix}/v1/chat/completions", json={**body, "stream": stream}) as response:
            if response.status != 200:
                return response.status, (await response.json())["error"]
            if not stream:
                choice = (await response.json())["choices"][0]
                return 200, {**choice["message"], "finish": choice["finish_reason"]}
            text, finish, calls = "", None, []
            async for line in response.content:
                if line.startswith(b"data: {"):
                    choice = json.loads(line[6:])["choices"][0] if json.loads(line[6:])["choices"] else {"delta": {}}
                    text += choice["delta"].get("content") or ""
                    calls += choice["delta"].get("tool_calls") or []
                    finish = choice.get("finish_reason") or finish
            return 200, {"content": text, "finish": finish, "tool_calls": calls}

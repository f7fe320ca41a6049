"""Runs EvalScope's agent loop once. Executed by the Python of EvalScope's environment; nothing of this repository is imported.

It does what EvalScope's SWE-bench benchmark does (its strategy, its bash tool, its instructions), but in a local folder
instead of a container, and without scoring.
"""

import json
import sys
from pathlib import Path
from typing import Any

from evalscope.agent.runner import run_native_agent
from evalscope.api.agent import AgentTrace, NativeAgentConfig
from evalscope.api.dataset import Sample
from evalscope.api.messages import ChatMessageUser
from evalscope.api.model import GenerateConfig, get_model
from evalscope.benchmarks.swe_bench.swe_bench_agentic_adapter import INSTANCE_TEMPLATE
from evalscope.config import TaskConfig

MAX_STEPS = 20


def main(told: dict[str, str], outcome: Path) -> None:
    """Run the loop and write down how it ended."""
    config = GenerateConfig(retries=1, retry_interval=1, timeout=60)
    model = get_model(told["model"], "openai_api", base_url=told["url"], api_key="not-needed", config=config)
    agent = NativeAgentConfig(
        strategy=told["strategy"],
        tools=["bash"],
        max_steps=MAX_STEPS,
        environment="local",
        environment_extra={"working_dir": told["repository"]},
    )
    result = run_native_agent(
        task_config=TaskConfig(model=told["model"], agent_config=agent),
        model=model,
        sample=Sample(input=[ChatMessageUser(content=INSTANCE_TEMPLATE.format(problem_statement=told["task"]))], id=0),
        build_sandbox_config=lambda _: None,
        extract_final_answer=lambda looped, strategy: strategy.extract_final_answer(looped),
    )
    status = _status(result.trace)
    submission = result.output.completion if status == "sentinel" else ""
    outcome.write_text(json.dumps({"status": status, "submission": submission}))


def _status(trace: AgentTrace) -> str:
    """Return what ended the loop: the sentinel, a turn without an action, or the limit of steps."""
    last: dict[str, Any] = trace.events[-1].payload
    return str(last.get("source") if trace.events[-1].type.value == "submit" else last.get("message"))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]), Path(sys.argv[2]))

"""Real agent frameworks (mini-swe-agent, EvalScope's agent loop) against a scripted model: `make e2e-agents`."""

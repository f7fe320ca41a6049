"""Side by side: toolmend, nginx, haproxy and LiteLLM's proxy before the same simulated model server (docs/reliability.md)."""

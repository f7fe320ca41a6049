"""The faults that vLLM's parsers are known for, one file per family of parsers."""

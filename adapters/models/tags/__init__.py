"""What reads and writes calls whose names and arguments are tags: Qwen, MiniMax, DeepSeek V3.2, tags named after tools."""

"""What reads calls whose head names the tool and whose arguments follow as JSON: Mistral, DeepSeek, Kimi, Harmony, PLaMo."""

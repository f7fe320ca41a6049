"""What reads and writes calls in which JSON names its tool: wrapped in markers, in fences, or bare."""

"""What reads and writes calls as Python writes them: words, brackets, keyword arguments, literals."""

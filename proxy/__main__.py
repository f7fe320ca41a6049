"""Lets `python -m proxy serve` do what `toolmend serve` does."""

from proxy.cli import main

if __name__ == "__main__":
    main()

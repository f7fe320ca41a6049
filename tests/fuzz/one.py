"""One target under atheris: `python -m tests.fuzz.one NAME [options and folders of libFuzzer]`."""

from __future__ import annotations

import sys
from random import Random

import atheris


def main() -> None:
    """Fuzz, merge or run one input, as libFuzzer's options say."""
    with atheris.instrument_imports(include=["proxy", "adapters", "rules"]):
        from tests.fuzz.mutate import mutated
        from tests.fuzz.targets import TARGETS

    target = TARGETS[sys.argv[1]]

    def change(data: bytes, most: int, seed: int) -> bytes:
        """Change what is JSON as JSON two times of three."""
        chance = Random(seed)
        if chance.random() < 0.3:
            return bytes(atheris.Mutate(data, most))
        return (data[: target.head] + mutated(chance, data[target.head :]))[:most]

    # libFuzzer begins itself again to merge: by its first argument, which it gives to a shell
    again = f"{sys.executable} -m tests.fuzz.one {sys.argv[1]}"
    more = {"custom_mutator": change} if target.json else {}
    atheris.Setup([again, *sys.argv[2:]], target.run, **more)
    atheris.Fuzz()


if __name__ == "__main__":
    main()

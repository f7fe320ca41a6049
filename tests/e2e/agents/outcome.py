"""How a run ended."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ending:
    """What the framework says: its last status, whether it counts the work as submitted, what was handed in."""

    status: str
    submitted: bool = False
    submission: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """One run: its ending, whether the file is as meant, and what it took."""

    ending: Ending
    fixed: bool
    patched: bool
    seconds: float
    requests: int = 0

    @property
    def good(self) -> bool:
        """Tell whether the work was done, and handed in as this mode hands it in."""
        return self.ending.submitted and self.fixed and self.patched

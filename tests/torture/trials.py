"""How many trials are made: a sample in the usual run, all of them under `make torture`."""

import os

TORTURE = bool(os.environ.get("CONSTA_TORTURE"))


def trials(sample: int, whole: int) -> int:
    """The number of trials in this run."""
    return whole if TORTURE else sample

"""Pickles that do something when they are unpickled: they leave a mark, so that it is seen."""

import os
import pickle
from pathlib import Path


class Trap:
    """Becomes a new folder when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self._mark = mark

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return os.makedirs, (str(self._mark), 0o700, True)


def leaving_a_mark(mark: Path) -> bytes:
    """A pickle that makes a folder of that name."""
    return pickle.dumps(Trap(mark))

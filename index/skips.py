"""Files that are not served -> what is told of them: the first few by name, of the rest how many.

Names and reasons go in, one at a time and in any order, however many there are. Nothing here knows of folders.
"""

from collections.abc import Iterable
from typing import Any, Generic, TypeVar

from index.types import Skipped

MAX_NAMED = 20
"""How many files that are not served for like reasons are named; the rest is counted."""
READ_ARE = "(read are .txt, .text, .md and none)"
WHOLE = "./"
"""Stands for the folder itself. No file is called so."""
_SHOWN_CHARACTERS = 300

_Item = TypeVar("_Item", bound=tuple[Any, ...])


def summed_up(skipped: Iterable[Skipped]) -> tuple[Skipped, ...]:
    """What is to be told of files that are not served: of many for like reasons the first by name and a number."""
    skips = Skips()
    for each in skipped:
        skips.add(each.file, each.reason, each.files)
    return skips.told()


class First(Generic[_Item]):
    """The first of many tuples in their order. Of the others only the number is kept: millions of them take no room."""

    def __init__(self, most: int) -> None:
        self._most, self._more = most, 0
        self._items: list[_Item] = []
        self._last: _Item | None = None

    def add(self, item: _Item) -> None:
        """Takes one more."""
        if self._last is not None and item > self._last:
            self._more += 1
            return
        self._items.append(item)
        # Sorted only now and then, so that each costs little.
        if len(self._items) > 2 * self._most:
            self.close()

    def close(self) -> tuple[list[_Item], int]:
        """The first items, sorted, and how many there are besides."""
        self._items.sort()
        self._more += len(self._items[self._most :])
        del self._items[self._most :]
        self._last = self._items[-1] if len(self._items) == self._most else None
        return self._items, self._more


class Skips:
    """The files that are not served, by like reasons."""

    def __init__(self) -> None:
        self._alike: dict[str, First[tuple[str, str, int]]] = {}

    def add(self, file: str, reason: str, files: int = 1) -> None:
        """Takes one more, or what stands for several `files`."""
        # There may be as many extensions as files.
        alike = f"other extensions {READ_ARE}" if reason.startswith("extension ") else reason
        if alike not in self._alike:
            self._alike[alike] = First(MAX_NAMED)
        self._alike[alike].add((file, reason, files))

    def told(self) -> tuple[Skipped, ...]:
        """What is to be told of all so far, in order of names, which are shown without what a terminal would act on."""
        told = []
        for alike, found in self._alike.items():
            named, more = found.close()
            told += [Skipped(shown(file), reason, files) for file, reason, files in named]
            if more:
                told.append(Skipped(WHOLE, f"{more:,} files not named here: {alike}", more))
        return tuple(sorted(told, key=lambda each: (each.file, each.reason)))


def shown(file: str) -> str:
    """A name, or what is part of one, as it may be shown: printable and not too long."""
    if not file.isprintable():
        # Backslashes stand for what a terminal must not receive and UTF-8 cannot hold.
        file = "".join(each if each.isprintable() else ascii(each)[1:-1] for each in file)
    if len(file) <= _SHOWN_CHARACTERS:
        return file
    return f"{file[: _SHOWN_CHARACTERS // 2]}…{file[1 - _SHOWN_CHARACTERS // 2 :]}"

"""What was worked out lately, kept for the next time. It knows nothing of what that is."""

from collections import OrderedDict
from threading import Lock
from typing import Generic, TypeVar

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class Recent(Generic[_Key, _Value]):
    """At most so many values, the least recently used of which gives way; several threads may ask and keep."""

    def __init__(self, most: int) -> None:
        self._kept: OrderedDict[_Key, _Value] = OrderedDict()
        self._most = most
        self._lock = Lock()

    def get(self, key: _Key) -> _Value | None:
        """The value that was kept under a key; None where there is none any more."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def keep(self, key: _Key, value: _Value) -> None:
        """Keeps a value."""
        with self._lock:
            self._kept[key] = value
            self._give_way()

    def make_room(self, most: int) -> None:
        """Keeps at most so many from now on."""
        with self._lock:
            self._most = most
            self._give_way()

    def _give_way(self) -> None:
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)

    def clear(self) -> None:
        """Keeps nothing of what there was."""
        with self._lock:
            self._kept.clear()

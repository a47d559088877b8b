"""A second thread for half of some work. It knows nothing of what is worked out."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import TypeVar

_T = TypeVar("_T")


class Helper:
    """Takes over one half of a piece of work while the caller does the other, at most one at a time.

    Unlike the threads of a library for matrices it never spins: where other work is going on, those lose a hundred
    times what they gain.
    """

    def __init__(self) -> None:
        self._alone = (os.cpu_count() or 1) < 2
        self._begin()

    def _begin(self) -> None:
        self._process = os.getpid()
        self._free = Lock()
        self._thread = ThreadPoolExecutor(1, "half")

    def halves(self, work: Callable[[int], _T]) -> tuple[_T, _T]:
        """`work(0)` and `work(1)`, whatever either raises; at the same time if the other thread has nothing to do.

        So a half may itself be work in halves: it then does both.
        """
        if self._process != os.getpid():
            self._begin()  # a process that was forked off has no threads but its first
        if self._alone or not self._free.acquire(blocking=False):
            return work(0), work(1)
        try:
            other = self._thread.submit(work, 1)
            return work(0), other.result()
        finally:
            self._free.release()

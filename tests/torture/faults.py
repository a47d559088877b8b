"""Child processes, what they ask of the system, and the same again with one call failing or the last: by strace.

A child is forked from a server that has imported what a build needs, so that a trial takes a fraction of a second, and
waits until a tracer is there. Calls are counted by their names, so the same work can be stopped at the same place.
"""

import ctypes
import multiprocessing
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

WRITING = (
    "open openat creat write pwrite64 writev pwritev fsync fdatasync sync_file_range rename renameat renameat2 mkdir "
    "mkdirat unlink unlinkat rmdir truncate ftruncate fallocate link linkat symlink symlinkat flock close"
).split()
"""Calls that may change what lies on a disk, or say that it could not be changed; not every system has all of them."""
PATIENCE_SECONDS = 60
_CHANGING_FLAGS = re.compile(r"O_(?:WRONLY|RDWR|CREAT|TRUNC|APPEND)")
_LINE = re.compile(r"(?P<name>\w+)\((?P<arguments>.*)\) += (?P<result>-?\d+|\?)")
_PLACE = re.compile(r'(?:AT_FDCWD|\d+)<(?P<descriptor>[^>]*)>(?:, "(?P<below>[^"]*)")?|"(?P<path>[^"]+)"')
_PR_SET_PTRACER, _PR_SET_PTRACER_ANY = 0x59616D61, -1

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["bm25s", "faiss", "filelock", "tests.torture.builds", "tests.torture.faults"])


@dataclass(frozen=True)
class Call:
    """The `number`-th call of its name in a process, and whether it failed: then its `result` is -1.

    Paths are relative to the place that was watched; `target` is the second one, of a rename. `flags` are the
    arguments, when a file is closed those of opening it.
    """

    name: str
    number: int
    path: Path
    target: Path | None
    flags: str
    result: int

    @property
    def changes(self) -> bool:
        """Whether it writes: opening and closing a file only to read it does not."""
        return not self.name.startswith(("open", "close")) or bool(_CHANGING_FLAGS.search(self.flags))


class Child:
    """A process that does some work once it is released; its exit status is what the work returns."""

    def __init__(self, work: Callable[..., int], *arguments: object, patience_seconds: int = PATIENCE_SECONDS) -> None:
        self._gate, inner = _CONTEXT.Pipe()
        self._patience_seconds = patience_seconds
        given = (inner, patience_seconds, work, arguments)
        self._process = _CONTEXT.Process(target=_when_released, args=given, daemon=True)
        self._process.start()
        inner.close()
        self._gate.recv_bytes()  # from here on it does the same calls every time

    @property
    def pid(self) -> int:
        """The number of the process."""
        assert self._process.pid is not None
        return self._process.pid

    def release(self) -> None:
        """Has it begin."""
        self._gate.send_bytes(b"go")

    def kill(self) -> None:
        """Ends it at once, as a power cut would; it may have ended by itself."""
        self._process.kill()

    def status(self) -> int:
        """Its exit status, or the negative number of the signal that ended it; a child that hangs fails."""
        self._process.join(self._patience_seconds)
        status = self._process.exitcode
        self._gate.close()
        if status is None:
            self._process.kill()
            raise AssertionError("the process hangs")
        return status


def require_strace() -> None:
    """Skips the test where strace is missing or may not trace."""
    if not shutil.which("strace"):
        pytest.skip("strace is missing")
    if subprocess.run(["strace", "-qq", "-o", "/dev/null", "true"], capture_output=True, check=False).returncode:
        pytest.skip("strace is not permitted here")


def traced(log: Path, names: list[str], injected: str, work: Callable[..., int], *arguments: object) -> int:
    """Does the work in a child whose calls of these names are written to the log, with strace's `injected` in force.

    Returns the child's exit status, or the negative number of the signal that ended it.
    """
    child = Child(work, *arguments)
    with attached(child, log, names, injected):
        child.release()
        return child.status()


@contextmanager
def attached(child: Child, log: Path, names: list[str], injected: str) -> Iterator[None]:
    """While this lasts, strace follows the child, from its next call on."""
    wanted = ",".join(f"?{name}" for name in names)
    fault = ["-e", f"inject={injected}"] if injected else []
    command = ["strace", "-y", "-s", "0", "-o", str(log), "-e", f"trace={wanted}", *fault, "-p", str(child.pid)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tracer:
        assert tracer.stderr is not None
        told = tracer.stderr.readline()  # not before the child is held at its next call
        if "attached" not in told:
            child.kill()
            pytest.skip(f"strace may not follow a process here: {told.strip()}")
        yield


def calls(log: Path, place: Path) -> list[Call]:
    """The calls in a log that are about paths below a place, in order, each numbered among all those of its name."""
    counted: Counter[str] = Counter()
    opened: dict[Path, str] = {}
    found = []
    for match in filter(None, map(_LINE.match, log.read_text().splitlines())):
        name, arguments = match["name"], match["arguments"]
        result = int(match["result"].replace("?", "-1"))  # of a process that was killed in it
        counted[name] += 1
        paths = [_path(each) for each in _PLACE.finditer(arguments)]
        if not paths or not all(path.is_relative_to(place) for path in paths):
            continue
        path, *targets = (path.relative_to(place) for path in paths)
        if name.startswith("open") and result >= 0:
            opened[path] = arguments
        flags = opened.get(path, "") if name == "close" else arguments
        found.append(Call(name, counted[name], path, targets[0] if targets else None, flags, result))
    return found


def _path(place: re.Match[str]) -> Path:
    if place["path"] is not None:
        return Path(place["path"])
    return Path(place["descriptor"], place["below"] or "")


def _when_released(
    gate: Connection, patience_seconds: int, work: Callable[..., int], arguments: tuple[object, ...]
) -> None:
    from tqdm import tqdm  # type: ignore[import-untyped]

    # Its own is a semaphore between processes, whose name a killed one leaves behind.
    tqdm.set_lock(threading.RLock())
    if sys.platform == "linux":
        # Where only a parent may trace, it takes the child's leave.
        ctypes.CDLL(None).prctl(_PR_SET_PTRACER, _PR_SET_PTRACER_ANY, 0, 0, 0)
    signal.alarm(patience_seconds)
    gate.send_bytes(b"here")
    gate.recv_bytes()
    sys.exit(work(*arguments))

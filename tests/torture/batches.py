"""Batches that a trial can stop, and what is wrong with the file that they leave.

`batch_server` forks them; embedder and model are fakes. Nothing here knows how a batch is stopped.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.commands import ROOT, with_package
from tests.test_answer import BRIDGE, NAMED, OFF_TOPIC
from tests.test_batch import BAKER, OPENED, TEAM, line

MOST_SECONDS = 100
MEMORY = "/dev/shm"
# OpenMP's threads do not live on in a forked process: with more than one it would wait for them.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def questions(count: int) -> list[bytes]:
    """Lines of every kind of outcome, each with an id and a number of its own."""
    kinds: list[dict[str, Any]] = [
        {"question": BRIDGE},
        {"question": OFF_TOPIC},
        {"question": OPENED, "history": [BAKER]},
        {"question": f"{NAMED} {TEAM}"},
        {"question": "resume el artículo 2"},
        {"question": "resume el artículo 9"},
        {"question": "hola", "note": "á\u2028\x1b\x00"},
        {"question": TEAM},
        {"question": 5},
    ]
    return [line(id=f"n{number}", number=number, **kinds[number % len(kinds)]) for number in range(count)]


class Batches:
    """A process that forks batches on demand, over the questions of a folder. Batches still running end with it."""

    def __init__(self, place: Path, count: int, under: Sequence[str] = ()) -> None:
        place.mkdir()
        (place / "questions.jsonl").write_bytes(b"".join(questions(count)))
        self.count = count
        self.articles = place / "articles"
        self.begun: set[int] = set()
        command = [*under, sys.executable, "-m", "tests.torture.batch_server", str(place)]
        pipe = subprocess.PIPE
        self.server = subprocess.Popen(command, stdin=pipe, stdout=pipe, cwd=ROOT, env=with_package(ONE_THREAD))
        assert self._heard() == "ready"

    def begin(self, output: Path, **more: object) -> int:
        """Begins a batch into the file; gives its process id."""
        pid = int(self._told({"output": str(output), **more}))
        self.begun.add(pid)
        return pid

    def ended(self, pid: int) -> int:
        """The exit status of a batch, negative for the signal that ended it."""
        status = int(self._told({"wait": pid}))
        self.begun.remove(pid)
        return status

    def run(self, output: Path, **more: object) -> int:
        return self.ended(self.begin(output, **more))

    def said(self) -> str:
        """What the batches have said since this was last asked."""
        file = self.articles.with_name("said")
        text = file.read_text(encoding="utf-8")
        os.truncate(file, 0)
        return text

    def close(self) -> None:
        for pid in self.begun:  # not yet waited for, so the id is still theirs
            os.kill(pid, signal.SIGKILL)
        self.server.communicate(timeout=MOST_SECONDS)

    def _told(self, request: dict[str, object]) -> str:
        assert self.server.stdin is not None
        self.server.stdin.write(json.dumps(request).encode() + b"\n")
        self.server.stdin.flush()
        return self._heard()

    def _heard(self) -> str:
        assert self.server.stdout is not None
        return self.server.stdout.readline().decode().strip()


@contextmanager
def folder_in_memory() -> Iterator[Path]:
    """A new folder where syncing costs nothing, if there is one: no trial here cuts the power."""
    with TemporaryDirectory(prefix="consta-", dir=MEMORY if os.access(MEMORY, os.W_OK) else None) as folder:
        yield Path(folder)


def timeless(record: bytes) -> str:
    """A record with its keys in order, without the one that depends on the clock. Raises `ValueError` for no record."""
    return json.dumps({key: value for key, value in json.loads(record).items() if key != "seconds"})


def faults(output: Path, expected: Sequence[str], before: Sequence[bytes] = ()) -> list[str]:
    """What is wrong with a file of answers: lines that are no records or others' ones, and what did not stay.

    `before` are beginnings of the file that held whole records at some time.
    """
    raw = output.read_bytes()
    *lines, rest = raw.split(b"\n")
    found = ["the last line has no end"] if rest else []
    for number, (each, wanted) in enumerate(zip_longest(lines, expected), 1):
        try:
            if each is None or timeless(each) != wanted:
                found.append(f"line {number} is not the record of question {number}")
        except (ValueError, AttributeError):
            found.append(f"line {number} is no record")
    return found + [f"the first {len(each)} bytes have changed" for each in before if not raw.startswith(each)]


def finished(output: Path) -> bytes:
    """What a file holds up to the end of its last whole line."""
    raw = output.read_bytes() if output.exists() else b""
    return raw[: raw.rfind(b"\n") + 1]

"""The file that a batch writes: it grows by whole records and says itself how far the batch has come."""

import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from itertools import islice, zip_longest
from pathlib import Path

from qa.errors import QuestionsError
from qa.questions import Asked
from qa.record import SCHEMA

_OPENING = f'{{"schema": {SCHEMA}, "id": '.encode()


class AnswersFile:
    """A file of records that grows by whole lines. Its lines answer the first questions of a batch, in order."""

    def __init__(self, path: Path, file: FileIO) -> None:
        self.path = path
        self._file = file

    def kept(self, questions: Iterator[Asked]) -> tuple[int, int]:
        """Takes the questions off that have a record here; gives their number, and how many of them failed.

        Raises `QuestionsError` if the file answers other ones. What a stopped run left of a line is cut off.
        """
        *lines, begun = self._read().split(b"\n")
        answered = list(islice(questions, len(lines)))
        for number, (line, asked) in enumerate(zip_longest(lines, answered), 1):
            if asked is None or not _answers(line, asked):
                raise self._refused(number)
        # A file without a newline may be anybody's: only what begins like a record is ours to cut.
        if not (begun.startswith(_OPENING) or _OPENING.startswith(begun)):
            raise self._refused(len(lines) + 1)
        self._cut(len(begun))
        return len(lines), sum("error" in json.loads(line) for line in lines)

    def write(self, line: str) -> None:
        """Appends a record and waits until it is on disk. Raises `QuestionsError` where that fails."""
        left = line.encode("utf-8") + b"\n"
        try:
            while left:
                left = left[self._file.write(left) or 0 :]
            os.fsync(self._file.fileno())
        except OSError as error:
            raise _unwritable(self.path, error) from error

    def _read(self) -> bytes:
        try:
            return self._file.read()
        except OSError as error:
            raise QuestionsError(
                f"{self.path} cannot be read ({error.strerror or error})", "a readable file", "name another"
            ) from error

    def _cut(self, length: int) -> None:
        """Takes that many bytes off the end and stays there."""
        try:
            self._file.truncate(self._file.seek(-length, os.SEEK_END))
        except OSError as error:
            raise _unwritable(self.path, error) from error

    def _refused(self, number: int) -> QuestionsError:
        return QuestionsError(
            f"line {number} of {self.path} is no answer to question {number}",
            "a new file, or one that a run over the same questions began",
            "name another with -o, or begin anew with --restart",
        )


@contextmanager
def answers_file(path: Path, restart: bool) -> Iterator[AnswersFile]:
    """Opens the file for the answers of a batch, for this process alone; `restart` empties it first."""
    from filelock import FileLock, Timeout

    lock = FileLock(f"{path}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise QuestionsError(f"another run is writing {path}", "one run at a time", "wait for it") from error
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        try:
            if path.exists() and not path.is_file():  # a device would be read without end
                raise OSError(errno.EINVAL, "Not a file")
            # Without a buffer: what could not be written must not be tried again on closing.
            file = path.open("w+b" if restart or not path.exists() else "r+b", buffering=0)
        except OSError as error:
            raise _unwritable(path, error) from error
        with file:
            yield AnswersFile(path, file)
    finally:
        Path(f"{path}.lock").unlink(missing_ok=True)
        lock.release()


def _unwritable(path: Path, error: OSError) -> QuestionsError:
    return QuestionsError(f"{path} cannot be written ({error.strerror or error})", "a writable file", "name another")


def _answers(line: bytes, asked: Asked) -> bool:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return False
    if not isinstance(record, dict) or record.get("schema") != SCHEMA or record.get("id") != asked.id:
        return False
    known = record.get("question")
    if known is None or asked.question is None:
        return known is asked.question
    return " ".join(str(known).split()) == " ".join(asked.question.split())

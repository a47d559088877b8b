"""The file that a batch writes: it grows by whole records and says itself how far the batch has come."""

import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from itertools import islice, zip_longest
from pathlib import Path

from index.generation import sync
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
        lines, begun = _divided(self._read())
        answered = list(islice(questions, len(lines)))
        for number, (line, asked) in enumerate(zip_longest(lines, answered), 1):
            if asked is None or not _answers(line, asked):
                raise self._refused(number)
        if not _is_begun_by_us(begun, behind_records=bool(lines)):
            raise self._refused(len(lines) + 1)
        self._cut(len(begun))
        return len(lines), sum("error" in json.loads(line) for line in lines)

    def write(self, line: str) -> None:
        """Appends a record and waits until it is on disk. Raises `QuestionsError` where that fails."""
        try:
            self._append(line.encode("utf-8") + b"\n")
        except OSError as error:
            raise _unwritable(self.path, error) from error

    def _append(self, left: bytes) -> None:
        before = self._file.seek(0, os.SEEK_END)
        try:
            while left:
                left = left[self._file.write(left) or 0 :]
            os.fsync(self._file.fileno())
        except OSError:
            # A line that may not be on disk must not be taken for finished by the next run.
            with suppress(OSError):
                self._file.truncate(before)
            raise

    def _read(self) -> bytes:
        try:
            self._file.seek(0)
            return self._file.read()
        except OSError as error:
            raise QuestionsError(
                f"{self.path} cannot be read ({error.strerror or error})", "a readable file", "name another"
            ) from error

    def _cut(self, length: int) -> None:
        """Takes that many bytes off the end; what stays is on disk, even if a run was killed before it saw to that."""
        try:
            self._file.truncate(self._file.seek(-length, os.SEEK_END))
            os.fsync(self._file.fileno())
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
    from filelock import lock_descriptor

    try:
        file = _opened(path)
    except OSError as error:
        raise _unwritable(path, error) from error
    with file:
        try:
            # The file itself is locked, so whatever name another run knows it by; closing it ends that, a kill as well.
            alone = lock_descriptor(file.fileno(), blocking=False)
            if alone and restart:
                file.truncate(0)
        except OSError as error:
            raise _unwritable(path, error) from error
        if not alone:
            raise QuestionsError(f"another run is writing {path}", "one run at a time", "wait for it")
        yield AnswersFile(path, file)


def _opened(path: Path) -> FileIO:
    """The file, made with its folders where they are missing, and their entries on disk. Empties nothing."""
    if path.exists() and not path.is_file():  # a device would be read without end
        raise OSError(errno.EINVAL, "Not a file")
    folder = Path(os.path.realpath(path)).parent
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    # Without a buffer: what could not be written must not be tried again on closing.
    file = path.open("a+b", buffering=0)
    for each in (folder, *(made.parent for made in missing)):
        with suppress(OSError):  # not every file system can; the records are synced in any case
            sync(each)
    return file


def _divided(raw: bytes) -> tuple[list[bytes], bytes]:
    """The lines that were finished, and what there is of one that was not."""
    *lines, begun = raw.split(b"\n")
    # A power cut leaves zeros for what did not reach the disk, with the end of the line behind them perhaps.
    if lines and not begun and b"\0" in lines[-1]:
        begun = lines.pop() + b"\n"
    return lines, begun


def _is_begun_by_us(begun: bytes, behind_records: bool) -> bool:
    """Whether a line without an end, or with zeros in it, is a record that a stopped run began, and so ours to cut.

    No record has a zero byte. A file of nothing else may be anybody's, unless records stand before them.
    """
    if behind_records and b"\0" in begun:
        return True
    return begun.startswith(_OPENING) or _OPENING.startswith(begun)


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

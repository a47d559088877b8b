"""A question set that grows line by line, and never by half a line."""

import codecs
import errno
import json
import os
from pathlib import Path

from eval.question_set import read_question_set, to_line
from eval.types import Question
from qa.errors import QuestionsError


def questions_so_far(path: Path) -> tuple[Question, ...]:
    """The questions of a file that is to grow; none where there is no file yet.

    Raises `QuestionsError` if it cannot grow, and if it ends in half a line, which must not be added to.
    """
    try:
        raw = path.read_bytes() if path.is_file() else b""
        if not os.access(path if path.exists() else path.parent, os.W_OK):
            raise OSError(errno.EACCES, "No permission" if path.parent.is_dir() else "No such folder")
        if path.exists() and not path.is_file():  # a device takes everything and keeps nothing
            raise OSError(errno.EINVAL, "Not a file")
    except OSError as error:
        raise _unwritable(path, error) from error
    if not raw.removeprefix(codecs.BOM_UTF8).strip():
        return ()
    if _is_cut(raw.rpartition(b"\n")[2]):
        raise QuestionsError(f"the last line of {path} is cut off", "whole lines", "complete it or take it out")
    return read_question_set(path)


def _is_cut(end: bytes) -> bool:
    try:
        json.loads(end or b"{}")
    except (ValueError, RecursionError):
        return end.lstrip().startswith(b"{")
    return False


def append_question(path: Path, question: Question) -> None:
    """Adds a line to a file, or begins it, and waits until it is on disk: all of the line or, with an error, nothing.

    Raises `QuestionsError` where that fails.
    """
    line = to_line(question).encode("utf-8") + b"\n"
    try:
        # Without a buffer: a line that could not be written must not be tried again on closing.
        with path.open("ab+", buffering=0) as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - 1))
            if file.read(1) not in (b"", b"\n"):
                line = b"\n" + line
            # In one piece, so that whoever ends the process finds it before the line or behind it.
            if file.write(line) != len(line):
                file.truncate(size)
                raise OSError(errno.ENOSPC, "No room for the line")
            os.fsync(file.fileno())
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> QuestionsError:
    found = f"{path} cannot be written ({error.strerror or error})"
    return QuestionsError(found, "a writable file", "name another with -o")

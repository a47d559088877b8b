"""Answers in a file -> what still holds of their quotations. Needs no model and no index, only the articles."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from qa.errors import AnswersError

Verdict = Literal["holds", "file changed", "file missing", "never stood there", "not a citation"]


@dataclass(frozen=True, slots=True)
class Check:
    """One quotation of an answers file and what became of it. `line` is that of the answers file, from 1."""

    line: int
    question: str
    file: str
    verdict: Verdict


def check_answers(answers: Path, root: Path) -> Iterator[Check]:
    """Checks every quotation of a JSONL file of answers against the articles below `root`.

    Raises `AnswersError` for a file that cannot be read or a line that is no record.
    """
    try:
        # Not splitlines, which also divides at characters that may stand inside a line of JSON.
        lines = answers.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise AnswersError(f"{answers} cannot be read ({error})", "a JSONL file of answers", "name one") from error
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield from _check_record(number, _record(line, number, answers), root)


def _record(line: str, number: int, answers: Path) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise AnswersError(f"{answers} line {number} is not JSON", "one answer a line", "mend the line") from error
    if not isinstance(record, dict) or not isinstance(record.get("citations", []), list):
        raise AnswersError(f"{answers} line {number} is no answer", "an object with citations", "mend the line")
    return record


def _check_record(number: int, record: dict[str, Any], root: Path) -> Iterator[Check]:
    for citation in record.get("citations", []):
        file = str(citation.get("file", "")) if isinstance(citation, dict) else ""
        yield Check(number, str(record.get("question", "")), file, judge(citation, root))


def judge(citation: object, root: Path) -> Verdict:
    """Whether a quotation stands in its file; a file that is not the one cited is told from a false quotation."""
    match citation:
        case {
            "file": str(file),
            "sha256": str(digest),
            "encoding": str(encoding),
            "start": int(start),
            "end": int(end),
            "quote": str(quote),
        }:
            pass
        case _:
            return "not a citation"
    # JSON's true is an int to Python.
    if isinstance(start, bool) or isinstance(end, bool) or not 0 <= start < end or not quote:
        return "not a citation"
    try:
        raw = _bytes_below(root, file)
    except (OSError, ValueError):
        return "file missing"
    if hashlib.sha256(raw).hexdigest() != digest:
        return "file changed"
    try:
        text = raw.decode(encoding)
    except (ValueError, LookupError):
        return "never stood there"
    return "holds" if text[start:end] == quote else "never stood there"


def _bytes_below(root: Path, file: str) -> bytes:
    """What a file of the folder holds. Raises `OSError` or `ValueError` for one that is not there or outside of it."""
    path = (root / file).resolve()
    if not path.is_relative_to(root.resolve()):
        raise ValueError(f"{file} lies outside of {root}")
    return path.read_bytes()

"""Answers in a file -> what still holds of their quotations. Needs no model and no index, only the articles.

Whether a quotation stands in its file, at its place and in its line, is checked, and whether each marker of an answer
has a quotation. Whether it says what the answer says is not: that was proven when the answer was given.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from index.corpus import NotTextError, decode
from index.files import read_bytes
from index.plain import plain
from index.types import Document
from qa.errors import AnswersError

Verdict = Literal["holds", "file changed", "file missing", "never stood there", "not a citation", "no citation"]

_MARKERS = re.compile(r"(?:\[\d{1,9}\])+(?= |$)")
_TEXTS, _NUMBERS = ("file", "sha256", "encoding", "quote"), ("start", "end")
_MORE_NUMBERS = "marker", "line", "answer_start", "answer_end"


@dataclass(frozen=True, slots=True)
class Check:
    """One quotation of an answers file and what became of it. `line` is that of the answers file, from 1.

    A marker without a citation stands in the place of the file.
    """

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
    question = _text(record, "question")
    citations = record.get("citations", [])
    for citation in citations:
        file = _text(citation, "file") if isinstance(citation, dict) else ""
        yield Check(number, question, file, judge(citation, root))
    for marker in _without_citation(record, [each for each in citations if isinstance(each, dict)]):
        yield Check(number, question, marker, "no citation")


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name, "")
    return value if isinstance(value, str) else ""


def _without_citation(record: Mapping[str, Any], citations: list[dict[str, Any]]) -> list[str]:
    """The markers of an answer that are those of no citation.

    What looks like one within a statement may be the article's own, and then it is in a quotation, or the user's.
    """
    cited = {f"[{each.get('marker')}]" for each in citations}
    quoted = " ".join([_text(record, "question"), *(plain(_text(each, "quote"))[0] for each in citations)])
    runs = _MARKERS.findall(_text(record, "answer"))
    found = dict.fromkeys(marker for run in runs for marker in re.findall(r"\[\d+\]", run))
    return [marker for marker in found if marker not in cited and marker not in quoted]


def judge(citation: object, root: Path) -> Verdict:
    """Whether a quotation stands in its file; a file that is not the one cited is told from a false quotation.

    What a citation says of its line and of the answering words must be true, but may be left out.
    """
    if not isinstance(citation, dict) or not _is_formed(citation):
        return "not a citation"
    try:
        raw = read_bytes(root, citation["file"])
    except (OSError, ValueError):
        return "file missing"
    if hashlib.sha256(raw).hexdigest() != citation["sha256"]:
        return "file changed"
    return "holds" if _stands(citation, raw) else "never stood there"


def _is_formed(citation: Mapping[str, Any]) -> bool:
    texts = [citation.get(name) for name in _TEXTS]
    numbers = [citation.get(name) for name in _NUMBERS] + [citation[name] for name in _MORE_NUMBERS if name in citation]
    # JSON's true is an int to Python, and no number here.
    if not all(isinstance(text, str) for text in texts) or not all(type(number) is int for number in numbers):
        return False
    return bool(citation["quote"]) and bool(0 <= citation["start"] < citation["end"])


def _stands(citation: Mapping[str, Any], raw: bytes) -> bool:
    """Whether all that a citation says is so in the file of these bytes, decoded as articles are."""
    try:
        text, encoding = decode(raw)
    except NotTextError:
        return False
    start, end = citation["start"], citation["end"]
    if encoding != citation["encoding"] or text[start:end] != citation["quote"]:
        return False
    line = Document("", citation["file"], citation["sha256"], encoding, text).line(start)
    if citation.get("line", line) != line:
        return False
    inner, inner_end = citation.get("answer_start", start), citation.get("answer_end", end)
    return bool(start <= inner < inner_end <= end)

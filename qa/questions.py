"""Lines of a batch -> questions, or what is wrong with them. Pure but for reading.

A line is a question in words, or a JSON object `{"question": ..., "id": ..., "history": [...]}` whose further keys pass
through to the answer's record. Where the first line with anything on it is an object, all must be; elsewhere a line is
one if it begins like one.
"""

import codecs
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from index.corpus import NotTextError, decode
from qa.errors import QuestionError, QuestionsError
from qa.intent import checked
from qa.types import Citation, Turn

_OWN_KEYS = ("id", "question", "history")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_MOST_NESTING = 100


@dataclass(frozen=True, slots=True)
class Asked:
    """One line of a batch. `error` says why it cannot be asked; `number` counts the lines that hold anything, from 1.

    `history` is the conversation before it, the oldest turn first; a text in it is a question still to be answered.
    """

    number: int
    id: str
    question: str | None
    history: tuple[Turn | str, ...] = ()
    extra: Mapping[str, Any] | None = None
    error: str | None = None


def lines_of(path: Path) -> list[bytes]:
    """The lines of a file in UTF-8, with errors where they stand; `QuestionsError` if it cannot be read."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise QuestionsError(
            f"{path} cannot be read ({error.strerror or error})",
            "a file of questions, or - for standard input",
            "name one",
        ) from error
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raw = raw.decode("utf-16", errors="replace").encode()
    return raw.split(b"\n")


def read_questions(lines: Iterable[bytes]) -> Iterator[Asked]:
    """Every line with something on it, in order; one that cannot be used carries its error.

    >>> [(each.id, each.question) for each in read_questions([b"Qui\\xc3\\xa9n?\\n", b"\\n", b"Cu\\xc3\\xa1ndo?"])]
    [('q1', 'Quién?'), ('q2', 'Cuándo?')]
    """
    number = 0
    all_json = False
    for raw in lines:
        content = raw.strip() if number else raw.removeprefix(_BYTE_ORDER_MARK).strip()
        if not content:
            continue
        number += 1
        is_json = content.startswith(b"{")
        all_json = all_json or (is_json and number == 1)
        yield _asked(number, content, is_json or all_json)


def _asked(number: int, content: bytes, is_json: bool) -> Asked:
    try:
        # A line of its own encoding: one bad byte must not spoil the accents of the others.
        text = decode(content)[0]
    except NotTextError as error:
        return Asked(number, f"q{number}", None, error=f"the line cannot be read: {error}")
    if is_json:
        return _from_json(number, text)
    return _checked(Asked(number, f"q{number}", text))


def _from_json(number: int, text: str) -> Asked:
    try:
        record = json.loads(text, parse_float=_finite, parse_constant=_finite)
    except (ValueError, RecursionError) as error:
        return Asked(number, f"q{number}", None, error=f"the line is not JSON ({error})")
    if _is_deep(record):
        return Asked(number, f"q{number}", None, error=f"the line is nested more than {_MOST_NESTING} deep")
    if not isinstance(record, dict):
        return Asked(number, f"q{number}", None, error='the line is no object; expected {"question": ...}')
    identity, question = record.get("id", f"q{number}"), record.get("question")
    is_identity = isinstance(identity, str | int) and not isinstance(identity, bool)
    extra = {key: value for key, value in record.items() if key not in _OWN_KEYS}
    words = question if isinstance(question, str) else None
    found = Asked(number, str(identity) if is_identity else f"q{number}", words, extra=extra)
    if not is_identity:
        return _with_error(found, "the id is neither a text nor a whole number")
    if not isinstance(question, str):
        return _with_error(found, "the line has no question" if question is None else "the question is not a text")
    try:
        history = _history(record.get("history") or [])
    except ValueError as error:
        return _with_error(found, str(error))
    return _checked(Asked(number, found.id, question, history, extra))


def _finite(text: str) -> float:
    """A number that JSON can hold. Raises `ValueError` for `NaN`, `Infinity` and what is as large as that."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number that is none or too large")
    return number


def _is_deep(value: object) -> bool:
    """Whether lists and objects stand in one another further than whoever reads the record can be sure to follow."""
    level = [value]
    for _ in range(_MOST_NESTING + 1):
        inner = [each.values() if isinstance(each, dict) else each for each in level if isinstance(each, dict | list)]
        level = [each for group in inner for each in group]
    return bool(level)


def _checked(asked: Asked) -> Asked:
    try:
        checked(asked.question or "")
    except QuestionError as error:
        return _with_error(asked, str(error))
    return asked


def _with_error(asked: Asked, error: str) -> Asked:
    return Asked(asked.number, asked.id, asked.question, (), asked.extra, error)


def _history(items: object) -> tuple[Turn | str, ...]:
    if not isinstance(items, list):
        raise ValueError("the history is no list")
    try:
        json.dumps(items, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise ValueError("the history holds what is not text") from error
    return tuple(_turn(number, item) for number, item in enumerate(items, 1))


def _turn(number: int, item: Any) -> Turn | str:
    """An earlier question, or one with its answer, as a record of ours has them. Raises `ValueError`."""
    match item:
        case str(question) | {"question": str(question)}:
            pass
        case _:
            raise ValueError(f"item {number} of the history is neither a question nor one with its answer")
    try:
        checked(question)
    except QuestionError as error:
        raise ValueError(f"item {number} of the history is {error.found}") from error
    if not isinstance(item, dict) or not isinstance(item.get("answer"), str):
        return question
    # As in `Answer.turn`: a record without passages is an overview, whose name is no question.
    understood = item.get("understood") if item.get("passages", True) else None
    if not isinstance(understood, str):
        understood = None
    return Turn(question, item["answer"], _citations(number, item), understood)


def _citations(number: int, turn: Mapping[str, Any]) -> tuple[Citation, ...]:
    try:
        return tuple(_citation(cited) for cited in turn.get("citations") or ())
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"item {number} of the history has a citation that is none ({error!r})") from error


def _citation(cited: Any) -> Citation:
    values = {field.name: cited[field.name] for field in fields(Citation)}
    for field in fields(Citation):
        if type(values[field.name]) is not field.type:
            raise TypeError(f"{field.name} of the wrong type")
    return Citation(**values)

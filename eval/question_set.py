"""A file of questions with gold answers <-> `Question`s: read leniently, checked against the articles, written.

Each line is a JSON object; only `question` is required, so that a set of one's own is quickly written.
"""

import codecs
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from typing import Any

from eval.normalisation import normalised
from eval.types import Evidence, Question
from qa.errors import QuestionError, QuestionsError
from qa.intent import checked

# In the order in which a line has them.
_KEYS = "id split type lang question history answerable answers evidence why_unanswerable form plain".split()
_NOWHERE = -1
"""`start` and `end` of evidence that is still to be found by its quotation."""

_ALTERNATIVES = 'a list of alternatives, ["a", "b"], or of such lists, each alternative with a letter or digit'
_PLACE = '{"file": ..., "quote": ...} or {"file": ..., "start": ..., "end": ...} with 0 <= start < end'
_ALIKE = 0.85
_SHOWN_CHARACTERS = 60
_SHOWN_FILES = 5


def read_question_set(path: Path | None, split: str = "") -> tuple[Question, ...]:
    """The questions of a JSONL file in UTF-8, or the project's own for None; of one split (maybe none) if it is named.

    Defaults: `id` q1, q2 ... by place, `split` test, `lang` es, `answerable` whether there are answers, `type`
    question, or why there is no answer. Answers are groups of alternatives, or the alternatives of one group. Evidence
    with nothing but a quotation has no offsets before `located`. Raises `QuestionsError` naming the line.
    """
    name, raw = _content(path)
    questions = tuple(_read(name, raw))
    if not questions:
        raise QuestionsError(f"no questions in {name}", "a JSON object a line", "write one, see qa eval new --help")
    return tuple(question for question in questions if split in ("", question.split))


def _content(path: Path | None) -> tuple[str, bytes]:
    """What messages call the file, and its bytes."""
    if path is None:
        return "eval/questions.jsonl", files("eval").joinpath("questions.jsonl").read_bytes()
    try:
        return str(path), path.read_bytes()
    except OSError as error:
        found = f"{path} cannot be read ({error.strerror or error})"
        raise QuestionsError(found, "a file of questions", "name one") from error


def _read(name: str, raw: bytes) -> Iterator[Question]:
    lines: dict[str, int] = {}
    # Not splitlines(), which also divides at characters that may stand in a text.
    for number, content in enumerate(raw.removeprefix(codecs.BOM_UTF8).split(b"\n"), 1):
        if not content.strip():
            continue
        line = _Line(f"line {number} of {name}", content)
        question = line.question(f"q{len(lines) + 1}")
        if question.id in lines:
            raise line.fault(f"the id {question.id} again, as in line {lines[question.id]}", "a new id", "change one")
        lines[question.id] = number
        yield question


class _Line:
    """The record of one line, asked for value by value; what cannot be used raises `QuestionsError` with the place."""

    def __init__(self, place: str, content: bytes) -> None:
        self._place = place
        try:
            record = json.loads(content.decode("utf-8"))
            # Half a surrogate pair passes for JSON, but can be neither shown nor written.
            json.dumps(record, ensure_ascii=False).encode()
        except UnicodeError as error:
            raise self.fault("not text in UTF-8", "text in UTF-8", "convert the file") from error
        except (ValueError, RecursionError) as error:
            raise self.fault(f"not JSON ({error})", "a JSON object") from error
        if not isinstance(record, dict):
            raise self.fault(_shown(record), 'an object, {"question": ...}')
        for key in record.keys() - set(_KEYS):
            # A misspelt "answers" would make its question one without an answer, unnoticed.
            for meant in get_close_matches(key, _KEYS, 1, _ALIKE):
                raise self.fault(f"the key {_shown(key)}", f'"{meant}"', "rename it")
        self._record: Mapping[str, Any] = record

    def fault(self, found: str, expected: str, action: str = "mend the line") -> QuestionsError:
        """The error to raise for something in this line."""
        return QuestionsError(f"{self._place}: {found}", expected, action)

    def question(self, identity: str) -> Question:
        """The line as a question; `identity` is its id unless it has one."""
        answers = self._answers()
        why = self._text("why_unanswerable", "")
        answerable = self._answerable(bool(answers), why)
        return Question(
            id=self._identity(identity),
            split=self._text("split", "test"),
            type=self._text("type", "question" if answerable else why or "unanswerable"),
            lang=self._text("lang", "es"),
            question=self._words(),
            answerable=answerable,
            answers=answers,
            evidence=tuple(self._evidence(item) for item in self._list("evidence")),
            why_unanswerable=why or None,
            history=tuple(self._earlier(item) for item in self._list("history")),
            form=self._text("form", "") or None,
            plain=tuple(self._plain(item) for item in self._list("plain")),
        )

    def _identity(self, default: str) -> str:
        value = self._record.get("id")
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        return self._text("id", default)

    def _text(self, key: str, default: str) -> str:
        value = self._record.get(key)
        if value is None:
            return default
        if not isinstance(value, str) or not value.strip():
            raise self.fault(f'"{key}" is {_shown(value)}', "a text that is not empty")
        return value

    def _list(self, key: str) -> list[Any]:
        value = self._record.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.fault(f'"{key}" is {_shown(value)}', "a list, [...]")
        return value

    def _words(self) -> str:
        question = self._record.get("question")
        if not isinstance(question, str):
            raise self.fault(
                f'"question" is {_shown(question)}' if question else 'no "question"', "a question in words"
            )
        try:
            checked(question)
        except QuestionError as error:
            raise self.fault(error.found, error.expected) from error
        return question

    def _answerable(self, has_answers: bool, why: str) -> bool:
        value = self._record.get("answerable")
        if value is None:
            value = has_answers
        if not isinstance(value, bool):
            raise self.fault(f'"answerable" is {_shown(value)}', "true or false")
        if value and not has_answers:
            raise self.fault("answerable without answers", _ALTERNATIVES, 'add "answers"')
        if not value and has_answers:
            raise self.fault("answers, but not answerable", "one or the other", 'leave "answerable" or "answers" out')
        if value and why:
            raise self.fault('answers and "why_unanswerable"', "one or the other", "leave one out")
        return value

    def _answers(self) -> tuple[tuple[str, ...], ...]:
        value = self._list("answers")
        groups = [value] if value and all(isinstance(each, str) for each in value) else value
        for group in groups:
            if not isinstance(group, list) or not group or not all(is_answer(each) for each in group):
                raise self.fault(f'"answers" with {_shown(group)}', _ALTERNATIVES)
        return tuple(tuple(group) for group in groups)

    def _evidence(self, item: Any) -> Evidence:
        match item:
            case {"file": str(file), **rest} if file:
                start, end, quote = rest.get("start"), rest.get("end"), rest.get("quote")
            case _:
                raise self.fault(f'"evidence" with {_shown(item)}', _PLACE)
        if isinstance(quote, str) and quote and start is None and end is None:
            return Evidence(file, _NOWHERE, _NOWHERE, quote)
        if type(start) is int and type(end) is int and 0 <= start < end and isinstance(quote, str | None):
            return Evidence(file, start, end, quote or "")
        raise self.fault(f'"evidence" with {_shown(item)}', _PLACE)

    def _earlier(self, item: Any) -> str:
        match item:
            case str(question) | {"question": str(question)} if question.strip():
                return question
        raise self.fault(f'"history" with {_shown(item)}', 'questions, or objects {"question": ...}')

    def _plain(self, item: Any) -> str:
        if not isinstance(item, str) or not item:
            raise self.fault(f'"plain" with {_shown(item)}', "ids of questions")
        return item


def is_answer(value: object) -> bool:
    """Whether something is an alternative that a text can hold, with a letter or digit in it.

    >>> is_answer("5 €"), is_answer("¿?"), is_answer(5)
    (True, False, False)
    """
    return isinstance(value, str) and bool(normalised(value).strip())


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"


def located(questions: Sequence[Question], texts: Mapping[str, str]) -> tuple[Question, ...]:
    """The questions with all their evidence checked: its offsets found by the quotation, or the other way round.

    `texts` are the decoded articles by file name. Raises `QuestionsError` naming the question where a file is unknown,
    a quotation does not stand at its offsets, or one without offsets does not occur exactly once.

    >>> asked = Question("q1", "test", "place", "es", "¿Dónde?", True, evidence=(Evidence("a", 3, 7),))
    >>> located([asked], {"a": "En Lima."})[0].evidence
    (Evidence(file='a', start=3, end=7, quote='Lima'),)
    """
    return tuple(
        replace(question, evidence=tuple(_found(f"question {question.id}", each, texts) for each in question.evidence))
        for question in questions
    )


def _found(name: str, evidence: Evidence, texts: Mapping[str, str]) -> Evidence:
    text = texts.get(evidence.file)
    if text is None:
        known = ", ".join(sorted(texts)[:_SHOWN_FILES])
        more = f" and {len(texts) - _SHOWN_FILES} more" if len(texts) > _SHOWN_FILES else ""
        raise QuestionsError(f"{name}: evidence in {evidence.file}", f"one of {known}{more}", "name one of these")
    places = _places(evidence.quote, text)
    if evidence.start == _NOWHERE:
        if len(places) != 1:
            found = f"{name}: {_shown(evidence.quote)} stands {len(places)} times in {evidence.file}"
            action = "quote more of it, or add start and end" if places else "copy it as it stands there"
            raise QuestionsError(found, "a quotation that stands there once", action)
        return replace(evidence, start=places[0], end=places[0] + len(evidence.quote))
    quote = text[evidence.start : evidence.end]
    place = f"{evidence.file}:{evidence.start}-{evidence.end}"
    if evidence.end > len(text):
        raise QuestionsError(f"{name}: {place}", f"offsets up to {len(text)}", "correct them")
    if evidence.quote not in ("", quote):
        action = "correct the offsets, or leave them out to have them found" if places else "correct the quotation"
        raise QuestionsError(f"{name}: {_shown(quote)} at {place}", _shown(evidence.quote), action)
    return replace(evidence, quote=quote)


def _places(quote: str, text: str) -> list[int]:
    """Where a quotation begins in a text, every time."""
    places: list[int] = []
    place = text.find(quote) if quote else -1
    while place >= 0:
        places.append(place)
        place = text.find(quote, place + 1)
    return places


def to_line(question: Question) -> str:
    """The question as a line of JSON without its newline, keys in the order of `eval/questions.jsonl`.

    >>> to_line(Question("q1", "dev", "off_topic", "es", "¿Y?", False))[:47]
    '{"id": "q1", "split": "dev", "type": "off_topic'
    """
    values = asdict(question)
    # What most questions lack is left out; answers and evidence never.
    record = {key: values[key] for key in _KEYS if values[key] or key in ("answerable", "answers", "evidence")}
    record["evidence"] = [_place_record(evidence) for evidence in question.evidence]
    return json.dumps(record, ensure_ascii=False)


def _place_record(evidence: Evidence) -> Mapping[str, Any]:
    return {key: value for key, value in asdict(evidence).items() if value not in ("", _NOWHERE)}

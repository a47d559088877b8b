"""The reading corpus: `qa/training/data/*.jsonl` <-> `Passage`s with their questions and near misses.

One passage a line, with the keys of SQuAD 2.0 (`context`, `qas`, `is_impossible`, `answers`, `answer_start` in code
points) and more; what each key means stands in `qa/training/data/README.md`. Whether a passage is as it should be is
not known here: `qa.training.faults` says so.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data"
TRAIN, VALIDATION = DATA / "train.jsonl", DATA / "validation.jsonl"
WIRE_TRAIN, WIRE_VALIDATION = DATA / "wire" / "train.jsonl", DATA / "wire" / "validation.jsonl"
"""A second part, agency news with plain questions; its balance is its own."""

KINDS = "who when where how_many what why how yes_no list who_says".split()
"""What a question asks for; near misses have these kinds too."""


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a passage's text and the code point where it begins."""

    text: str
    start: int

    @property
    def end(self) -> int:
        """The code point after its last one."""
        return self.start + len(self.text)


@dataclass(frozen=True, slots=True)
class Question:
    """A question about a passage, in Spanish and English, with its answer there, or a near miss without one.

    `answers` holds one span; of a list, all its items in their order; of a yes/no question, the sentence that decides,
    with `yes_no` saying which way. A near miss has none, but `tempting`, the sentence that seems to answer it. `typed`
    is a question as people type it: without accents, with slips.
    """

    id: str
    kind: str
    question: str
    question_en: str
    answers: tuple[Span, ...] = ()
    tempting: Span | None = None
    yes_no: str = ""
    typed: bool = False

    @property
    def is_near_miss(self) -> bool:
        """Whether the passage does not answer it."""
        return self.tempting is not None


@dataclass(frozen=True, slots=True)
class Passage:
    """A news-like text with its questions; paragraphs are lines, as in the articles."""

    id: str
    topic: str
    style: str
    country: str
    title: str
    text: str
    questions: tuple[Question, ...] = ()


def read_passages(paths: Iterable[Path] = (TRAIN, VALIDATION)) -> tuple[Passage, ...]:
    """The passages of the files, in their order. Raises `KeyError` or `ValueError` for a line of another shape."""
    # Not splitlines(), which also divides at characters that may stand in a text.
    lines = [line for path in paths for line in path.read_text("utf-8").split("\n") if line]
    return tuple(_passage(json.loads(line)) for line in lines)


def write_passages(path: Path, passages: Iterable[Passage]) -> None:
    """Writes one passage a line, replacing the file."""
    path.write_text("".join(to_line(passage) + "\n" for passage in passages), "utf-8")


def to_line(passage: Passage) -> str:
    """The passage as a line of JSON without its newline.

    >>> to_line(Passage("salud-01", "salud", "breve", "Perú", "Un título", "Un texto."))[:40]
    '{"id": "salud-01", "topic": "salud", "st'
    """
    record = {
        "id": passage.id,
        "topic": passage.topic,
        "style": passage.style,
        "country": passage.country,
        "title": passage.title,
        "context": passage.text,
        "qas": [_question_record(question) for question in passage.questions],
    }
    return json.dumps(record, ensure_ascii=False)


def _question_record(question: Question) -> dict[str, Any]:
    record: dict[str, Any] = {
        "id": question.id,
        "kind": question.kind,
        "question": question.question,
        "question_en": question.question_en,
        "is_impossible": question.is_near_miss,
        "answers": [_span_record(span) for span in question.answers],
    }
    if question.yes_no:
        record["yes_no"] = question.yes_no
    if question.tempting:
        record["tempting_sentence"] = _span_record(question.tempting)
    if question.typed:
        record["typed"] = True
    return record


def _span_record(span: Span) -> dict[str, Any]:
    return {"text": span.text, "answer_start": span.start}


def _passage(record: dict[str, Any]) -> Passage:
    return Passage(
        id=record["id"],
        topic=record["topic"],
        style=record["style"],
        country=record["country"],
        title=record["title"],
        text=record["context"],
        questions=tuple(map(_question, record["qas"])),
    )


def _question(record: dict[str, Any]) -> Question:
    tempting = record.get("tempting_sentence")
    if record["is_impossible"] != bool(tempting):
        raise ValueError(f"{record['id']}: is_impossible goes with a tempting sentence")
    return Question(
        id=record["id"],
        kind=record["kind"],
        question=record["question"],
        question_en=record["question_en"],
        answers=tuple(map(_span, record["answers"])),
        tempting=_span(tempting) if tempting else None,
        yes_no=record.get("yes_no", ""),
        typed=record.get("typed", False),
    )


def _span(record: dict[str, Any]) -> Span:
    return Span(record["text"], record["answer_start"])

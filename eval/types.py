"""The vocabulary of the evaluation: a question with its gold answer, what an answer to it was worth, a figure.

Offsets are Unicode code points of the decoded article, as everywhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

TYPES = (
    "person", "place", "date", "number", "object", "list", "why", "how", "yes_no", "who_says", "change", "several",
    "overview", "paraphrased", "typed", "english", "follow_up", "boilerplate", "double",
)  # fmt: skip
UNANSWERABLE = ("near_miss", "false_premise", "off_topic", "beyond_time")
SPLITS = ("dev", "test")

Record = Mapping[str, Any]
Outcome = Literal["right", "wrong", "refused", "rightly_refused", "invented", "failed"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """A run of an article that holds (a part of) the answer: `text[start:end] == quote`."""

    file: str
    start: int
    end: int
    quote: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """One handwritten question. `answers` holds groups of alternatives: an answer is right if it meets every group.

    `type` is one of `TYPES` where the articles hold the answer, otherwise it is `why_unanswerable`, one of
    `UNANSWERABLE`. `history` holds the questions asked before, the oldest first. `form` says how a question was
    reworded («typo», «english»), `plain` which questions ask the same in plain words.
    """

    id: str
    split: str
    type: str
    lang: str
    question: str
    answerable: bool
    answers: tuple[tuple[str, ...], ...] = ()
    evidence: tuple[Evidence, ...] = ()
    why_unanswerable: str | None = None
    history: tuple[str, ...] = ()
    form: str | None = None
    plain: tuple[str, ...] = ()

    @property
    def is_searched(self) -> bool:
        """Whether there is evidence that a search should find. An overview is made from whole articles, unsearched."""
        return bool(self.evidence) and self.type != "overview"


@dataclass(frozen=True, slots=True)
class Figure:
    """A mean over `n` questions with its bootstrap 95 % interval. `n` is 0 where nothing could be measured."""

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True)
class Row:
    """One question answered by one system, and judged.

    `record` is the answer as scripts get it, or `{"error": ...}`. `scores` holds a value for each measure that applies
    to the question; a question that was refused or failed scores 0 where an answer was due. `outcome`: `refused` means
    that there was an answer, `invented` that there was none and one was given.
    """

    question: Question
    record: Record
    outcome: Outcome
    scores: Mapping[str, float]

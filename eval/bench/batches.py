"""Many questions in one batch, over the same questions asked one after another."""

import json
from collections.abc import Sequence
from typing import Any

from eval.bench.ground import Ground
from eval.bench.pairs import drawn, seconds_of, warmed
from eval.bench.rows import Row, ratio_row
from eval.types import Question
from qa.batch import MOST_AT_ONCE, answer_all
from qa.questions import Asked
from qa.record import to_json
from qa.types import Answer

_QUESTIONS, _PAIRS = 200, 3
_MOST_TIMES = 0.8

Record = dict[str, Any]


class Batches:
    """Both ways of asking the same questions; each run begins with nothing kept, and leaves its records."""

    def __init__(self, ground: Ground, questions: Sequence[Asked]) -> None:
        self._assistant = ground.assistant
        self._model = ground.model
        self._questions = questions
        self.records: list[list[Record]] = []

    def together(self) -> float:
        """Seconds of a batch."""
        self._model.forget()
        lines: list[str] = []
        answered = answer_all(self._assistant, self._questions, MOST_AT_ONCE)
        seconds = seconds_of(lambda: lines.extend(done.record for done in answered))
        self.records.append([comparable(line) for line in lines])
        return seconds

    def one_by_one(self) -> float:
        """Seconds of a loop of `ask`; the records are made afterwards."""
        self._model.forget()
        ask, answers = self._assistant.ask, list[Answer]()
        seconds = seconds_of(
            lambda: answers.extend(ask(each.question or "", each.id, each.history) for each in self._questions)
        )
        files = self._assistant.files
        self.records.append([comparable(to_json(answer, files)) for answer in answers])
        return seconds


def batch(ground: Ground) -> list[Row]:
    """A batch in a prepared process over a loop of `ask` in the same one."""
    questions = asked(drawn(ground.questions, _QUESTIONS))
    sides = Batches(ground, questions)
    pairs = warmed(sides.together, sides.one_by_one, ground.runs(_PAIRS))
    require_alike(sides.records)
    titles = (f"a batch of {len(questions)} questions", "the same questions asked one by one")
    return [ratio_row("batch", _MOST_TIMES, titles, pairs, details={"questions": len(questions)})]


def asked(questions: Sequence[Question]) -> list[Asked]:
    """The questions as lines of a batch, with ids of their own: one may be drawn twice."""
    return [Asked(number, f"q{number}", each.question, each.history) for number, each in enumerate(questions, 1)]


def comparable(line: str) -> Record:
    """A record without what differs from run to run."""
    record: Record = json.loads(line)
    del record["seconds"]
    return record


def require_alike(runs: Sequence[Sequence[Record]]) -> None:
    """Raises `RuntimeError` unless every run gave the same records in the same order."""
    for number, run in enumerate(runs):
        if run != runs[0]:
            differing = [one["id"] for one, other in zip(run, runs[0], strict=False) if one != other]
            raise RuntimeError(f"run {number} has other records than the first: {differing or 'their number'}")

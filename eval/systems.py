"""What is evaluated: something that turns a question of the set into a record as `qa ask --json` prints it.

Beyond the format that scripts rely on, a record has `tokens`, those of prompts and those decoded.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Protocol

from eval.counting import CountingModel
from eval.types import Question, Record
from index.errors import UserError
from qa.answer import Assistant
from qa.record import to_json
from qa.types import Turn


class System(Protocol):
    """Something that answers questions."""

    name: str

    def prepare(self) -> None:
        """Loads what it needs, so that no question is charged for it."""

    def answer(self, question: Question) -> Record:
        """The record of one question; one with `error` where it could not be asked."""


class Pipeline:
    """The assistant as the commands use it. From here on its model counts tokens."""

    def __init__(self, assistant: Assistant, name: str = "default") -> None:
        self.name = name
        self.assistant = assistant
        self._counting = CountingModel(assistant.model)
        assistant.model = self._counting

    def prepare(self) -> None:
        """See `System`."""
        self.assistant.prepare()

    def answer(self, question: Question) -> Record:
        """See `System`. The questions before it are answered first, and neither timed nor counted."""
        try:
            history = self._answered(question.history)
            self._counting.taken()
            answer = self.assistant.ask(question.question, question.id, history)
        except UserError as error:
            return failed(question, error)
        record: dict[str, Any] = json.loads(to_json(answer, self.assistant.files))
        return {**record, "tokens": asdict(self._counting.taken())}

    def _answered(self, history: Sequence[str]) -> list[Turn]:
        turns: list[Turn] = []
        for asked in history:
            turns.append(self.assistant.ask(asked, history=turns).turn)
        return turns


def failed(question: Question, error: UserError) -> Record:
    """The record of a question that could not be asked."""
    return {"id": question.id, "question": question.question, "error": str(error)}

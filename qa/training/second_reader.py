"""Whether another reader, who sees only passages and questions, gives the answers that the corpus has.

A sheet goes to the reader; what comes back is a line for each question:

    salud-01-1 | Ruth Quispe
    salud-01-4 | camas ;; mantas           the items of a list
    salud-01-3 | sí: abrió el martes       yes or no, and a piece of the sentence that decides
    salud-01-5 | no consta
"""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from eval.metrics import token_f1
from index.spanish import fold
from qa.training.drafts import ITEM_SEPARATOR, sentence_with
from qa.training.passages import Passage, Question

NO_ANSWER = "no consta"
_DECIDED = {"si": "yes", "no": "no"}


@dataclass(frozen=True, slots=True)
class Reading:
    """What the second reader answered to a question, and how well that agrees: a token F1 from 0 to 1."""

    question: Question
    passage: Passage
    said: str
    agreement: float

    @property
    def agrees_on_answerability(self) -> bool:
        """Whether both say that the passage answers, or both that it does not."""
        return self.question.is_near_miss == _refuses(self.said)


def sheet(passages: Sequence[Passage], count: int, seed: int) -> str:
    """A random sample of questions under their passages, without answers, kinds or which are near misses."""
    every = [(passage, question) for passage in passages for question in passage.questions]
    chosen = {question.id for _, question in random.Random(seed).sample(every, min(count, len(every)))}
    lines = []
    for passage in passages:
        asked = [question for question in passage.questions if question.id in chosen]
        if asked:
            lines += [f"@ {passage.title}", passage.text, "", *(f"{it.id} | {it.question}" for it in asked), ""]
    return "\n".join(lines)


def answers_of(lines: str) -> dict[str, str]:
    """The reader's answers by question. Raises `ValueError` for a line without a separator or an id read twice."""
    answers: dict[str, str] = {}
    for line in filter(str.strip, lines.splitlines()):
        identity, separator, said = line.partition(" | ")
        if not separator or not said.strip() or identity.strip() in answers:
            raise ValueError(f"not «id | answer», or answered twice: {line}")
        answers[identity.strip()] = said.strip()
    return answers


def readings(passages: Iterable[Passage], answers: Mapping[str, str]) -> list[Reading]:
    """Each answered question with its agreement. Raises `ValueError` for answers to questions that do not exist."""
    found = [
        Reading(question, passage, answers[question.id], _agreement(question, passage.text, answers[question.id]))
        for passage in passages
        for question in passage.questions
        if question.id in answers
    ]
    if unknown := answers.keys() - {reading.question.id for reading in found}:
        raise ValueError(f"answers to unknown questions: {', '.join(sorted(unknown))}")
    return found


def told(question: Question) -> str:
    """The answer of the corpus as a second reader would write it."""
    if question.is_near_miss:
        return NO_ANSWER
    told = ITEM_SEPARATOR.join(span.text for span in question.answers)
    return f"{'sí' if question.yes_no == 'yes' else 'no'}: {told}" if question.yes_no else told


def _refuses(said: str) -> bool:
    return fold(said).strip(" .") == NO_ANSWER


def _agreement(question: Question, text: str, said: str) -> float:
    """1 or 0 where one of the two refuses; else the F1 of the words, for yes/no those of the deciding sentence."""
    if question.is_near_miss or _refuses(said):
        return float(question.is_near_miss and _refuses(said))
    if question.yes_no:
        verdict, _, piece = said.partition(":")
        if _DECIDED.get(fold(verdict).strip()) != question.yes_no:
            return 0.0
        said = sentence_with(piece.strip(), text)
    gold = " ".join(span.text for span in question.answers)
    return token_f1([[gold]], said.replace(ITEM_SEPARATOR, " "))

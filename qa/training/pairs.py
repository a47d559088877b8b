"""What an embedder is trained on: passages as the index has them, with the questions that they answer.

Questions are in Spanish and, for the project's own corpus, in English too; both belong to the Spanish passage.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from index.chunker import ChunkerSettings, passages
from index.lexical import LexicalIndex
from index.types import Document
from qa.training.examples import Reading, plain


@dataclass(frozen=True, slots=True)
class Place:
    """A passage, and the questions in both languages whose answer begins in it; `plain` is it without accents."""

    text: str
    spanish: tuple[str, ...]
    english: tuple[str, ...]
    answers: tuple[str, ...]
    plain: str


def places(readings: Sequence[Reading]) -> list[Place]:
    """The texts divided as the index divides them; an answer's passage is the one it begins in.

    `answers` holds the answer of each Spanish question in `plain` form, and those of the English ones behind them.
    """
    found = []
    for number, reading in enumerate(readings):
        document = Document(str(number), f"{number}.txt", "", "utf-8", reading.text)
        for passage in passages(document, ChunkerSettings()):
            spanish, english = (
                [each for each in asked if each.answer and passage.start <= each.answer[0] < passage.end]
                for asked in (reading.asked, reading.english)
            )
            found.append(
                Place(
                    passage.text,
                    tuple(each.question for each in spanish),
                    tuple(each.question for each in english),
                    tuple(plain(each.words) for each in (*spanish, *english)),
                    plain(passage.text),
                )
            )
    return found


def near_groups(found: Sequence[Place], size: int) -> list[list[int]]:
    """The passages in groups of `size` that BM25 takes for one another: in a batch each is the others' hard negative.

    Each group is begun by the first passage that is left; its questions, or its own words, choose the others.
    """
    index = LexicalIndex.build([place.text for place in found])
    left = set(range(len(found)))
    groups = []
    for number, place in enumerate(found):
        if number not in left:
            continue
        order = index.scores(" ".join(place.spanish) or place.text).argsort(kind="stable")[::-1].tolist()
        group = [number, *(other for other in order if other in left and other != number)][:size]
        left -= set(group)
        groups.append(group)
    return groups


@dataclass(frozen=True, slots=True)
class Pairs:
    """A batch: passages, questions, and for each question its passage and those that must not count against it.

    `twins` pairs the indexes of an English question and the same in Spanish.
    """

    passages: tuple[str, ...]
    questions: tuple[str, ...]
    owners: tuple[int, ...]
    excused: tuple[tuple[int, int], ...]
    twins: tuple[tuple[int, int], ...]


def pairs(group: Sequence[Place], most_questions: int, chance: random.Random) -> Pairs:
    """A batch of these passages with at most `most_questions` of each, half of them in English where there are any.

    A passage that holds the words of a question's answer is no negative of it.
    """
    questions: list[str] = []
    owners: list[int] = []
    excused: list[tuple[int, int]] = []
    twins: list[tuple[int, int]] = []
    for owner, place in enumerate(group):
        count = most_questions // 2 if place.english else most_questions
        for number in chance.sample(range(len(place.spanish)), min(count, len(place.spanish))):
            forms = [place.spanish[number], *place.english[number : number + 1]]
            if len(forms) == 2:
                twins.append((len(questions) + 1, len(questions)))
            for form in forms:
                words = place.answers[number]
                excused += [(len(questions), i) for i, other in enumerate(group) if i != owner and words in other.plain]
                questions.append(form)
                owners.append(owner)
    return Pairs(tuple(place.text for place in group), tuple(questions), tuple(owners), tuple(excused), tuple(twins))


def batches(
    found: Sequence[Place],
    groups: Sequence[Sequence[int]],
    batch_groups: int,
    most_questions: int,
    chance: random.Random,
) -> list[Pairs]:
    """One epoch: all groups once, `batch_groups` of them a batch, in random order."""
    order = list(groups)
    chance.shuffle(order)
    made = []
    for begin in range(0, len(order), batch_groups):
        members = [found[number] for group in order[begin : begin + batch_groups] for number in group]
        batch = pairs(members, most_questions, chance)
        if batch.questions:
            made.append(batch)
    return made

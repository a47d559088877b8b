"""What a question is drafted from: the sentences found for it, by label, and what its words suggest. Pure."""

import re
from collections.abc import Collection, Mapping, Sequence
from string import ascii_lowercase

from eval.normalisation import normalised
from eval.question_set import is_answer
from eval.types import Evidence, Question
from index.spanish import function_words, sentences
from index.types import Hit
from qa.expectation import kind_of

_TYPE_OF_KIND = {"reason": "why", "manner": "how", "thing": "object"}
_WORDS_OF_OPENING = 3
_WORDS_OF_ID = 4


class Found:
    """The sentences found for a question, by label: `2c` is the third of the second passage."""

    def __init__(self) -> None:
        self.sentences: dict[str, Evidence] = {}
        self._passages: list[str] = []

    def add(self, hits: Sequence[Hit], files: Mapping[str, str]) -> list[str]:
        """Takes in what is new; gives the lines that show it."""
        shown = []
        for passage in (hit.passage for hit in hits if hit.passage.id not in self._passages):
            self._passages.append(passage.id)
            number, file = len(self._passages), files[passage.document_id]
            shown.append(f"{number}  {file}{'  boilerplate' if passage.boilerplate else ''}")
            for place, (start, end) in enumerate(sentences(passage.text)):
                label, quote = f"{number}{letters(place)}", passage.text[start:end]
                self.sentences[label] = Evidence(file, passage.start + start, passage.start + end, quote)
                shown.append(f"  {label}  {one_line(quote)}")
        return shown


def one_line(text: str) -> str:
    """The text with single spaces for every break in it."""
    return " ".join(text.split())


def letters(number: int) -> str:
    """A number from 0 in letters.

    >>> letters(0), letters(25), letters(26)
    ('a', 'z', 'aa')
    """
    rest, last = divmod(number, len(ascii_lowercase))
    return (letters(rest - 1) if rest else "") + ascii_lowercase[last]


def answers_of(line: str) -> tuple[tuple[str, ...], ...]:
    """Groups of alternatives as they are typed; what no text can hold is left out.

    >>> answers_of("Putin + Lavrov | canciller ruso")
    (('Putin',), ('Lavrov', 'canciller ruso'))
    """
    facts = (re.split(r"\s*\|\s*", fact) for fact in re.split(r"\s\+\s", line))
    groups = (tuple(dict.fromkeys(each.strip() for each in fact if is_answer(each))) for fact in facts)
    return tuple(group for group in groups if group)


def guessed_type(question: str) -> str:
    """What a question seems to ask for, by its first words: one of `TYPES`.

    >>> guessed_type("Según Peskov, ¿quién viajó a Pekín cuando acabó la cumbre?"), guessed_type("¿Por qué?")
    ('person', 'why')
    """
    opening = question.rpartition("¿")[2].split()[:_WORDS_OF_OPENING]
    kind = kind_of(" ".join(opening))
    return _TYPE_OF_KIND.get(kind, kind)


def new_id(question: str, taken: Collection[str]) -> str:
    """An id that is not taken, made of the question's first content words.

    >>> new_id("¿Quién inauguró el puente?", []), new_id("¿Quién inauguró el puente?", ["inauguro-puente"])
    ('inauguro-puente', 'inauguro-puente-2')
    """
    words = [word for word in normalised(question).split() if word not in function_words()]
    name = "-".join(words[:_WORDS_OF_ID]) or "question"
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}-{number}"
    return free


def are_twins(one: Question, other: Question) -> bool:
    """Whether two questions have an alternative of the answer and a piece of the evidence in common."""
    said, said_too = ({normalised(each) for group in q.answers for each in group} for q in (one, other))
    return bool(said & said_too) and any(_meet(a, b) for a in one.evidence for b in other.evidence)


def _meet(a: Evidence, b: Evidence) -> bool:
    return a.file == b.file and (a.quote == b.quote or (a.start < b.end and b.start < a.end))


def essentials(question: Question) -> str:
    """A line on what was written, for the user to read over."""
    answers = " + ".join(" | ".join(group) for group in question.answers)
    places = ", ".join(f"{each.file}:{each.start}-{each.end}" for each in question.evidence)
    told = f"«{answers}» in {places}" if answers else "no answer"
    return f"Written: {question.id} ({question.type}, {question.split}), {told}"

"""The ways in which a SQuAD-format file is asked, one after the other, over one index of its paragraphs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from eval.judging import judge
from eval.run import run
from eval.squad import (
    Choice,
    SquadSet,
    Within,
    own_paragraph,
    reduced,
    without_answer,
    without_the_answer,
    without_the_article,
    write_corpus,
)
from eval.systems import Pipeline
from eval.types import Question, Row
from index.build import Progress
from index.embedder import BUNDLED, open_embedder
from index.generation import StoredIndex
from qa.answer import Assistant
from qa.reader import Reader
from qa.settings import Settings


@dataclass(frozen=True, slots=True)
class Variant:
    """One way of asking: which files are searched, what kind of unanswerable the question becomes, its language."""

    title: str
    choice: Choice | None = None
    unanswerable: str | None = None
    in_english: bool = False


VARIANTS: Mapping[str, Variant] = MappingProxyType(
    {
        "pipeline": Variant("retrieve, then read"),
        "reader": Variant("right paragraph given", own_paragraph),
        "near_miss": Variant("paragraphs with the answer removed", without_the_answer, "near_miss"),
        "off_topic": Variant("only other articles left", without_the_article, "off_topic"),
        "english": Variant("in English: retrieve, then read", in_english=True),
        "english_reader": Variant("in English: right paragraph given", own_paragraph, in_english=True),
    }
)


class Forgetful(Assistant):
    """An assistant that can be made to answer from a part of its index, kept in `only` until that is None again."""

    only: StoredIndex | None = None

    def index(self, rebuild: bool = False) -> StoredIndex:
        """The part, or the whole index."""
        return self.only or super().index(rebuild)


class SquadRun:
    """The assistant over the paragraphs of a set, written to `folder` and indexed there."""

    def __init__(
        self, given: SquadSet, settings: Settings, folder: Path, progress: Progress, reading: Reader | None = None
    ) -> None:
        write_corpus(given.paragraphs, folder / "corpus")
        embedder = open_embedder(settings.embedder or BUNDLED)
        self._given = given
        self._within = Within(embedder, settings.top_k)
        self._texts = {file: paragraph.text for file, paragraph in given.paragraphs.items()}
        over = replace(settings, corpus=folder / "corpus", index_dir=folder / "index")
        self.assistant = Forgetful(over, embedder, progress=progress, retriever=self._within, reading=reading)
        self._system = Pipeline(self.assistant)

    def prepare(self) -> None:
        """Builds the index and loads the models."""
        self._system.prepare()

    def rows(
        self,
        variant: Variant,
        questions: Sequence[Question],
        wording: Mapping[str, str],
        advance: Callable[[], None] = lambda: None,
    ) -> list[Row]:
        """The rows of one way of asking; `wording` holds the English questions by id."""
        if variant.in_english:
            questions = [replace(each, lang="en", question=wording[each.id]) for each in questions]
        if variant.choice is None:
            self._within.files = None
            return run(self._system, questions, self._texts, advance)
        rows = []
        for question in questions:
            self._narrow(variant, variant.choice(self._given, question))
            asked = without_answer(question, variant.unanswerable) if variant.unanswerable else question
            rows.append(judge(asked, self._system.answer(asked), self._texts))
            advance()
        self._narrow(variant, None)
        return rows

    def _narrow(self, variant: Variant, files: frozenset[str] | None) -> None:
        """Leaves these files to be read, or all: by the search alone where the answer is among them."""
        self.assistant.only = None
        if not variant.unanswerable:
            self._within.files = files
        elif files is not None:
            self.assistant.only = reduced(self.assistant.index(), files)


def outcomes(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """What became of each question, without a word of it: the file may be under a licence of its own."""
    return [{"id": row.question.id, "outcome": row.outcome, "right": row.scores["correct"]} for row in rows]

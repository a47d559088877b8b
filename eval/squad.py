"""A SQuAD-format file -> a corpus, one document a paragraph, and questions about it.

The same questions are asked in several ways: of the whole corpus; with only the right paragraph to read; over a corpus
without any paragraph that holds the answer (a near miss); over the file's other articles alone (off topic).
What is removed is out of the index, its words and years as well. For the right paragraph alone only the search is
narrowed: the weights of words stay those of the whole corpus, or the one paragraph would have no rare words.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.normalisation import answer_tokens, normalised
from eval.types import Evidence, Question
from index.dense import DenseIndex
from index.embedder import Embedder
from index.generation import StoredIndex
from index.lexical import LexicalIndex
from index.search import search
from index.spanish import sentences
from index.types import Hit
from qa.errors import QuestionsError

_BYTE_ORDER_MARK = "\ufeff"
# How the names of the files begin.
_ASKED, _DISTRACTORS = "q", "d"


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A document of the corpus: its file name, the article that it is of, its text.

    `words` is the text as `normalised` has it, `level` its `answer_tokens` with one space around each. A distractor is
    of a file that no question is asked about.
    """

    file: str
    article: str
    text: str
    words: str
    level: str
    is_distractor: bool = False


@dataclass(frozen=True, slots=True)
class SquadSet:
    """Paragraphs by file name, those of distractors among them, and the questions with the file that each is about."""

    paragraphs: Mapping[str, Paragraph]
    questions: tuple[Question, ...]
    files: Mapping[str, str]


def read_squad(path: Path, distractors: Path | None = None) -> SquadSet:
    """The set of a file. Questions marked impossible are left out: another paragraph may well answer them.

    `QuestionsError` for a file in another format, with an id twice, or without a question that has an answer.
    """
    articles = _articles(path)
    paragraphs = dict(_paragraphs(articles, _ASKED))
    questions: list[Question] = []
    files: dict[str, str] = {}
    for (file, paragraph), item in zip(paragraphs.items(), _items(articles), strict=True):
        for asked in item["qas"]:
            if asked["id"] in files:
                raise QuestionsError(f"{path} has the id {asked['id']} twice", "ids of their own", "change one")
            if asked["answers"]:
                cut = len(item["context"]) - len(paragraph.text)
                questions.append(_question(asked, paragraph, cut))
                files[asked["id"]] = file
    if not questions:
        raise QuestionsError(f"{path} has no question with an answer", "questions with answers", "name another")
    if distractors is not None:
        paragraphs |= dict(_paragraphs(_articles(distractors), _DISTRACTORS))
    return SquadSet(paragraphs, tuple(questions), files)


def read_wording(path: Path, questions: Sequence[Question]) -> dict[str, str]:
    """The questions in English, from a JSON object by id; `QuestionsError` if one is missing."""
    wording = _object(path)
    missing = [question.id for question in questions if not isinstance(wording.get(question.id), str)]
    if missing:
        raise QuestionsError(f"{path} has no question {missing[0]}", "every id", "name the fitting file")
    return wording


def _articles(path: Path) -> list[dict[str, Any]]:
    articles = _object(path).get("data")
    if not isinstance(articles, list) or not articles or not all(map(_is_article, articles)):
        raise QuestionsError(f"{path} is not in SQuAD format", "articles, paragraphs, questions", "name another")
    return articles


def _is_article(article: Any) -> bool:
    paragraphs = article.get("paragraphs") if isinstance(article, dict) else None
    return isinstance(paragraphs, list) and all(map(_is_paragraph, paragraphs))


def _is_paragraph(paragraph: Any) -> bool:
    if not isinstance(paragraph, dict) or not isinstance(paragraph.get("context"), str):
        return False
    asked = paragraph.get("qas")
    return isinstance(asked, list) and all(map(_is_asked, asked))


def _is_asked(asked: Any) -> bool:
    if not isinstance(asked, dict) or not all(isinstance(asked.get(key), str) for key in ("id", "question")):
        return False
    answers = asked.get("answers")
    return isinstance(answers, list) and all(
        isinstance(each, dict) and isinstance(each.get("text"), str) and isinstance(each.get("answer_start"), int)
        for each in answers
    )


def _object(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        # Half a surrogate pair passes for JSON, but no file can hold it.
        json.dumps(content, ensure_ascii=False).encode()
    except (OSError, ValueError, RecursionError) as error:
        raise QuestionsError(f"{path} cannot be read as JSON ({error})", "a JSON file", "name one") from error
    if not isinstance(content, dict):
        raise QuestionsError(f"{path} holds no JSON object", "a JSON object", "name another file")
    return content


def _items(articles: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [paragraph for article in articles for paragraph in article["paragraphs"]]


def _paragraphs(articles: Sequence[Mapping[str, Any]], letter: str) -> list[tuple[str, Paragraph]]:
    made = []
    for number, article in enumerate(articles):
        # Without a title it is an article of its own, whatever the other file calls its.
        title = str(article.get("title") or f"{letter}{number}")
        for place, paragraph in enumerate(article["paragraphs"]):
            file = f"{letter}{number:03d}-{place:03d}.txt"
            # A file begins with its text: a byte order mark would be no part of it.
            text = paragraph["context"].lstrip(_BYTE_ORDER_MARK)
            distracting = letter == _DISTRACTORS
            made.append((file, Paragraph(file, title, text, normalised(text), _levelled(text), distracting)))
    return made


def _levelled(text: str) -> str:
    return f" {' '.join(answer_tokens(text))} "


def _question(asked: Mapping[str, Any], paragraph: Paragraph, cut: int) -> Question:
    """`cut` is how many characters the paragraph lost at its beginning."""
    marked = dict.fromkeys((answer["answer_start"] - cut, answer["text"]) for answer in asked["answers"])
    return Question(
        id=asked["id"],
        split="test",
        type="squad",
        lang="es",
        question=asked["question"],
        answerable=True,
        answers=(tuple(dict.fromkeys(text for _, text in marked)),),
        evidence=tuple(dict.fromkeys(_evidence(paragraph, *place) for place in _places(marked, paragraph.text))),
    )


def _places(marked: Iterable[tuple[int, str]], text: str) -> list[tuple[int, int]]:
    """Where answers stand. One that is not where it is marked is an answer all the same, but shows no place."""
    return [
        (start, start + len(answer))
        for start, answer in marked
        if start >= 0 and answer and text.startswith(answer, start)
    ]


def _evidence(paragraph: Paragraph, start: int, end: int) -> Evidence:
    """The sentences that a marked answer lies in; the answer itself where it lies in none."""
    touched = [(left, right) for left, right in sentences(paragraph.text) if left < end and start < right]
    left, right = (touched[0][0], touched[-1][1]) if touched else (start, end)
    return Evidence(paragraph.file, left, right, paragraph.text[left:right])


def write_corpus(paragraphs: Mapping[str, Paragraph], folder: Path) -> None:
    """The paragraphs as files in UTF-8, their texts to the last character."""
    folder.mkdir(parents=True, exist_ok=True)
    for paragraph in paragraphs.values():
        (folder / paragraph.file).write_bytes(paragraph.text.encode())


def sampled(questions: Sequence[Question], most: int | None) -> tuple[Question, ...]:
    """At most so many questions, evenly spread over the file; all for None.

    >>> [each.id for each in sampled([Question(str(n), "", "", "", "", True) for n in range(10)], 3)]
    ['0', '3', '6']
    """
    if most is None or most >= len(questions):
        return tuple(questions)
    return tuple(questions[number * len(questions) // most] for number in range(most))


def without_answer(question: Question, kind: str) -> Question:
    """The question's unanswerable twin: the same words, over articles that do not hold the answer."""
    return replace(question, type=kind, answerable=False, answers=(), evidence=(), why_unanswerable=kind)


def own_paragraph(given: SquadSet, question: Question) -> frozenset[str]:
    """The one paragraph that the question is about."""
    return frozenset((given.files[question.id],))


def without_the_answer(given: SquadSet, question: Question) -> frozenset[str]:
    """All paragraphs but its own and those that hold one of its answers, be it with numbers and dates levelled."""
    answers = [answer for group in question.answers for answer in group]
    words = [plain for plain in map(normalised, answers) if plain.strip()]
    # As in `metrics.is_met`: a word that has lost its article may be another one, a number is none.
    levels = [level for level in map(_levelled, answers) if len(level.split()) > 1 or re.search(r"\d", level)]
    own = given.files[question.id]
    return frozenset(
        file
        for file, paragraph in given.paragraphs.items()
        if file != own
        and not any(plain in paragraph.words for plain in words)
        and not any(level in paragraph.level for level in levels)
    )


def without_the_article(given: SquadSet, question: Question) -> frozenset[str]:
    """The paragraphs of the file's other articles that hold none of its answers.

    Distractors are left out: an article of theirs may be about the same under another title.
    """
    article = given.paragraphs[given.files[question.id]].article
    kept = (given.paragraphs[file] for file in without_the_answer(given, question))
    return frozenset(each.file for each in kept if not each.is_distractor and each.article != article)


def reduced(index: StoredIndex, files: frozenset[str]) -> StoredIndex:
    """The index as it would be over these files only."""
    kept = np.array([name in files for name in _names_of(index)], dtype=bool)
    passages = tuple(passage for passage, wanted in zip(index.passages, kept, strict=True) if wanted)
    return replace(
        index,
        documents=tuple(document for document in index.documents if document.file in files),
        passages=passages,
        lexical=LexicalIndex.build([passage.text for passage in passages]),
        dense=DenseIndex.build(index.dense.vectors()[kept]),
    )


def _names_of(index: StoredIndex) -> list[str]:
    """The file of each passage."""
    names = {document.id: document.file for document in index.documents}
    return [names[passage.document_id] for passage in index.passages]


Choice = Callable[[SquadSet, Question], frozenset[str]]


class Within:
    """The fused search over some files only. `files` is set before each question; None means all of them."""

    def __init__(self, embedder: Embedder, top_k: int) -> None:
        self._embedder, self._top_k = embedder, top_k
        self.files: frozenset[str] | None = None

    def __call__(self, question: str, index: StoredIndex) -> Sequence[Hit]:
        """The best passages of these files, with scores as if there were no others."""
        kept = np.array([self.files is None or name in self.files for name in _names_of(index)], dtype=bool)
        passages = [passage for passage, wanted in zip(index.passages, kept, strict=True) if wanted]
        vector = self._embedder.encode([question])[0]
        return search(question, vector, passages, _Among(index.lexical, kept), _Among(index.dense, kept), self._top_k)


class _Among:
    """One side of the search, its scores for the kept passages alone."""

    def __init__(self, side: LexicalIndex | DenseIndex, kept: NDArray[np.bool_]) -> None:
        self._side, self._kept = side, kept

    def scores(self, question: Any) -> NDArray[np.float32]:
        """Those of the kept passages, in their order."""
        return self._side.scores(question)[self._kept]

"""What a reader is trained on: texts, each with questions that a run of it answers and questions that it does not.

Three sources, all for training: a file in SQuAD format, the project's own reading corpus, and, for either, questions
about other texts that share many words with this one (`with_strangers`), so that a reader learns to say that a passage
which the search brings does not answer.
"""

import json
import random
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from index.lexical import LexicalIndex
from qa.training.passages import Passage, Span
from qa.training.questions import Written, key_of


@dataclass(frozen=True, slots=True)
class Asked:
    """A question and the code points of its answer in the text, None where the text does not answer it.

    `words` is the answer itself, whichever text it is asked of.
    """

    question: str
    answer: tuple[int, int] | None
    words: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """A text with the questions written for it, the first of them in English too, and questions for other texts."""

    text: str
    asked: tuple[Asked, ...]
    english: tuple[Asked, ...] = ()
    strangers: tuple[Asked, ...] = field(default=())


def read_squad(path: Path, further: Mapping[str, Sequence[Written]] = MappingProxyType({})) -> list[Reading]:
    """The paragraphs of a file in SQuAD format with their questions; the first answer counts.

    `further` are questions by the paragraph's key; they come first, because they have English forms.
    """
    articles = json.loads(path.read_text("utf-8"))["data"]
    readings = []
    for paragraph in (each for article in articles for each in article["paragraphs"]):
        text = paragraph["context"]
        more = further.get(key_of(text), ())
        asked = [_asked(each, each.question) for each in more]
        for item in paragraph["qas"]:
            if item.get("is_impossible") or not item["answers"]:
                asked.append(Asked(item["question"], None))
                continue
            words, start = item["answers"][0]["text"], item["answers"][0]["answer_start"]
            if text[start : start + len(words)] == words and words.strip():
                asked.append(Asked(item["question"], (start, start + len(words)), words))
        readings.append(Reading(text, tuple(asked), tuple(_asked(each, each.question_en) for each in more)))
    return readings


def _asked(each: Written, wording: str) -> Asked:
    if each.answer is None:
        return Asked(wording, None)
    return Asked(wording, (each.answer.start, each.answer.end), each.answer.text)


def from_corpus(passages: Iterable[Passage]) -> list[Reading]:
    """The passages of the reading corpus; the items of a list are answered by the run that covers them all."""
    readings = []
    for passage in passages:
        spanish, english = [], []
        for question in passage.questions:
            answer = _cover(question.answers)
            words = passage.text[slice(*answer)] if answer else ""
            spanish.append(Asked(question.question, answer, words))
            english.append(Asked(question.question_en, answer, words))
        readings.append(Reading(passage.text, tuple(spanish), tuple(english)))
    return readings


def _cover(spans: Sequence[Span]) -> tuple[int, int] | None:
    return (min(span.start for span in spans), max(span.end for span in spans)) if spans else None


def with_strangers(readings: Sequence[Reading], nearest: int = 8) -> list[Reading]:
    """The readings with the questions of others to which theirs is among the `nearest` by BM25 but does not answer.

    A text that holds the words of the answer is left out: it may answer as well. So are questions that not even their
    own text answers: nothing is known of others.
    """
    index = LexicalIndex.build([reading.text for reading in readings])
    texts = [plain(reading.text) for reading in readings]
    answered = [{asked.question for asked in (*reading.asked, *reading.english)} for reading in readings]
    strangers: list[list[Asked]] = [[] for _ in readings]
    for own, reading in enumerate(readings):
        for number, asked in enumerate(reading.asked):
            if asked.answer is None:
                continue
            forms = [asked, *reading.english[number : number + 1]]
            scores = index.scores(asked.question)
            order = [place for place in scores.argsort(kind="stable")[::-1].tolist() if place != own]
            for place in order[:nearest]:
                if scores[place] > 0 and plain(asked.words) not in texts[place]:
                    strangers[place] += [
                        Asked(form.question, None, form.words) for form in forms if form.question not in answered[place]
                    ]
    return [replace(reading, strangers=tuple(found)) for reading, found in zip(readings, strangers, strict=True)]


def plain(text: str) -> str:
    """A text without accents and capitals, to be searched for words."""
    bare = (c for c in unicodedata.normalize("NFD", text.casefold()) if not unicodedata.combining(c))
    return "".join(bare).strip()


def draw(reading: Reading, english: int, strangers: int, most: int, chance: random.Random) -> list[Asked]:
    """The questions that a text is read with once: all its own in Spanish, some in English, some strangers.

    At most `most` of them, in an order that does not matter.
    """
    drawn = list(reading.asked)
    drawn += chance.sample(reading.english, min(english, len(reading.english)))
    drawn += chance.sample(reading.strangers, min(strangers, len(reading.strangers)))
    return drawn if len(drawn) <= most else chance.sample(drawn, most)

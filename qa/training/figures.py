"""Figures of the reading corpus: how many, how long, what is asked, how far the wording is from the passage."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

from index.lexical import LexicalIndex
from index.spanish import analyse, fold, sentences
from qa.training.passages import KINDS, Passage, Question, Span

FAR_TERMS = 1
"""A question shares hardly a content word with its passage: at most so many, names counted."""
_SHORT_ANSWER_WORDS = 5


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with its passage, and the index terms of its wording that each of these has."""

    question: Question
    passage: Passage
    terms: frozenset[str]
    in_passage: frozenset[str]
    in_sentence: frozenset[str]

    @property
    def is_far(self) -> bool:
        """Whether it shares hardly a content word with its passage, and has enough for that to mean something."""
        return len(self.terms) > FAR_TERMS >= len(self.in_passage)


def asked_of(passages: Iterable[Passage]) -> list[Asked]:
    """Every question with what its wording shares with its passage and with the answering or tempting sentence."""
    return [_asked(question, passage) for passage in passages for question in passage.questions]


def _asked(question: Question, passage: Passage) -> Asked:
    terms = frozenset(analyse(question.question))
    spans = [*question.answers, *filter(None, [question.tempting])]
    told = " ".join(_sentence_of(span, passage.text) for span in spans)
    return Asked(question, passage, terms, terms & set(analyse(passage.text)), terms & set(analyse(told)))


def _sentence_of(span: Span, text: str) -> str:
    return next((text[a:b] for a, b in sentences(text) if a <= span.start < b), span.text)


def table(passages: Sequence[Passage]) -> list[tuple[str, str]]:
    """Each figure of the passages as a name and a text, in the order of the data card."""
    asked = asked_of(passages)
    answerable = [each for each in asked if not each.question.is_near_miss]
    near = [each for each in asked if each.question.is_near_miss]
    words = [len(passage.text.split()) for passage in passages]
    lengths = [len(span.text.split()) for each in answerable for span in each.question.answers]
    plain = [each for each in answerable if each.question.kind != "yes_no"]
    short = [each for each in plain if all(len(s.text.split()) <= _SHORT_ANSWER_WORDS for s in each.question.answers)]
    yes = [each for each in answerable if each.question.yes_no == "yes"]
    decided = [each for each in answerable if each.question.yes_no]
    return [
        ("passages", str(len(passages))),
        ("words of a passage", _spread(words)),
        ("passages that end in «…»", str(sum(passage.text.endswith("…") for passage in passages))),
        ("questions with an answer", str(len(answerable))),
        ("near misses", str(len(near))),
        ("words of an answer", _spread(lengths)),
        (f"answers of at most {_SHORT_ANSWER_WORDS} words, yes/no aside", _share(len(short), len(plain))),
        ("yes/no questions that the passage affirms", _share(len(yes), len(decided))),
        ("answerable that share hardly a content word", _share(sum(e.is_far for e in answerable), len(answerable))),
        ("near misses that share hardly a content word", _share(sum(e.is_far for e in near), len(near))),
        ("terms also in the answering sentence, mean", _mean_overlap(answerable)),
        ("terms also in the tempting sentence, mean", _mean_overlap(near)),
        ("as people type", _share(sum(each.question.typed for each in asked), len(asked))),
        *shares_found_first(passages),
    ]


def imbalances(passages: Sequence[Passage]) -> list[str]:
    """Shares that lie outside what a corpus needs that gives nothing away by its form, a message each.

    Whatever is commoner among near misses than among questions with an answer, a reader could learn instead of reading.
    """
    asked = asked_of(passages)
    answerable = [each for each in asked if not each.question.is_near_miss]
    near = [each for each in asked if each.question.is_near_miss]
    plain = [each for each in answerable if each.question.kind != "yes_no"]
    short = [each for each in plain if all(len(s.text.split()) <= _SHORT_ANSWER_WORDS for s in each.question.answers)]
    decided = [each for each in answerable if each.question.yes_no]
    shares = [
        ("answerable that share hardly a content word", [e.is_far for e in answerable], 33, 50),
        ("near misses that share hardly a content word", [e.is_far for e in near], 25, 50),
        ("yes/no questions that the passage affirms", [e.question.yes_no == "yes" for e in decided], 40, 60),
        (f"answers of at most {_SHORT_ANSWER_WORDS} words", [e in short for e in plain], 50, 75),
        ("answerable as people type", [e.question.typed for e in answerable], 8, 13),
        ("near misses as people type", [e.question.typed for e in near], 6, 15),
        *((f"of kind {kind}", [e.question.kind == kind for e in answerable], 5, 16) for kind in KINDS),
        *((f"near misses of kind {kind}", [e.question.kind == kind for e in near], 0, 30) for kind in KINDS),
    ]
    percents = [(name, 100 * sum(values) / max(1, len(values)), low, high) for name, values, low, high in shares]
    return [
        f"{name}: {percent:.0f} %, wanted {low} to {high} %"
        for name, percent, low, high in percents
        if not low <= round(percent) <= high
    ]


def distributions(passages: Sequence[Passage]) -> dict[str, Counter[str]]:
    """How many questions or passages there are of each kind, first word, topic, style and country."""
    questions = [question for passage in passages for question in passage.questions]
    answerable = [question for question in questions if not question.is_near_miss]
    kinds = Counter({kind: 0 for kind in KINDS})
    kinds.update(question.kind for question in answerable)
    return {
        "kind": kinds,
        "kind of near miss": Counter(question.kind for question in questions if question.is_near_miss),
        "first word": Counter(_first_word(question.question) for question in questions),
        "topic": Counter(it.topic for it in passages),
        "style": Counter(it.style for it in passages),
        "country": Counter(it.country for it in passages),
    }


def shares_found_first(passages: Sequence[Passage]) -> list[tuple[str, str]]:
    """How often BM25 finds a question's own passage first among all: how far the question tells what it is about."""
    lexical = LexicalIndex.build([passage.text for passage in passages])
    numbers = {passage.id: number for number, passage in enumerate(passages)}
    asked = [each for each in asked_of(passages) if not each.question.is_near_miss]
    first = {it.question.id: lexical.scores(it.question.question).argmax() == numbers[it.passage.id] for it in asked}
    parts = {
        "own passage first by BM25, questions that share content words": [it for it in asked if not it.is_far],
        "own passage first by BM25, questions that share hardly one": [it for it in asked if it.is_far],
    }
    return [(name, _share(sum(first[it.question.id] for it in part), len(part))) for name, part in parts.items()]


def _first_word(question: str) -> str:
    return fold(question).lstrip("¿ ").partition(" ")[0].rstrip("?,")


def _spread(values: Sequence[int]) -> str:
    if len(values) < 2:
        return ", ".join(map(str, values))
    low, *_, high = quantiles(values, n=10, method="inclusive")
    return f"median {median(values):g}, 10 to 90 %: {low:.0f} to {high:.0f}, most {max(values)}"


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole} ({100 * part / whole:.0f} %)" if whole else "0"


def _mean_overlap(asked: Sequence[Asked]) -> str:
    shares = [len(each.in_sentence) / len(each.terms) for each in asked if each.terms]
    return f"{sum(shares) / len(shares):.2f}" if shares else "none"

"""Figures of the reading corpus: how many, how long, what is asked, how far the wording is from the passage."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

from index.lexical import LexicalIndex
from index.spanish import analyse, fold, sentences
from qa.training.passages import KINDS, Passage, Question

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
    return [asked for passage in passages for asked in _asked_of(passage)]


def _asked_of(passage: Passage) -> Iterator[Asked]:
    text = passage.text
    spans, words = sentences(text), set(analyse(text))
    for question in passage.questions:
        terms = frozenset(analyse(question.question))
        places = [span.start for span in (*question.answers, question.tempting) if span]
        told = " ".join(text[a:b] for a, b in spans if any(a <= place < b for place in places))
        yield Asked(question, passage, terms, terms & words, terms & set(analyse(told)))


@dataclass(frozen=True, slots=True)
class Share:
    """How many of some questions are of a sort, and the percentages between which that should lie."""

    name: str
    part: int
    whole: int
    low: int
    high: int

    def __str__(self) -> str:
        return f"{self.part} of {self.whole} ({self.percent:.0f} %)" if self.whole else "0"

    @property
    def percent(self) -> float:
        """The part of a hundred, 0 of nothing."""
        return 100 * self.part / max(1, self.whole)

    @property
    def is_wanted(self) -> bool:
        """Whether it lies between its bounds, rounded."""
        return self.low <= round(self.percent) <= self.high


def table(passages: Sequence[Passage]) -> list[tuple[str, str]]:
    """Each figure of the passages as a name and a text, in the order of the data card."""
    answerable, near = _sorts(passages)
    words = [len(passage.text.split()) for passage in passages]
    lengths = [len(span.text.split()) for each in answerable for span in each.question.answers]
    return [
        ("passages", str(len(passages))),
        ("words of a passage", _spread(words)),
        ("passages that end in «…»", str(sum(passage.text.endswith("…") for passage in passages))),
        ("questions with an answer", str(len(answerable))),
        ("near misses", str(len(near))),
        ("words of an answer", _spread(lengths)),
        *((share.name, str(share)) for share in _shares(answerable, near)),
        ("terms also in the answering sentence, mean", _mean_overlap(answerable)),
        ("terms also in the tempting sentence, mean", _mean_overlap(near)),
        *shares_found_first(passages, answerable),
    ]


def imbalances(passages: Sequence[Passage]) -> list[str]:
    """Shares that lie outside what a corpus needs that gives nothing away by its form, a message each.

    Whatever is commoner among near misses than among questions with an answer, a reader could learn instead of reading.
    """
    answerable, near = _sorts(passages)
    shares = [
        *_shares(answerable, near),
        *(_share(f"of kind {kind}", [e.question.kind == kind for e in answerable], 5, 16) for kind in KINDS),
        *(_share(f"near misses of kind {kind}", [e.question.kind == kind for e in near], 4, 20) for kind in KINDS),
    ]
    return [
        f"{share.name}: {share.percent:.0f} %, wanted {share.low} to {share.high} %"
        for share in shares
        if not share.is_wanted
    ]


def _sorts(passages: Sequence[Passage]) -> tuple[list[Asked], list[Asked]]:
    """The questions with an answer, and the near misses."""
    asked = asked_of(passages)
    return [it for it in asked if not it.question.is_near_miss], [it for it in asked if it.question.is_near_miss]


def _shares(answerable: Sequence[Asked], near: Sequence[Asked]) -> list[Share]:
    plain = [each.question.answers for each in answerable if each.question.kind != "yes_no"]
    short = [all(len(span.text.split()) <= _SHORT_ANSWER_WORDS for span in spans) for spans in plain]
    verdicts = [each.question.yes_no == "yes" for each in answerable if each.question.yes_no]
    return [
        _share(f"answers of at most {_SHORT_ANSWER_WORDS} words, yes/no aside", short, 50, 75),
        _share("yes/no questions that the passage affirms", verdicts, 40, 60),
        _share("answerable that share hardly a content word", [each.is_far for each in answerable], 33, 50),
        _share("near misses that share hardly a content word", [each.is_far for each in near], 25, 50),
        _share("answerable as people type", [each.question.typed for each in answerable], 8, 13),
        _share("near misses as people type", [each.question.typed for each in near], 6, 15),
    ]


def _share(name: str, values: Sequence[bool], low: int = 0, high: int = 100) -> Share:
    return Share(name, sum(values), len(values), low, high)


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


def shares_found_first(passages: Sequence[Passage], answerable: Sequence[Asked]) -> list[tuple[str, str]]:
    """How often BM25 finds a question's own passage first among all: how far the question tells what it is about."""
    lexical = LexicalIndex.build([passage.text for passage in passages])
    numbers = {passage.id: number for number, passage in enumerate(passages)}
    first = [bool(lexical.scores(it.question.question).argmax() == numbers[it.passage.id]) for it in answerable]
    parts = {
        "own passage first by BM25, questions that share content words": False,
        "own passage first by BM25, questions that share hardly one": True,
    }
    return [
        (name, str(_share(name, [hit for hit, it in zip(first, answerable, strict=True) if it.is_far == far])))
        for name, far in parts.items()
    ]


def _first_word(question: str) -> str:
    return fold(question).lstrip("¿ ").partition(" ")[0].rstrip("?,")


def _spread(values: Sequence[int]) -> str:
    if len(values) < 2:
        return ", ".join(map(str, values))
    low, *_, high = quantiles(values, n=10, method="inclusive")
    return f"median {median(values):g}, 10 to 90 %: {low:.0f} to {high:.0f}, most {max(values)}"


def _mean_overlap(asked: Sequence[Asked]) -> str:
    shares = [len(each.in_sentence) / len(each.terms) for each in asked if each.terms]
    return f"{sum(shares) / len(shares):.2f}" if shares else "none"

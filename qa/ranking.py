"""Which sentence answers the question: candidates with features, weighed by a small linear model.

A question and retrieved passages go in; their sentences come out, best first, each with the features it was judged by.
The weights lie in `ranker.json`, fitted by `qa.training.fit_ranker`; nothing here knows of models or files of articles.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files
from itertools import pairwise
from typing import Any, Protocol

from index import countries
from index.echo import own_words
from index.lexical import RELATED_SHARE
from index.spanish import analyse, fold, is_english, question_terms, sentences
from index.types import Hit, Passage
from qa.expectation import KINDS, holds_kind, kind_of
from qa.orders import orders_among


class Terms(Protocol):
    """What the index knows of a term of the question."""

    def inverse_document_frequency(self, term: str) -> float:
        """How rare the term is among the passages."""
        ...

    def stand_ins(self, term: str, english: bool = False) -> dict[str, float]:
        """Terms of the passages that may stand for it, each with its share; none if no passage has any."""
        ...


# Capitalised words in a row; a lower-case part may follow a hyphen (Jong-un).
_NAME = re.compile(r"[A-ZÁÉÍÓÚÑÜ][\w-]+(?:\s+[A-ZÁÉÍÓÚÑÜ][\w-]+)+")
_FELLOW_SHARE = 0.7
_LEAD_OF_SUSPECTS = 4.0
"""By how much a sentence that may be an order must lead all others to stay, in units of the score (eval/LOG.md)."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence of a retrieved passage, `passage.text[start - passage.start : end - passage.start]`.

    `start`, `end` are offsets in the document; `features` are in the order of `FEATURES`; a `suspect` one may tell
    somebody what to answer (`qa.orders`).
    """

    passage: Passage
    start: int
    end: int
    text: str
    features: tuple[float, ...]
    score: float = 0.0
    suspect: bool = False

    @property
    def named_features(self) -> dict[str, float]:
        """The features under their names."""
        return dict(zip(FEATURES, self.features, strict=True))


FEATURES = (
    "passage",  # the passage's retrieval score over the best one's
    "first",  # 1 for a sentence of the best passage
    "coverage",  # share of the question's terms, by rarity, that the sentence holds
    "asked",  # the same for the terms that are no names: what is asked about the names
    "named",  # coverage of the names
    "around",  # coverage by what only the rest of the passage holds
    "before",  # coverage by what only the sentence before it adds
    "pairs",  # share of neighbouring question terms that stand close together in the sentence
    "names",  # names in the sentence that the question lacks, at most 3, over 3
    "date",  # 1 if a date is asked for and the sentence holds one; the next five likewise
    "number",
    "person",
    "place",
    "reason",
    "manner",
    "length",  # ln of the sentence's words over 20
    "heading",  # 1 for a line without final punctuation
    "boilerplate",  # 1 for text that is not the article's own
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A question's terms in order with their weight, and for each the terms that may stand for it with their share.

    A term without stand-ins is in no passage of the corpus. `names` are the terms of persons, places and bodies.
    """

    weights: dict[str, float]
    stand_ins: dict[str, dict[str, float]]
    names: frozenset[str]

    @property
    def others(self) -> frozenset[str]:
        """The terms that are no names."""
        return frozenset(self.weights) - self.names


def wanted_of(question: str, terms: Terms) -> Wanted:
    """What a question asks about, by rarity. Of an English one only names and what the articles hold counts."""
    english = is_english(question)
    fellows = name_fellows(question)
    named = frozenset(term for name in names(question) for term in analyse(name)) | countries.words()
    weights, stand_ins = {}, {}
    for term in question_terms(question):
        shares = dict.fromkeys(fellows.get(term, ()), _FELLOW_SHARE) | terms.stand_ins(term, english)
        if not english and term in named - countries.words():
            # Many words may say the same, but none stands for a name: «Madrid» is no «madre».
            shares = {other: share for other, share in shares.items() if share > RELATED_SHARE}
        if english and not shares and term not in named:
            continue
        # A foreign word is as rare as the rarest of what stands for it; by itself it would be the rarest of all.
        known = [terms.inverse_document_frequency(other) for other in shares] if english and term not in shares else []
        weights[term] = max(known, default=terms.inverse_document_frequency(term))
        stand_ins[term] = shares
    return Wanted(weights, stand_ins, named & weights.keys())


def candidates(question: str, hits: Sequence[Hit], terms: Terms) -> list[Candidate]:
    """Every sentence of the passages with its features, in retrieval order; the same text is taken once.

    A sentence that surely tells somebody what to answer is none.
    """
    wanted = wanted_of(question, terms)
    best = max((abs(hit.score) for hit in hits), default=0.0) or 1.0
    seen: set[str] = set()
    found = []
    for hit in hits:
        for candidate in _of_passage(question, wanted, hit, hit.score / best):
            if candidate.text not in seen:
                seen.add(candidate.text)
                found.append(candidate)
    return found


def _of_passage(question: str, wanted: Wanted, hit: Hit, relative: float) -> list[Candidate]:
    passage = hit.passage
    asked = kind_of(question)
    spans = sentences(passage.text)
    heard = own_words(question, passage.text)
    orders = orders_among(passage.text)
    said = [
        [] if order == "sure" else analyse(heard[start:end]) for order, (start, end) in zip(orders, spans, strict=True)
    ]
    held = [frozenset(terms) for terms in said]
    everything = frozenset().union(*held)
    found = []
    for number, (start, end) in enumerate(spans):
        if orders[number] == "sure":
            continue
        text = passage.text[start:end]
        before = held[number - 1] if number else frozenset()
        credited = _credits(wanted, held[number])
        features = (
            relative,
            float(hit.rank == 1),
            _share(wanted, credited),
            _share(wanted, credited, wanted.names),
            _share(wanted, credited, wanted.others),
            share_held(wanted, everything - held[number]),
            share_held(wanted, before - held[number]),
            _pairs(wanted, said[number]),
            min(3, len(names(text) - names(question, anywhere=True))) / 3,
            *(float(kind == asked and holds_kind(kind, question, text, _any_names)) for kind in KINDS),
            _length(text),
            float(text[-1] not in '.!?…»”")'),
            float(passage.boilerplate),
        )
        suspect = orders[number] == "some"
        found.append(Candidate(passage, passage.start + start, passage.start + end, text, features, suspect=suspect))
    return found


def share_held(wanted: Wanted, held: frozenset[str]) -> float:
    """Share of the weight of the terms that is held, by themselves or by what stands for them; 1 of no terms."""
    return _share(wanted, _credits(wanted, held))


def _credits(wanted: Wanted, held: frozenset[str]) -> dict[str, float]:
    """What each term counts for that is held."""
    found = {}
    for term, stand_ins in wanted.stand_ins.items():
        common = stand_ins.keys() & held
        if common:
            found[term] = wanted.weights[term] * max(stand_ins[other] for other in common)
    return found


def _share(wanted: Wanted, credited: Mapping[str, float], without: frozenset[str] = frozenset()) -> float:
    """Share of the weight of the terms, some left out, that is credited; where none is left, nothing is missing."""
    total = sum(weight for term, weight in wanted.weights.items() if term not in without)
    return sum(credit for term, credit in credited.items() if term not in without) / total if total else 1.0


def name_fellows(question: str) -> dict[str, frozenset[str]]:
    """For each term of a name of several words, the other terms: «Choe Son Hui» may be «Choe» in the text.

    >>> sorted(name_fellows("¿Qué dijo Kim Jong-un?")["kim"])
    ['jong']
    """
    fellows: dict[str, frozenset[str]] = {}
    for name in _NAME.findall(question):
        terms = frozenset(analyse(name))
        fellows.update({term: terms - {term} for term in terms if len(terms) > 1})
    return fellows


def _pairs(wanted: Wanted, held: list[str], window: int = 4) -> float:
    """Share of neighbouring question terms that stand, or whose stand-ins do, within `window` terms of each other."""
    places = [
        [place for place, term in enumerate(held) if term in stand_ins] for stand_ins in wanted.stand_ins.values()
    ]
    neighbours = list(pairwise(places))
    close = sum(any(abs(a - b) <= window for a in one for b in other) for one, other in neighbours)
    return close / len(neighbours) if neighbours else 0.0


def _length(text: str) -> float:
    return math.log(max(1, len(text.split())) / 20)


@lru_cache(maxsize=128)
def names(text: str, anywhere: bool = False) -> frozenset[str]:
    """Folded capitalised words of a text; the first word of a sentence counts only if `anywhere`."""
    found = set()
    for word in re.finditer(r"\b[A-ZÁÉÍÓÚÑÜ][\w'-]*", text):
        opens = not text[: word.start()].rstrip("«“\"'¿¡( ")
        if anywhere or not opens:
            found.add(fold(word.group()))
    return frozenset(found)


def _any_names(text: str) -> frozenset[str]:
    return names(text, anywhere=True)


@dataclass(frozen=True, slots=True)
class Ranker:
    """What was fitted and measured, see `ranker.json`.

    `weights` go with `FEATURES`; `likelihood_weight` is for the question's log-probability per token given the
    sentence; a second sentence is shown when its probability is at least `second_ratio` of the first one's.
    `confidence_weights` go with `confidence.FEATURES`; for `threshold` see `confidence.objection`.

    The rest is for the trained reader: `run_weight` and `sentence_weight` for what `choosing.choices` adds up,
    `rerank_weight` for what `choosing.reranked` does, `run_confidence_weights` with `confidence.RUN_FEATURES`;
    `run_share` is the least share of the probability of all runs that agree with one for it to stand for its sentence,
    `next_share` how likely the next sentence must be beside the best to be told too, `run_threshold` the least
    confidence that anything is shown with.
    """

    weights: tuple[float, ...]
    likelihood_weight: float
    second_ratio: float
    confidence_weights: tuple[float, ...]
    threshold: float
    run_weight: float = 1.0
    sentence_weight: float = 0.0
    run_share: float = 0.0
    next_share: float = 1.0
    run_confidence_weights: tuple[float, ...] = ()
    run_threshold: float = 0.0
    rerank_weight: float = 0.0

    def order(self, found: Sequence[Candidate]) -> list[Candidate]:
        """Candidates with their scores, best first; equal ones stay in retrieval order.

        A suspect one stays only where no other is nearly as good: then it may be the report that it looks unlike.
        """
        scored = [replace(each, score=_dot(self.weights, each.features)) for each in found]
        least = max((each.score for each in scored if not each.suspect), default=-math.inf) + _LEAD_OF_SUSPECTS
        kept = [each for each in scored if not each.suspect or each.score > least]
        return sorted(kept, key=lambda each: -each.score)


def load_ranker() -> Ranker:
    """The ranker that this version of the program ships."""
    values = json.loads(files("qa").joinpath("ranker.json").read_text(encoding="utf-8"))
    if list(values["weights"]) != list(FEATURES):
        raise ValueError("ranker.json was fitted for other features; run qa.training.fit_ranker")
    fields: dict[str, Any] = {
        name: tuple(each.values()) if isinstance(each, dict) else each for name, each in values.items()
    }
    return Ranker(**fields)


def with_likelihoods(found: Sequence[Candidate], likelihoods: Sequence[float], weight: float) -> list[Candidate]:
    """The candidates in the order of score plus `weight` times likelihood, where one was measured.

    `likelihoods` belong to the first candidates and are taken relative to their mean; those behind them stay behind.
    """
    mean = sum(likelihoods) / len(likelihoods) if likelihoods else 0.0
    measured = [
        replace(each, score=each.score + weight * (likelihood - mean))
        for each, likelihood in zip(found, likelihoods, strict=False)
    ]
    return [*sorted(measured, key=lambda each: -each.score), *found[len(likelihoods) :]]


class Scored(Protocol):
    """What has a score: a sentence, or a run of one."""

    @property
    def score(self) -> float:
        """The higher, the likelier to answer."""
        ...


def probabilities(found: Sequence[Scored]) -> list[float]:
    """How likely each is to be the answer, if one of them is: softmax of the scores."""
    highest = max((each.score for each in found), default=0.0)
    powers = [math.exp(each.score - highest) for each in found]
    return [power / sum(powers) for power in powers]


def _dot(weights: Sequence[float], features: Sequence[float]) -> float:
    return sum(weight * feature for weight, feature in zip(weights, features, strict=True))

"""Articles -> the three sentences that say most of them. Extractive: every sentence is the article's own.

A sentence scores by how much it shares with all others (its centrality, as in LexRank, https://arxiv.org/abs/1109.2128,
in one step) and a little for standing early, as news puts the main thing first; one that repeats a chosen one is
passed over.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from index.spanish import analyse, sentences
from index.types import Passage
from qa.citations import LONGEST_QUOTE_CHARACTERS, MOST_QUOTED_CHARACTERS
from qa.types import Draft, Part, Span

SENTENCES = 3
_MOST_SENTENCES_COMPARED = 400
_LEAST_WORDS = 8
_ROOM_CHARACTERS = 100
"""Kept free for each sentence still to come, out of what may be quoted in all."""
_MOST_ALIKE = 0.5
_LEAD_BONUS = 0.3


@dataclass(frozen=True, slots=True)
class _Sentence:
    span: Span
    text: str
    terms: Counter[str]
    lead: float


def summarise(passages: Sequence[Passage]) -> Draft:
    """The sentences that say most of these passages, in reading order, from different articles where there are several.

    Boilerplate is left out. No passages give a draft without parts.
    """
    found = _sentences([passage for passage in passages if not passage.boilerplate])
    rarity = _rarity(found)
    ranked = sorted(found, key=lambda each: -_worth(each, found, rarity))
    chosen: list[_Sentence] = []
    for elsewhere in (True, False):
        for each in ranked:
            if len(chosen) < SENTENCES and _fits(each, chosen, rarity, elsewhere):
                chosen.append(each)
    documents = list(dict.fromkeys(passage.document_id for passage in passages))
    chosen.sort(key=lambda each: (documents.index(each.span.document_id), each.span.start))
    return Draft(tuple(Part(each.text, (each.span,), copied=True) for each in chosen), 1.0)


def _fits(each: _Sentence, chosen: Sequence[_Sentence], rarity: dict[str, float], elsewhere: bool) -> bool:
    """Whether a sentence says something new, from another article if it must, and leaves room for the ones to come."""
    if elsewhere and each.span.document_id in {other.span.document_id for other in chosen}:
        return False
    used = sum(len(other.text) for other in chosen) + _ROOM_CHARACTERS * (SENTENCES - len(chosen) - 1)
    if used + len(each.text) > MOST_QUOTED_CHARACTERS or len(each.text) > LONGEST_QUOTE_CHARACTERS:
        return False
    return all(_similarity(each, other, rarity) < _MOST_ALIKE for other in chosen)


def _sentences(passages: Sequence[Passage]) -> list[_Sentence]:
    found = []
    places: Counter[str] = Counter()
    for passage in passages:
        for start, end in sentences(passage.text):
            text = passage.text[start:end]
            place = places[passage.document_id]
            places[passage.document_id] += 1
            if len(text.split()) >= _LEAST_WORDS:
                span = Span(passage.document_id, passage.start + start, passage.start + end)
                found.append(_Sentence(span, text, Counter(analyse(text)), 1 / (1 + place)))
    # Comparing all with all: of a large corpus the beginnings of the articles stand for the rest.
    return sorted(found, key=lambda each: -each.lead)[:_MOST_SENTENCES_COMPARED]


def _rarity(found: Sequence[_Sentence]) -> dict[str, float]:
    holding = Counter(term for each in found for term in each.terms)
    return {term: math.log(1 + len(found) / count) for term, count in holding.items()}


def _worth(each: _Sentence, found: Sequence[_Sentence], rarity: dict[str, float]) -> float:
    shared = sum(_similarity(each, other, rarity) for other in found if other is not each)
    return shared / max(1, len(found) - 1) + _LEAD_BONUS * each.lead


def _similarity(one: _Sentence, other: _Sentence, rarity: dict[str, float]) -> float:
    """Cosine of the two sentences' terms, weighed by rarity."""
    shared = sum(rarity[term] ** 2 for term in one.terms.keys() & other.terms.keys())
    return shared / (_norm(one, rarity) * _norm(other, rarity) or 1.0)


def _norm(each: _Sentence, rarity: dict[str, float]) -> float:
    return math.sqrt(sum(rarity[term] ** 2 for term in each.terms))

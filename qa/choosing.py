"""Runs of several passages -> the one that answers, with the sentence it stands in and how it was weighed. Pure.

A run is weighed by its probability in its passage (of all runs there and of no answer) and by how its sentence ranks
for the question; the weights are fitted (`qa.training.fit_reading`). Of a run's places in its passage it is that of
the sentence that ranks best. The runs of a sentence support one another: the sentence that answers is chosen first,
then the run in it.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from index.spanish import fold
from index.types import Hit
from qa.copying import Copied, CopiedRun
from qa.ranking import Candidate, probabilities
from qa.types import Span

_MOST_RUNS = 5
"""Runs of a passage that are weighed, from the likeliest on."""
_LEAST_CHANCE = 1e-3


@dataclass(frozen=True, slots=True)
class Choice:
    """A run that may answer: where it stands, in which sentence, and what speaks for it.

    `logprob` is its own in its passage, `sentence_logprob` that of all weighed runs of its sentence together,
    `no_answer` that of its passage not answering.
    """

    text: str
    span: Span
    sentence: Candidate
    logprob: float
    sentence_logprob: float
    no_answer: float
    score: float


def choices(
    copied: Sequence[Copied], ranked: Sequence[Candidate], run_weight: float, sentence_weight: float
) -> list[Choice]:
    """The runs of the passages that were read, those of the likeliest sentence first, the best of each first.

    Runs in none of the ranked sentences are left out.
    """
    found = []
    for read in copied:
        placed = [(run, *_placed(run, ranked)) for run in read.runs[:_MOST_RUNS]]
        masses: dict[int, float] = {}
        for run, place, _ in placed:
            if place is not None:
                masses[place] = float(np.logaddexp(masses.get(place, -math.inf), run.logprob))
        for run, place, span in placed:
            if place is not None and span is not None:
                score = run_weight * run.logprob + sentence_weight * ranked[place].score
                found.append(
                    Choice(run.text, span, ranked[place], run.logprob, masses[place], read.no_answer_logprob, score)
                )
    return [each for sentence in by_sentence(found) for each in sentence]


def by_sentence(chosen: Sequence[Choice]) -> list[list[Choice]]:
    """Runs by the sentence they stand in: the likeliest sentence first, and in each the best run."""
    held: dict[Span, list[Choice]] = {}
    for each in sorted(chosen, key=lambda choice: -choice.score):
        held.setdefault(span_of(each.sentence), []).append(each)
    return sorted(held.values(), key=together, reverse=True)


def together(chosen: Sequence[Choice]) -> float:
    """The logarithm of what the scores of these runs come to together."""
    return float(np.logaddexp.reduce([each.score for each in chosen]))


def span_of(sentence: Candidate) -> Span:
    """Where a sentence stands."""
    return Span(sentence.passage.document_id, sentence.start, sentence.end)


def _placed(run: CopiedRun, ranked: Sequence[Candidate]) -> tuple[int | None, Span | None]:
    """The rank of the best sentence that one of the run's places begins in, and that place."""
    for rank, sentence in enumerate(ranked):
        for place in run.occurrences:
            document = place.passage.document_id
            if sentence.passage.document_id == document and sentence.start <= place.start < sentence.end:
                return rank, Span(document, place.start, place.end)
    return None, None


def reranked(hits: Sequence[Hit], copied: Sequence[Copied], weight: float) -> tuple[Hit, ...]:
    """The hits in the order of what the search and the reader say; those behind the last that was read stay there.

    To a hit's score, as a share of the best one's, `weight` times the logarithm of the probability that it answers is
    added; one that could not be read is taken for as likely as the others. Each keeps the score of the search.
    """
    chances = {each.passage.id: max(_LEAST_CHANCE, 1 - math.exp(each.no_answer_logprob)) for each in copied}
    if not weight or not chances:
        return tuple(hits)
    usual = float(np.exp(np.mean(np.log(list(chances.values())))))
    reach = max(place for place, hit in enumerate(hits, 1) if hit.passage.id in chances)
    best = max(abs(hit.score) for hit in hits) or 1.0

    def strength(hit: Hit) -> float:
        return hit.score / best + weight * math.log(chances.get(hit.passage.id, usual))

    ordered = [*sorted(hits[:reach], key=strength, reverse=True), *hits[reach:]]
    return tuple(replace(hit, rank=rank) for rank, hit in enumerate(ordered, 1))


def agreement(chosen: Sequence[Choice]) -> float:
    """The share of the probability of all runs that those have which say the same as the first, itself among them."""
    first = _words(chosen[0].text)
    chances = zip(probabilities(chosen), chosen, strict=True)
    return sum(chance for chance, each in chances if _says_the_same(_words(each.text), first))


def rival(chosen: Sequence[Choice]) -> Choice | None:
    """The best run that says something else than the first: neither in its words nor around them."""
    first = _words(chosen[0].text)
    return next((each for each in chosen[1:] if not _says_the_same(_words(each.text), first)), None)


def _words(text: str) -> str:
    return " ".join(["", *re.findall(r"[^\W_]+", fold(text)), ""])


def _says_the_same(one: str, other: str) -> bool:
    return one in other or other in one

"""Runs of several passages -> the one that answers, with the sentence it stands in and how it was weighed. Pure.

A run is weighed by its probability in its passage (of all runs there and of no answer) and by how its sentence ranks
for the question; the weights are fitted (`qa.training.fit_reading`). The same words in several places are one answer:
the place is that of the sentence that ranks best.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from index.spanish import fold
from index.types import Hit
from qa.copying import Copied, CopiedRun
from qa.ranking import Candidate
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
    """The runs of the passages that were read, best first; those in none of the ranked sentences are left out."""
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
    return sorted(found, key=lambda each: -each.score)


def _placed(run: CopiedRun, ranked: Sequence[Candidate]) -> tuple[int | None, Span | None]:
    """The rank of the best sentence that one of the run's places begins in, and that place."""
    for rank, sentence in enumerate(ranked):
        for place in run.occurrences:
            document = place.passage.document_id
            if sentence.passage.document_id == document and sentence.start <= place.start < sentence.end:
                return rank, Span(document, place.start, place.end)
    return None, None


def reranked(hits: Sequence[Hit], copied: Sequence[Copied], weight: float) -> tuple[Hit, ...]:
    """The hits in the order of what the search and the reader say; those that were not read stay behind the others.

    To a hit's score, as a share of the best one's, `weight` times the logarithm of the probability that it answers is
    added. Each keeps the score of the search.
    """
    chances = {each.passage.id: max(_LEAST_CHANCE, 1 - math.exp(each.no_answer_logprob)) for each in copied}
    best = max((abs(hit.score) for hit in hits), default=0.0) or 1.0

    def strength(hit: Hit) -> tuple[bool, float]:
        chance = chances.get(hit.passage.id)
        return chance is not None, hit.score / best + weight * math.log(chance or 1.0)

    ordered = sorted(hits, key=strength, reverse=True)
    return tuple(replace(hit, rank=rank) for rank, hit in enumerate(ordered, 1))


def rival(chosen: Sequence[Choice]) -> Choice | None:
    """The best run that says something else than the first: neither in its words nor around them."""
    first = fold(chosen[0].text)
    return next((each for each in chosen[1:] if fold(each.text) not in first and first not in fold(each.text)), None)


def probabilities(chosen: Sequence[Choice]) -> list[float]:
    """How likely each is to be the answer, if one of them is: softmax of the scores."""
    highest = max((each.score for each in chosen), default=0.0)
    powers = [math.exp(each.score - highest) for each in chosen]
    return [power / sum(powers) for power in powers]

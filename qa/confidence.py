"""How sure an answer is: features of a ranked reading -> one probability that its first sentence is right.

A logistic model, fitted by `qa.training.fit_ranker` on public questions with and without an answer. Pure.
"""

import math
from collections.abc import Sequence

from qa.ranking import KINDS, Candidate, Wanted, probabilities

FEATURES = (
    "coverage",  # of the question's terms by the best sentence
    "passage",  # by its whole passage
    "unknown",  # share of the terms, by rarity, that no passage of the corpus holds
    "probability",  # of the best sentence among the candidates
    "asked",  # coverage by the best sentence of what is no name: what is asked about it
    "kind",  # 1 if the best sentence holds what the question asks for, or nothing special is asked for
    "terms",  # ln of the number of terms
    "constant",
)


def features(wanted: Wanted, asked: str, ranked: Sequence[Candidate]) -> tuple[float, ...]:
    """The features of a reading whose best candidate comes first, in the order of `FEATURES`."""
    best = ranked[0].named_features
    total = sum(wanted.weights.values())
    unknown = sum(weight for term, weight in wanted.weights.items() if not wanted.stand_ins[term])
    return (
        best["coverage"],
        min(1.0, best["coverage"] + best["around"]),
        unknown / total if total else 1.0,
        probabilities(ranked)[0],
        best["asked"],
        best[asked] if asked in KINDS else 1.0,
        math.log(1 + len(wanted.weights)),
        1.0,
    )


def probability(weights: Sequence[float], values: Sequence[float]) -> float:
    """The logistic function of the weighted sum.

    >>> probability((0.0, 0.0), (1.0, 1.0))
    0.5
    """
    total = sum(weight * value for weight, value in zip(weights, values, strict=True))
    return 1 / (1 + math.exp(-total))

"""How sure an answer is: a ranked reading -> how likely its best sentence is right, and what speaks against it.

The probability is a logistic model, that of a sentence fitted by `qa.training.fit_ranker` on public questions with and
without an answer, that of a run by `qa.training.fit_reading`, on news too.
On a folder about one subject, where every name is everywhere, it tells little; there the objections decide. Pure.
"""

import math
from collections.abc import Sequence

from qa.choosing import Choice, rival
from qa.copying import Copied
from qa.expectation import KINDS
from qa.ranking import Candidate, Wanted, probabilities
from qa.types import Reason

MOST_UNKNOWN = 0.4
"""Share of a question's terms, by rarity, from which on nothing is on record of it. Chosen on the `dev` questions."""
MOST_UNKNOWN_READ = 0.5
"""The same where passages are read for runs: the reader notices by itself what they do not say."""
_EXACT_KINDS = ("date", "number")
_LEAST, _MOST_MARGIN = -10.0, 6.0

FEATURES = (
    "coverage",  # of the question's terms by the best sentence
    "passage",  # by its whole passage
    "unknown",  # share of the terms, by rarity, that no passage of the corpus holds
    "strangers",  # 1 if one of these is a name
    "probability",  # of the best sentence among the candidates
    "asked",  # coverage by the best sentence of what is no name: what is asked about it
    "named",  # coverage of the names
    "kind",  # 1 if the best sentence holds what the question asks for, or nothing special is asked for
    "terms",  # ln of the number of terms
    "constant",
)


def features(wanted: Wanted, asked: str, ranked: Sequence[Candidate]) -> tuple[float, ...]:
    """The features of a reading whose best candidate comes first, in the order of `FEATURES`."""
    best = ranked[0].named_features
    return (
        best["coverage"],
        min(1.0, best["coverage"] + best["around"]),
        _unknown(wanted),
        float(any(not wanted.stand_ins[name] for name in wanted.names)),
        probabilities(ranked)[0],
        best["asked"],
        best["named"],
        best[asked] if asked in KINDS else 1.0,
        math.log(1 + len(wanted.weights)),
        1.0,
    )


RUN_FEATURES = (
    "run",  # ln of the best run's probability in its passage
    "sentence",  # the same for all its sentence's runs
    "refused",  # logit of its passage not answering
    "least",  # the lowest such logit among the passages read
    "margin",  # by how much its score is above that of the best run that says something else, at most 6
    "chance",  # ln of its probability among all runs
    *FEATURES[:4],
    *FEATURES[5:],
)


def run_features(wanted: Wanted, asked: str, chosen: Sequence[Choice], copied: Sequence[Copied]) -> tuple[float, ...]:
    """The features of runs whose best comes first, in the order of `RUN_FEATURES`."""
    best, other = chosen[0], rival(chosen)
    held = features(wanted, asked, [best.sentence])
    return (
        max(_LEAST, best.logprob),
        max(_LEAST, best.sentence_logprob),
        _logit(best.no_answer),
        min(_logit(each.no_answer_logprob) for each in copied),
        min(_MOST_MARGIN, best.score - other.score) if other else _MOST_MARGIN,
        max(_LEAST, math.log(max(1e-9, probabilities(chosen)[0]))),
        *held[:4],
        *held[5:],
    )


def _logit(logprob: float) -> float:
    """ln(p / (1 - p)) of a probability given by its logarithm, within 8 of zero.

    >>> _logit(math.log(0.5))
    0.0
    """
    chance = min(max(math.exp(logprob), 1e-9), 1 - 1e-9)
    return max(-8.0, min(8.0, math.log(chance / (1 - chance))))


def objection(wanted: Wanted, asked: str, best: Candidate, confidence: float, threshold: float) -> Reason | None:
    """Why the best sentence cannot be the answer, if something speaks against it; None if nothing does.

    No passage names what the question names, or most of its words are in none; a date or number is asked for and the
    sentence holds none; or it holds nothing of what is asked about the names, and is under the threshold.
    """
    unsure = not best.named_features["asked"] and confidence < threshold
    return _absence(wanted, asked, best, MOST_UNKNOWN) or ("low_confidence" if unsure else None)


def run_objection(wanted: Wanted, asked: str, best: Candidate, confidence: float, threshold: float) -> Reason | None:
    """The same for a run in that sentence, but that one under the threshold never stands, whatever words it shares."""
    unsure = confidence < threshold
    return _absence(wanted, asked, best, MOST_UNKNOWN_READ) or ("low_confidence" if unsure else None)


def _absence(wanted: Wanted, asked: str, best: Candidate, most_unknown: float) -> Reason | None:
    if any(not wanted.stand_ins[name] for name in wanted.names) or _unknown(wanted) >= most_unknown:
        return "no_evidence"
    return "low_confidence" if asked in _EXACT_KINDS and not best.named_features[asked] else None


def _unknown(wanted: Wanted) -> float:
    total = sum(wanted.weights.values())
    unknown = sum(weight for term, weight in wanted.weights.items() if not wanted.stand_ins[term])
    return unknown / total if total else 1.0


def probability(weights: Sequence[float], values: Sequence[float]) -> float:
    """The logistic function of the weighted sum.

    >>> probability((0.0, 0.0), (1.0, 1.0))
    0.5
    """
    total = sum(weight * value for weight, value in zip(weights, values, strict=True))
    return 1 / (1 + math.exp(-total))

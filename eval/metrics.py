"""Measures of answered questions. Pure: gold and answer in, a figure out; nothing is dropped.

A group of alternatives is met when one of them occurs in the text as whole words, case, accents and punctuation aside,
or with its numbers, dates and articles levelled. Shares lie between 0 and 1. A span is half-open and counts
Unicode code points. `sets` are sufficient sets of evidence: whoever finds one of them has all that the answer needs.
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import combinations, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.normalisation import answer_tokens, normalised
from eval.types import Evidence
from index.spanish import sentences

Groups = Sequence[Sequence[str]]
Place = tuple[str, int, int]
"""A run of an article: file, start, end."""
Sets = Sequence[frozenset[int]]
Numbers = Sequence[float] | NDArray[np.float64] | NDArray[np.bool_]

_MOST_EVIDENCE = 10
_NOTHING_SAID = "No consta"
_MARKER = re.compile(r"\[(\d{1,6})\]")
_MARKERS_AFTER_STOP = re.compile(r"([.!?…]+[\"'»”’)]*)\s*((?:\[\d{1,6}\]\s*)+)")


# --- The answer's words ---


def is_met(group: Sequence[str], text: str) -> bool:
    """Whether one of the alternatives occurs in the text, as whole words or with numbers and dates levelled.

    A single word that is left of an alternative without its article is not enough: «La Haya» is not «haya».

    >>> is_met(["5 millones"], "Casi cinco millones de proyectiles."), is_met(["El"], "El plan"), is_met([""], "plan")
    (True, True, False)
    """
    words, tokens = normalised(text), answer_tokens(text)
    return any(
        (len(plain := normalised(alternative)) > 2 and plain in words) or _occurs(answer_tokens(alternative), tokens)
        for alternative in group
    )


def _occurs(wanted: Sequence[str], tokens: Sequence[str]) -> bool:
    if len(wanted) < 2 and not any(character.isdecimal() for word in wanted for character in word):
        return False
    return any(tuple(tokens[place : place + len(wanted)]) == tuple(wanted) for place in range(len(tokens)))


def groups_met(groups: Groups, text: str) -> float:
    """Share of the groups of a gold answer that a text meets; 1.0 without groups, as then nothing is missing.

    The recall of nuggets (Voorhees 2003, TREC question answering track).

    >>> groups_met([["TASS"], ["RIA", "agencia RIA"]], "Según TASS.")
    0.5
    """
    return sum(is_met(group, text) for group in groups) / len(groups) if groups else 1.0


def holds_fact(groups: Groups, text: str) -> bool:
    """Whether every group is met by the text.

    >>> holds_fact([["cinco millones", "5 millones"], ["proyectiles"]], "Casi 5.000.000 de proyectiles.")
    True
    """
    return all(is_met(group, text) for group in groups)


def exact_match(groups: Groups, text: str) -> float:
    """1.0 if the text is the gold answer and nothing else, word for word after `answer_tokens`, otherwise 0.0.

    SQuAD's exact match (Rajpurkar et al. 2016), the best over the alternatives. Of several groups gold takes one
    alternative each, and their order does not count: then the words are compared as bags.

    >>> exact_match([["cinco millones"]], "5 millones."), exact_match([["Asia"], ["África"]], "África, Asia")
    (1.0, 1.0)
    """
    said = answer_tokens(text)
    if len(groups) == 1:
        return float(any(answer_tokens(alternative) == said for alternative in groups[0]))
    return float(any(gold == Counter(said) for gold in _golds(groups)))


def token_f1(groups: Groups, text: str) -> float:
    """Harmonic mean of the shares of the text's words that are in gold and of gold's words that are in the text.

    SQuAD's F1 (Rajpurkar et al. 2016) on bags of `answer_tokens`, the best over the alternatives: every choice of one
    alternative from each group is tried. Where one side has no words it is 1.0 if the other has none, otherwise 0.0.

    >>> token_f1([["misiles balísticos"]], "tres misiles")  # one word of two on either side
    0.5
    """
    said = Counter(answer_tokens(text))
    return max((_f1(gold, said) for gold in _golds(groups)), default=0.0)


def _golds(groups: Groups) -> Iterator[Counter[str]]:
    for choice in product(*groups):
        yield Counter(token for alternative in choice for token in answer_tokens(alternative))


def _f1(gold: Counter[str], said: Counter[str]) -> float:
    if not gold or not said:
        return float(gold == said)
    return 2 * (gold & said).total() / (gold.total() + said.total())


# --- Quotations ---


def stands(citation: Mapping[str, Any], text: str) -> bool:
    """Whether the quotation is the text at its offsets.

    >>> stands({"start": 3, "end": 6, "quote": "dos"}, "un dos")
    True
    """
    return bool(text[citation["start"] : citation["end"]] == citation["quote"])


def overlaps(citation: Mapping[str, Any], evidence: Sequence[Mapping[str, Any] | Evidence]) -> bool:
    """Whether a citation shares at least one character with gold evidence.

    >>> overlaps({"file": "a", "start": 5, "end": 9}, [{"file": "a", "start": 8, "end": 20}])
    True
    """
    return touches(_place(citation), evidence)


def touches(place: Place, evidence: Sequence[Mapping[str, Any] | Evidence]) -> bool:
    """Whether a run of an article shares at least one character with gold evidence: whether it is relevant.

    >>> touches(("a", 5, 9), [Evidence("a", 8, 20)]), touches(("a", 5, 8), [Evidence("a", 8, 20)])
    (True, False)
    """
    file, start, end = place
    return any(file == other and start < last and first < end for other, first, last in map(_place, evidence))


def _place(span: Mapping[str, Any] | Evidence) -> Place:
    if isinstance(span, Evidence):
        return span.file, span.start, span.end
    return span["file"], span["start"], span["end"]


def sufficient_sets(answers: Groups, quotes: Sequence[str]) -> tuple[frozenset[int], ...]:
    """The smallest choices of evidence that hold the whole answer, as places in `quotes`, the smallest first.

    A set is sufficient if each group is met by one of its quotations, and minimal if it is not without any of them
    (the rationales of ERASER, DeYoung et al. 2020, https://arxiv.org/abs/1911.03429). A fact that three articles state
    is fully cited with one of them. If all together meet less, or there are more than 10, it is the set of all.

    >>> sufficient_sets([["viernes"], ["mayo"]], ["el viernes", "en mayo", "el viernes de mayo"])
    (frozenset({2}), frozenset({0, 1}))
    """
    met = [{number for number, group in enumerate(answers) if is_met(group, quote)} for quote in quotes]
    everything = frozenset(range(len(quotes)))
    if not answers or len(quotes) > _MOST_EVIDENCE or len(set().union(*met)) < len(answers):
        return (everything,)
    found: list[frozenset[int]] = []
    for size in range(1, len(quotes) + 1):
        for chosen in map(frozenset, combinations(range(len(quotes)), size)):
            holds = len(set().union(*(met[place] for place in chosen))) == len(answers)
            if holds and not any(smaller < chosen for smaller in found):
                found.append(chosen)
    return tuple(found)


def span_recall(citations: Sequence[Mapping[str, Any]], evidence: Sequence[Evidence], sets: Sets) -> float:
    """Share of the characters of a sufficient set of evidence that the citations quote, the best over the sets.

    Character recall as in LegalBench-RAG (Pipitone & Alami 2024, https://arxiv.org/abs/2408.10343); what is quoted
    twice counts once. 0.0 if there is no evidence.

    >>> span_recall([{"file": "a", "start": 0, "end": 5}], [Evidence("a", 0, 10)], [frozenset({0})])
    0.5
    """
    cited = _characters(map(_place, citations))
    return _best(sets, lambda chosen: _share(_characters(_place(evidence[place]) for place in chosen), cited))


def span_precision(citations: Sequence[Mapping[str, Any]], evidence: Sequence[Evidence]) -> float:
    """Share of the characters that the citations quote which lie in gold evidence, any of it; 0.0 without citations.

    Character precision as in LegalBench-RAG (Pipitone & Alami 2024); what is quoted twice counts once.

    >>> span_precision([{"file": "a", "start": 6, "end": 14}], [Evidence("a", 0, 10)])
    0.5
    """
    return _share(_characters(map(_place, citations)), _characters(map(_place, evidence)))


def file_recall(citations: Sequence[Mapping[str, Any]], evidence: Sequence[Evidence], sets: Sets) -> float:
    """Share of the articles of a sufficient set of evidence that are cited at all, the best over the sets.

    Recall of documents (Manning, Raghavan & Schütze 2008, Introduction to Information Retrieval, chapter 8).

    >>> file_recall([{"file": "a", "start": 90, "end": 99}], [Evidence("a", 0, 9), Evidence("b", 0, 9)], [{0, 1}])
    0.5
    """
    cited = {citation["file"] for citation in citations}
    return _best(sets, lambda chosen: _share({evidence[place].file for place in chosen}, cited))


def _characters(places: Iterable[Place]) -> set[tuple[str, int]]:
    return {(file, offset) for file, start, end in places for offset in range(start, end)}


def _share(wanted: Collection[Any], held: Collection[Any]) -> float:
    return sum(each in held for each in wanted) / len(wanted) if wanted else 0.0


def _best(sets: Sets, worth: Callable[[frozenset[int]], float]) -> float:
    return max(map(worth, sets), default=0.0)


def uncited_rate(text: str, valid_markers: Collection[int]) -> float | None:
    """Share of an answer's statements that carry no marker of a valid citation.

    A statement is a sentence of a part; parts are joined by « · », and markers after a full stop belong to the
    sentence before it. Parts that begin with «No consta» state nothing about the articles. None if no statement is
    left. One minus the share of statements with a citation (ALCE, Gao et al. 2023, https://arxiv.org/abs/2305.14627).

    >>> uncited_rate("«Kim viajó.» [1] · Putin no. Lavrov tampoco. [2] · No consta: ¿y Choe?", {1, 2})  # one of three
    0.3333333333333333
    """
    found = [set(map(int, _MARKER.findall(statement))) for statement in _statements(text)]
    return sum(not markers & set(valid_markers) for markers in found) / len(found) if found else None


def _statements(text: str) -> Iterator[str]:
    for part in text.split(" · "):
        if part.strip().startswith(_NOTHING_SAID):
            continue
        # The markers go before the full stop: only so does a sentence end behind them.
        level = _MARKERS_AFTER_STOP.sub(lambda found: f" {found[2].strip()}{found[1]} ", part)
        spans = (level[start:end] for start, end in sentences(level))
        yield from (span for span in spans if re.search(r"\w", _MARKER.sub("", span)))


# --- Retrieval: rankings have the best passage first; a passage is relevant if it touches evidence ---


def recall_at(ranking: Sequence[Place], evidence: Sequence[Evidence], sets: Sets, k: int) -> float:
    """Share of a sufficient set of evidence that the first k passages touch, the best over the sets.

    Recall at k (Manning, Raghavan & Schütze 2008, chapter 8).

    >>> recall_at([("a", 0, 9), ("b", 0, 9)], [Evidence("b", 5, 20), Evidence("c", 0, 5)], [frozenset({0, 1})], 2)
    0.5
    """
    touched = {number for number, gold in enumerate(evidence) if any(touches(one, [gold]) for one in ranking[:k])}
    return _best(sets, lambda chosen: _share(chosen, touched))


def reciprocal_rank(ranking: Sequence[Place], evidence: Sequence[Evidence]) -> float:
    """1 / the rank of the first passage that touches any evidence, ranks counted from 1; 0.0 if none does.

    Its mean over questions is the MRR (Voorhees 1999, TREC-8 question answering track).

    >>> reciprocal_rank([("a", 0, 9), ("b", 0, 9)], [Evidence("b", 5, 20)])
    0.5
    """
    return next((1 / rank for rank, place in enumerate(ranking, 1) if touches(place, evidence)), 0.0)


def ndcg_at(relevant: Sequence[bool], total_relevant: int, k: int) -> float:
    """Discounted cumulative gain of the first k passages, as a share of the best ranking's; 0.0 if none is relevant.

    The gain of a relevant passage at rank r is 1 / log2(r + 1); the best ranking begins with all `total_relevant`
    passages of the collection (Järvelin & Kekäläinen 2002).

    >>> round(ndcg_at([False, True], 1, 10), 4)  # (1 / log2 3) / (1 / log2 2)
    0.6309
    """
    gain = sum(1 / math.log2(rank + 1) for rank, hit in enumerate(relevant[:k], 1) if hit)
    best = sum(1 / math.log2(rank + 1) for rank in range(1, min(k, max(total_relevant, sum(relevant))) + 1))
    return gain / best if best else 0.0


# --- Knowing when not to answer: the values of all questions together ---


def auroc(scores: Numbers, positives: Sequence[bool] | NDArray[np.bool_]) -> float | None:
    """Probability that a positive scores higher than a negative, ties half; None if either is missing.

    The area under the ROC curve as Mann-Whitney statistic (Hanley & McNeil 1982); 0.5 is chance.

    >>> auroc([0.9, 0.4, 0.4, 0.1], [True, True, False, False])  # 3.5 of 4 pairs
    0.875
    """
    from scipy.stats import rankdata

    positive = np.asarray(positives, dtype=bool)
    ones, zeros = int(positive.sum()), int((~positive).sum())
    if not ones or not zeros:
        return None
    ranks = float(rankdata(scores)[positive].sum())
    return (ranks - ones * (ones + 1) / 2) / (ones * zeros)


def risk_coverage(keys: Numbers, wrong: Numbers) -> list[tuple[float, float]]:
    """(coverage, risk) for i = 1..n: the i surest of n questions are answered, and this share of them is wrong.

    `keys` are higher the surer. Of equally sure questions each counts with the share of them that are wrong, so the
    order given does not matter (El-Yaniv & Wiener 2010; Geifman & El-Yaniv 2017, https://arxiv.org/abs/1705.08500).

    >>> risk_coverage([0.9, 0.5, 0.5, 0.1], [0, 1, 0, 1])
    [(0.25, 0.0), (0.5, 0.25), (0.75, 0.3333333333333333), (1.0, 0.5)]
    """
    answered = np.arange(1, len(keys) + 1)
    risks = np.cumsum(_surest_first(keys, wrong)[1]) / answered
    return list(zip((answered / len(keys)).tolist(), risks.tolist(), strict=True))


def area_under_risk(curve: Sequence[tuple[float, float]]) -> float | None:
    """The mean risk over all coverages of a `risk_coverage` curve, 0 the best; None if it is empty.

    AURC (Geifman, Uziel & El-Yaniv 2019, https://arxiv.org/abs/1805.08206).

    >>> area_under_risk([(0.5, 0.0), (1.0, 0.5)])
    0.25
    """
    return sum(risk for _, risk in curve) / len(curve) if curve else None


def calibration_bins(confidences: Numbers, rights: Numbers, bins: int = 10) -> list[tuple[float, float, int]]:
    """(mean confidence, share right, n) of bins of equally many questions, the least sure first; no bin is empty.

    Bins of equal mass as in Nixon et al. 2019 (https://arxiv.org/abs/1904.01685). Where equal confidences fall into
    two bins, each counts with the share of them that are right.

    >>> calibration_bins([0.0, 0.5, 0.5, 1.0], [0, 0, 1, 1], bins=2)
    [(0.25, 0.25, 2), (0.75, 0.75, 2)]
    """
    sure, right = (np.array_split(values[::-1], bins) for values in _surest_first(confidences, rights))
    return [(float(c.mean()), float(r.mean()), len(c)) for c, r in zip(sure, right, strict=True) if len(c)]


def calibration_error(confidences: Numbers, rights: Numbers, bins: int = 10) -> float | None:
    """Mean distance of confidence and share right over `calibration_bins`, weighted by questions; None without any.

    Expected calibration error (Naeini, Cooper & Hauskrecht 2015), 0 the best, 1 the worst.

    >>> round(calibration_error([0.1, 0.2, 0.7, 0.8], [0, 0, 0, 1], bins=2), 3)  # (2 * 0.15 + 2 * 0.25) / 4
    0.2
    """
    found = calibration_bins(confidences, rights, bins)
    return sum(n * abs(sure - right) for sure, right, n in found) / len(confidences) if found else None


def brier(confidences: Numbers, rights: Numbers) -> float | None:
    """Mean square of the distance of confidence and outcome, 0 the best, 1 the worst; None without questions.

    Brier 1950.

    >>> brier([1.0, 0.5], [1, 0])  # (0 + 0.25) / 2
    0.125
    """
    distances = np.asarray(confidences, dtype=float) - np.asarray(rights, dtype=float)
    return float((distances**2).mean()) if len(distances) else None


def _surest_first(keys: Numbers, values: Numbers) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Keys from high to low with their values, each the mean of the values that share its key."""
    sure = np.asarray(keys, dtype=float)
    _, block, sizes = np.unique(sure, return_inverse=True, return_counts=True)
    means = np.bincount(block, weights=np.asarray(values, dtype=float)) / sizes
    order = np.argsort(-sure)
    return sure[order], means[block][order]


# --- Cost ---


def percentile(values: Numbers, q: float) -> float | None:
    """The value below which q % of the values lie, in their unit; None without values.

    Linear between neighbours (type 7 of Hyndman & Fan 1996, numpy's default).

    >>> percentile([1.0, 2.0, 3.0, 4.0], 50)
    2.5
    """
    return float(np.percentile(values, q)) if len(values) else None

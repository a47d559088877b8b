"""Measures against hand-worked values, scikit-learn's and what must hold of any."""

import itertools
import math
import random

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss, ndcg_score, roc_auc_score

from eval.metrics import (
    area_under_risk,
    auroc,
    brier,
    calibration_bins,
    calibration_error,
    exact_match,
    file_recall,
    groups_met,
    holds_fact,
    is_met,
    ndcg_at,
    overlaps,
    percentile,
    recall_at,
    reciprocal_rank,
    risk_coverage,
    span_precision,
    span_recall,
    stands,
    sufficient_sets,
    token_f1,
    touches,
    uncited_rate,
)
from eval.types import Evidence

WORDS = st.lists(st.sampled_from("Putin Kim viajó misiles tres 3 Rusia la".split()), max_size=6).map(" ".join)
CONFIDENCES = st.lists(st.tuples(st.sampled_from((0.0, 0.2, 0.5, 0.9, 1.0)), st.booleans()), min_size=1, max_size=30)
SPANS = st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 20), st.integers(1, 10)), max_size=4)
BOTH = (frozenset({0, 1}),)
EITHER = (frozenset({0}), frozenset({1}))


def cited(*places: tuple[str, int, int]) -> list[dict[str, object]]:
    return [{"file": file, "start": start, "end": end} for file, start, end in places]


# --- The answer's words ---


def test_every_group_must_be_met_by_whole_words() -> None:
    groups = [["TASS"], ["RIA", "agencia RIA"]]
    assert holds_fact(groups, "Según TASS y la agencia RIA.")
    assert not holds_fact(groups, "Según TASS.")
    # «variación» contains the letters of RIA, not the word
    assert not holds_fact(groups, "TASS habla de variación.")


def test_accents_do_not_matter() -> None:
    assert holds_fact([["fracaso"]], "La ofensiva fracasó.")


@pytest.mark.parametrize(
    ("alternative", "text"),
    [
        ("cinco millones", "Unos 5 millones de proyectiles"),
        ("5 millones", "unos 5.000.000 de proyectiles"),
        ("dos veces", "Se vieron 2 veces."),
        ("14 de enero", "el 14/01/2024"),
        ("15 al 17", "del 15 al 17 de enero"),
        ("ministro del Interior", "el ministro de Interior"),
        ("«la OTAN»", "en la OTAN"),
    ],
)
def test_another_spelling_of_the_same_meets_a_group(alternative: str, text: str) -> None:
    assert is_met([alternative], text)


@pytest.mark.parametrize(
    ("alternative", "text"),
    [
        ("5 millones", "5 mil proyectiles"),
        ("14 de enero de 2024", "el 14 de enero"),
        ("14 de enero", "114 de enero"),
        ("Kim Jong Un", "Kim Jong Il"),
        # The article is all that makes it the town, or the first time.
        ("La Haya", "aunque haya tropas"),
        ("una vez", "otra vez"),
        ("El", "Putin"),
        ("", "Putin"),
        ("«»", ""),
    ],
)
def test_something_else_does_not(alternative: str, text: str) -> None:
    assert not is_met([alternative], text)


def test_share_of_the_groups() -> None:
    groups = [["Washington"], ["Seúl", "Corea del Sur"], ["Tokio"]]
    # Corea del Sur and Tokio: two of three
    assert groups_met(groups, "Tokio y Corea del Sur") == pytest.approx(2 / 3)
    assert groups_met(groups, "") == 0
    assert groups_met([], "Tokio") == 1


@given(WORDS, st.lists(st.lists(WORDS, min_size=1, max_size=2), max_size=3))
def test_all_groups_are_met_or_a_share(text: str, groups: list[list[str]]) -> None:
    assert 0 <= groups_met(groups, text) <= 1
    assert (groups_met(groups, text) == 1) == holds_fact(groups, text)


def test_exact_match() -> None:
    assert exact_match([["Choe Son Hui"]], "«Choe Son Hui.» [1]") == 1
    assert exact_match([["Choe Son Hui"]], "La ministra Choe Son Hui") == 0
    # One group: the order of its words counts. Several: no order was asked for.
    assert exact_match([["Choe Son Hui"]], "Hui Son Choe") == 0
    assert exact_match([["Washington"], ["Seúl", "Corea del Sur"]], "Corea del Sur, Washington") == 1
    assert exact_match([["Washington"], ["Seúl", "Corea del Sur"]], "Seúl") == 0
    assert exact_match([["Washington"]], "") == 0


def test_token_f1() -> None:
    # said: dos misiles balisticos (2, misiles, balisticos); gold: misiles balisticos.
    # precision 2/3, recall 2/2 -> 2 * 2/3 * 1 / (2/3 + 1) = 4/5
    assert token_f1([["misiles balísticos"]], "dos misiles balísticos") == pytest.approx(0.8)
    # The better of two alternatives: (misiles) gives 1/3 and 1 -> 1/2, less than 4/5.
    assert token_f1([["misiles", "misiles balísticos"]], "dos misiles balísticos") == pytest.approx(0.8)
    # Two groups are one bag: gold (asia, africa), said (asia): precision 1, recall 1/2 -> 2/3
    assert token_f1([["Asia"], ["África"]], "Asia") == pytest.approx(2 / 3)
    # A word that is said twice is found twice only if gold has it twice: precision 1/2, recall 1 -> 2/3
    assert token_f1([["misiles"]], "misiles, misiles") == pytest.approx(2 / 3)


def test_token_f1_without_words() -> None:
    assert token_f1([["Asia"]], "") == token_f1([["El"]], "Asia") == 0
    assert token_f1([["El"]], "la") == 1


def test_the_best_choice_is_found_across_groups() -> None:
    # Either group alone would take «kim», which was said once: (kim, kim) gives 2 * 1 / (2 + 2) = 1/2, but
    # (kim, putin) 2 * 2 / (2 + 2) = 1.
    assert token_f1([["Kim"], ["Kim", "Putin"]], "Putin, Kim") == 1


@given(st.lists(st.lists(WORDS, min_size=1, max_size=2), min_size=1, max_size=3), WORDS)
def test_exact_is_the_most(groups: list[list[str]], text: str) -> None:
    f1 = token_f1(groups, text)
    assert 0 <= f1 <= 1
    if exact_match(groups, text):
        assert f1 == 1
    assert token_f1(groups[::-1], text) == pytest.approx(f1)


# --- Quotations ---


def test_overlap_needs_the_same_file_and_a_shared_character() -> None:
    gold = [{"file": "a.txt", "start": 10, "end": 20}]
    assert overlaps({"file": "a.txt", "start": 19, "end": 30}, gold)
    assert not overlaps({"file": "a.txt", "start": 20, "end": 30}, gold)
    assert not overlaps({"file": "b.txt", "start": 10, "end": 20}, gold)
    assert not overlaps({"file": "a.txt", "start": 10, "end": 20}, [])


def test_evidence_is_overlapped_like_a_mapping() -> None:
    gold = [Evidence("a.txt", 10, 20)]
    assert touches(("a.txt", 0, 11), gold) and overlaps({"file": "a.txt", "start": 0, "end": 11}, gold)
    assert not touches(("a.txt", 0, 10), gold) and not touches(("b.txt", 0, 11), gold)


def test_a_quotation_stands_only_at_its_offsets() -> None:
    assert stands({"start": 3, "end": 6, "quote": "dos"}, "un dos")
    assert not stands({"start": 2, "end": 5, "quote": "dos"}, "un dos")


def test_one_of_three_statements_of_a_fact_is_enough() -> None:
    quotes = ["Putin viajó en mayo.", "Fue en mayo.", "En mayo de 2024."]
    assert sufficient_sets([["mayo"]], quotes) == tuple(frozenset({place}) for place in range(3))


def test_sets_are_minimal() -> None:
    # Asia and África stand together in 2; 0 and 1 make them up; 3 has nothing, 0 + 2 is more than is needed.
    quotes = ["de Asia", "de África", "Asia y África", "nada"]
    assert sufficient_sets([["Asia"], ["África"]], quotes) == (frozenset({2}), frozenset({0, 1}))


@pytest.mark.parametrize(
    ("answers", "quotes", "expected"),
    [
        # The words of the evidence are not those of the answer.
        ([["Seúl"]], ["la capital", "el sur"], {0, 1}),
        ([["Seúl"], ["Tokio"]], ["Seúl", "Japón"], {0, 1}),
        ([["Seúl"]], ["Seúl"] * 11, set(range(11))),
        ([], ["Seúl"], {0}),
        ([["Seúl"]], [], set()),
    ],
)
def test_otherwise_all_evidence_is_needed(answers: list[list[str]], quotes: list[str], expected: set[int]) -> None:
    assert sufficient_sets(answers, quotes) == (frozenset(expected),)


@given(st.lists(st.sampled_from(["uno Asia", "África", "Asia África", "nada", "Europa"]), max_size=6))
def test_each_set_is_enough_and_no_more_than_that(quotes: list[str]) -> None:
    answers = [["Asia"], ["África"]]
    assume(holds_fact(answers, " ".join(quotes)))
    for chosen in sufficient_sets(answers, quotes):
        assert holds_fact(answers, " ".join(quotes[place] for place in chosen))
        assert not any(holds_fact(answers, " ".join(quotes[p] for p in chosen - {place})) for place in chosen)


def test_span_recall() -> None:
    evidence = [Evidence("a", 0, 10), Evidence("b", 0, 30)]
    # 5 of the 10 characters in a, 15 of the 30 in b: 20 of 40
    assert span_recall(cited(("a", 5, 12), ("b", 0, 15)), evidence, BOTH) == 0.5
    # Where either is enough, the better: 10 of 10 in a, though none in b
    assert span_recall(cited(("a", 0, 12)), evidence, EITHER) == 1
    # Twice the same counts once: 5 of 40
    assert span_recall(cited(("a", 0, 5), ("a", 0, 5)), evidence, BOTH) == 0.125
    assert span_recall([], evidence, BOTH) == span_recall(cited(("a", 0, 5)), [], (frozenset(),)) == 0


def test_span_precision() -> None:
    evidence = [Evidence("a", 0, 10), Evidence("a", 5, 20)]
    # 0-25 was cited, in two overlapping pieces; 0-20 is gold: 20 of 25
    assert span_precision(cited(("a", 0, 15), ("a", 10, 25)), evidence) == 0.8
    # The same offsets of another file are not gold: 10 of 20
    assert span_precision(cited(("a", 0, 10), ("b", 0, 10)), evidence) == 0.5
    assert span_precision([], evidence) == span_precision(cited(("a", 0, 5)), []) == 0


def test_file_recall() -> None:
    evidence = [Evidence("a", 0, 10), Evidence("b", 0, 10), Evidence("b", 50, 60)]
    # Files a and b, however many places in them; b was cited, wherever: 1 of 2
    assert file_recall(cited(("b", 90, 95), ("c", 0, 5)), evidence, (frozenset({0, 1, 2}),)) == 0.5
    assert file_recall(cited(("b", 90, 95)), evidence, EITHER) == 1
    assert file_recall([], evidence, EITHER) == 0


@given(SPANS, SPANS)
def test_shares_of_spans(citing: list[tuple[str, int, int]], gold: list[tuple[str, int, int]]) -> None:
    citations = cited(*((file, start, start + length) for file, start, length in citing))
    evidence = [Evidence(file, start, start + length) for file, start, length in gold]
    sets = (frozenset(range(len(gold))),)
    recall, precision = span_recall(citations, evidence, sets), span_precision(citations, evidence)
    assert 0 <= recall <= 1 and 0 <= precision <= 1
    # Both have the same characters above the line.
    assert (recall > 0) == (precision > 0) == any(overlaps(citation, evidence) for citation in citations)
    assert span_recall(citations[::-1] * 2, evidence, sets) == recall
    assert file_recall(citations, evidence, sets) >= float(recall > 0) / 2


@pytest.mark.parametrize(
    ("text", "valid", "expected"),
    [
        ("«Frase uno.» [1] · «Frase dos.» [2][3]", {1, 2}, 0.0),
        # 3 is not valid, and it is all that the second of the two has
        ("«Frase uno.» [1] · «Frase dos.» [3]", {1, 2}, 1 / 2),
        # A naive system's text: of four sentences, the second and the fourth have none
        ("Uno vino [1]. Dos se fue. Tres se quedó. [2] Cuatro también.", {1, 2}, 2 / 4),
        ("Uno vino.[1] Dos se fue.\n[2]", {1, 2}, 0.0),
        ("Uno vino", {1}, 1.0),
        ("Uno vino [99999999999999]", {1}, 1.0),
        ("Uno vino. [1] · No consta: ¿cuánto costó? ¿Y cuándo?", {1}, 0.0),
        ("No consta.", {1}, None),
        ("", set(), None),
        ("[1] · [2].", {1, 2}, None),
    ],
)
def test_uncited_rate(text: str, valid: set[int], expected: float | None) -> None:
    assert uncited_rate(text, valid) == expected


# --- Retrieval ---

RANKING = [("a", 0, 10), ("b", 0, 10), ("c", 0, 10)]


def test_recall_at() -> None:
    evidence = [Evidence("b", 5, 15), Evidence("c", 9, 30)]
    assert [recall_at(RANKING, evidence, BOTH, k) for k in (0, 1, 2, 3, 9)] == [0, 0, 0.5, 1, 1]
    assert [recall_at(RANKING, evidence, EITHER, k) for k in (1, 2)] == [0, 1]
    assert recall_at([], evidence, BOTH, 5) == recall_at(RANKING, [], (frozenset(),), 5) == 0


@given(st.permutations([*RANKING, ("d", 0, 10)]), st.integers(1, 4))
def test_more_passages_find_no_less(ranking: list[tuple[str, int, int]], k: int) -> None:
    evidence = [Evidence("b", 5, 15), Evidence("c", 9, 30)]
    assert recall_at(ranking, evidence, BOTH, k - 1) <= recall_at(ranking, evidence, BOTH, k) <= 1
    assert recall_at(ranking, evidence, BOTH, 4) == 1


def test_reciprocal_rank() -> None:
    assert reciprocal_rank(RANKING, [Evidence("a", 9, 30)]) == 1
    # c is third; the passage of b, which is second, ends before the evidence in b
    assert reciprocal_rank(RANKING, [Evidence("b", 10, 15), Evidence("c", 9, 30)]) == pytest.approx(1 / 3)
    assert reciprocal_rank(RANKING, [Evidence("d", 0, 9)]) == reciprocal_rank([], [Evidence("a", 0, 9)]) == 0


def test_ndcg() -> None:
    # Relevant at 1 and 3 of three relevant in all: (1 + 1/log2 4) / (1 + 1/log2 3 + 1/log2 4) = 1.5 / 2.130930 = 0.7039
    assert ndcg_at([True, False, True], 3, 10) == pytest.approx(0.703918)
    # Only two places to fill: (1 + 0) / (1 + 0.630930) = 0.6131
    assert ndcg_at([True, False, True], 3, 2) == pytest.approx(0.613147)
    assert ndcg_at([False, False], 3, 10) == ndcg_at([], 3, 10) == ndcg_at([], 0, 10) == 0


@given(st.lists(st.booleans(), min_size=2, max_size=12), st.integers(1, 12))
def test_ndcg_is_scikit_learns(relevant: list[bool], k: int) -> None:
    falling = [-float(rank) for rank in range(len(relevant))]
    expected = ndcg_score([list(map(int, relevant))], [falling], k=k)
    assert ndcg_at(relevant, sum(relevant), k) == pytest.approx(expected)


# --- Knowing when not to answer ---


def test_auroc() -> None:
    # Pairs of (0.8, 0.3) over (0.5, 0.3): 0.8 wins both, 0.3 loses one and ties one: 2.5 of 4
    assert auroc([0.8, 0.3, 0.5, 0.3], [True, True, False, False]) == 0.625
    assert auroc([1, 1, 1], [True, False, False]) == 0.5
    assert auroc([1, 2], [True, True]) is auroc([1], [False]) is auroc([], []) is None


@given(CONFIDENCES)
def test_auroc_is_scikit_learns(pairs: list[tuple[float, bool]]) -> None:
    scores, positives = map(list, zip(*pairs, strict=True))
    assume(len(set(positives)) == 2)
    area = auroc(scores, positives)
    assert area == pytest.approx(roc_auc_score(positives, scores))
    # Only the order counts.
    assert auroc([math.exp(3 * score) for score in scores], positives) == pytest.approx(area)


def test_risk_coverage() -> None:
    # Surest first: right, then two equal of which one is wrong (1/2 each), then wrong.
    # 0/1, 0.5/2, 1/3, 2/4
    curve = risk_coverage([0.5, 0.9, 0.1, 0.5], [1, 0, 1, 0])
    np.testing.assert_allclose(curve, [(0.25, 0.0), (0.5, 0.25), (0.75, 1 / 3), (1.0, 0.5)])
    # (0 + 1/4 + 1/3 + 1/2) / 4 = 13/48
    assert area_under_risk(curve) == pytest.approx(13 / 48)


def test_a_curve_of_nothing() -> None:
    assert risk_coverage([], []) == []
    assert area_under_risk([]) is None


def test_ties_are_the_mean_over_their_orders() -> None:
    wrong = (1, 0, 0, 1, 0)
    orders = [np.cumsum(order) / np.arange(1, 6) for order in itertools.permutations(wrong)]
    assert [risk for _, risk in risk_coverage([0.5] * 5, wrong)] == pytest.approx(np.mean(orders, axis=0))


@given(CONFIDENCES, st.randoms())
def test_the_order_given_does_not_matter(pairs: list[tuple[float, bool]], random: random.Random) -> None:
    shuffled = random.sample(pairs, len(pairs))
    (keys, wrong), (other_keys, other_wrong) = (zip(*each, strict=True) for each in (pairs, shuffled))
    curve = risk_coverage(keys, wrong)
    np.testing.assert_allclose(curve, risk_coverage(other_keys, other_wrong), atol=1e-9)
    assert all(0 <= risk <= 1 + 1e-9 for _, risk in curve)
    np.testing.assert_allclose(curve[-1], (1.0, sum(wrong) / len(wrong)))
    assert calibration_error(keys, wrong) == pytest.approx(calibration_error(other_keys, other_wrong))


def test_calibration() -> None:
    confidences, rights = [0.9, 0.1, 0.8, 0.3, 0.6], [1, 0, 1, 0, 1]
    # Sorted 0.1 0.3 0.6 | 0.8 0.9, five in two bins being three and two, with 1 of 3 and 2 of 2 right
    bins = calibration_bins(confidences, rights, bins=2)
    np.testing.assert_allclose(bins, [(1 / 3, 1 / 3, 3), (0.85, 1.0, 2)])
    # (3 * 0 + 2 * 0.15) / 5
    assert calibration_error(confidences, rights, bins=2) == pytest.approx(0.06)


def test_equal_confidences_in_two_bins_share_what_is_right() -> None:
    assert calibration_bins([0.5, 0.5], [0, 1], bins=2) == [(0.5, 0.5, 1), (0.5, 0.5, 1)]


def test_fewer_answers_than_bins() -> None:
    assert calibration_bins([0.7], [1]) == [(0.7, 1.0, 1)]
    assert calibration_bins([], []) == []
    assert calibration_error([], []) is brier([], []) is None


def test_calibration_at_its_best_and_worst() -> None:
    assert calibration_error([1.0, 0.0], [1, 0]) == brier([1.0, 0.0], [1, 0]) == 0
    assert calibration_error([1.0, 0.0], [0, 1]) == brier([1.0, 0.0], [0, 1]) == 1


@given(CONFIDENCES, st.integers(1, 12))
def test_calibration_lies_between(pairs: list[tuple[float, bool]], bins: int) -> None:
    confidences, rights = map(list, zip(*pairs, strict=True))
    found = calibration_bins(confidences, rights, bins)
    sizes = [n for *_, n in found]
    assert sum(sizes) == len(pairs) and max(sizes) - min(sizes) <= 1 and len(found) == min(bins, len(pairs))
    error = calibration_error(confidences, rights, bins)
    assert error is not None and 0 <= error <= 1 + 1e-9


def test_brier() -> None:
    # (0.1^2 + 0.4^2) / 2 = (0.01 + 0.16) / 2
    assert brier([0.9, 0.4], [True, False]) == pytest.approx(0.085)


@given(CONFIDENCES)
def test_brier_is_scikit_learns(pairs: list[tuple[float, bool]]) -> None:
    confidences, rights = map(list, zip(*pairs, strict=True))
    assert brier(confidences, rights) == pytest.approx(brier_score_loss(rights, confidences, labels=[False, True]))


# --- Cost ---


def test_percentile() -> None:
    # 95 % of the way from the first of five values to the last is place 3.8: 4 + 0.8 * (10 - 4)
    assert percentile([10.0, 1.0, 2.0, 3.0, 4.0], 95) == pytest.approx(8.8)
    assert percentile([10.0, 1.0, 2.0], 50) == 2
    assert percentile([3.0], 95) == 3
    assert percentile([], 50) is None

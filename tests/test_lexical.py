"""Expected scores are computed by hand from Lucene's BM25 (table 1 of https://arxiv.org/abs/2407.03618), k1 0.9, b 0.4.

Of the three texts A «misil misil Pekín», B «misil Seúl», C «Pyongyang», N = 3, the lengths are 3, 2 and 1 terms and
their mean is 2. A term in n texts has idf = ln(1 + (N - n + 0.5) / (n + 0.5)):

    misil, n = 2: ln(1 + 1.5 / 2.5) = ln 1.6 = 0.470004        the others, n = 1: ln(1 + 2.5 / 1.5) = 0.980829

and counts idf · tf / (tf + 0.9 · (0.6 + 0.4 · length / 2)), where the term 0.9 · (...) is 1.08 for A, 0.9 for B and
0.72 for C. So misil gives A 0.470004 · 2 / 3.08 = 0.305197 and B 0.470004 / 1.9 = 0.247370, Pekín gives A
0.980829 / 2.08 = 0.471553, Seúl gives B 0.980829 / 1.9 = 0.516226, and Pyongyang gives C 0.980829 / 1.72 = 0.570249.
"""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.lexical import LexicalIndex

TEXTS = ["Misil, misil, Pekín.", "Misil en Seúl.", "Pyongyang"]
WORDS = st.lists(st.sampled_from("misil misiles Pekín Seúl reunió reunión Rusia el la de x".split()), max_size=12)
ANY_TEXTS = st.lists(WORDS.map(" ".join), max_size=8)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("¿Y los misiles?", [0.305197, 0.247370, 0]),
        ("Pekín", [0.471553, 0, 0]),
        ("misil Seúl", [0.305197, 0.247370 + 0.516226, 0]),
        ("pyongyang misil", [0.305197, 0.247370, 0.570249]),
        ("misil, ¡misil!", [0.305197, 0.247370, 0]),
    ],
)
def test_scores_are_those_of_the_formula(question: str, expected: list[float]) -> None:
    scores = LexicalIndex.build(TEXTS).scores(question)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, expected, atol=2e-6)


@pytest.mark.parametrize("question", ["Tokio", "el la de", "", "¿?"])
def test_a_question_without_a_known_word_scores_nothing(question: str) -> None:
    assert LexicalIndex.build(TEXTS).scores(question).tolist() == [0, 0, 0]


@pytest.mark.parametrize("texts", [[], [""], ["", "el la de"], ["...", "\n"]])
def test_texts_without_a_term_keep_their_places(texts: list[str], tmp_path: Path) -> None:
    index = LexicalIndex.build(texts)
    assert index.scores("misil").tolist() == [0] * len(texts)
    index.save(tmp_path / "lexical")
    assert LexicalIndex.load(tmp_path / "lexical").scores("misil").tolist() == [0] * len(texts)


def test_an_empty_text_among_others_keeps_its_place() -> None:
    scores = LexicalIndex.build(["", "misil", "el"]).scores("misil")
    assert scores[0] == scores[2] == 0 < scores[1]


def test_kin_of_a_term_counts_for_half() -> None:
    # «reunió» has the stem «reun», «reuniones» has «reunion»; each is in one of two texts of one term: idf is ln 2 for
    # both, and the length factor is 0.9.
    index = LexicalIndex.build(["reunió", "reuniones"])
    whole = math.log(2) / 1.9
    np.testing.assert_allclose(index.scores("reunió"), [whole, whole / 2], atol=1e-6)
    np.testing.assert_allclose(index.scores("reunión"), [whole / 2, whole], atol=1e-6)


def test_kin_of_a_frequent_term_counts_for_no_more_than_it() -> None:
    # The term asked for is in three of four texts, its kin in one: that one's rarity must not carry over.
    index = LexicalIndex.build(["reunión", "reuniones", "reunión", "reunió"])
    score = math.log(1 + 1.5 / 3.5) / 1.9
    np.testing.assert_allclose(index.scores("reunión"), [score, score, score, score / 2], atol=1e-6)


def test_a_missing_accent_does_not_hide_a_text() -> None:
    # Without its accent «reunió» stems to «reuni», with it to «reun».
    scores = LexicalIndex.build(["Se reunió.", "Misil."]).scores("reunio")
    assert scores[0] > 0 == scores[1]


def test_rarity_and_presence_of_terms() -> None:
    index = LexicalIndex.build(TEXTS)
    assert index.inverse_document_frequency("misil") == pytest.approx(math.log(1.6))
    assert index.inverse_document_frequency("toki") == pytest.approx(math.log(8))
    assert index.stand_ins("misil") == {"misil": 1.0}
    assert index.stand_ins("toki") == {}
    assert index.stand_ins("misilun") == {"misil": 0.5}, "kin counts half"


def test_no_score_depends_on_how_many_terms_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    questions = ["misil en Pekín", "misiles de Seúl", "What missiles?", "Pyongyang", "misil en Pekín"]
    usual = [LexicalIndex.build(TEXTS).scores(question) for question in questions]
    monkeypatch.setattr("index.lexical._MOST_KNOWN", 1)
    index = LexicalIndex.build(TEXTS)
    np.testing.assert_array_equal([index.scores(question) for question in questions], usual)


@given(ANY_TEXTS, WORDS.map(" ".join))
def test_loading_gives_what_was_saved(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], question: str
) -> None:
    folder = tmp_path_factory.mktemp("lexical") / "ñ"
    index = LexicalIndex.build(texts)
    index.save(folder)
    loaded = LexicalIndex.load(folder)
    np.testing.assert_array_equal(loaded.scores(question), index.scores(question))
    assert not list(folder.rglob("*.pkl"))


@given(ANY_TEXTS, WORDS.map(" ".join))
def test_every_text_has_a_finite_score_that_is_not_negative(texts: list[str], question: str) -> None:
    scores = LexicalIndex.build(texts).scores(question)
    assert scores.shape == (len(texts),)
    assert np.isfinite(scores).all() and (scores >= 0).all()

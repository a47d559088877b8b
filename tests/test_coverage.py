"""Expected shares are computed by hand from the rarity ln(1 + (N - n + 0.5) / (n + 0.5)) of a term that n texts hold.

Of the three texts, one term is in two of them (misil), the others in one: ln 1.6 = 0.470004 and ln(8 / 3) = 0.980829.
A term in none has ln 8 = 2.079442.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.lexical import LexicalIndex
from index.types import Passage
from qa.coverage import coverage, speaks_of

TEXTS = ["Kim lanzó misiles.", "Putin vendió misiles.", "Hubo una reunión sobre pesca."]


def held(question: str, texts: list[str]) -> float:
    passages = [Passage(str(number), "d", 0, len(text), text) for number, text in enumerate(texts)]
    return coverage(question, passages, LexicalIndex.build(texts))


@pytest.mark.parametrize(
    ("question", "share"),
    [
        ("¿Quién lanzó misiles?", 1.0),
        ("¿Y la pesca de Trump?", 0.980829 / (0.980829 + 2.079442)),  # Trump is in no text
        ("¿Qué hubo?", 1.0),  # has no term
        ("¿Quién lanzó pesca?", 0.5),
        ("¿Qué misiles hay para la pesca?", 0.980829 / (0.980829 + 0.470004)),
        ("¿Cuándo lanzó Trump zzz?", 0.980829 / (2 * 2.079442 + 0.980829)),
        ("¿Y el turismo?", 0.0),
    ],
)
def test_coverage_is_the_share_of_terms_by_rarity_that_one_passage_holds(question: str, share: float) -> None:
    assert held(question, TEXTS) == pytest.approx(share, abs=1e-6)


def test_what_two_passages_hold_together_is_held_by_none() -> None:
    assert held("Kim vendió", TEXTS) == pytest.approx(0.5)
    assert held("Kim vendió", [*TEXTS, "Kim vendió todo."]) == 1.0


def test_a_word_of_the_family_holds_half_of_a_term() -> None:
    assert held("¿Quiénes se reunieron?", TEXTS) == pytest.approx(0.5)


def test_only_the_passages_that_share_most_with_the_question_are_looked_at() -> None:
    # Ten short texts have the rare word; a long one has the frequent one besides, and is not better for it.
    short, long = ["Pesca, pesca, pesca."] * 10, "Pesca de misiles" + " en aguas lejanas" * 100
    texts = [long, *short, *["Misiles."] * 40]
    assert held("¿Pesca de misiles?", [long]) == 1.0
    assert held("¿Pesca de misiles?", texts) < 1.0
    assert held("¿Pesca de misiles?", texts[:10]) == 1.0


def test_without_passages_nothing_is_held() -> None:
    assert held("¿Quién lanzó misiles?", []) == 0.0


WORDS = st.sampled_from("Kim Putin Rusia norcoreano lanzó vendió misiles reunión pesca el de un 2024".split())
SENTENCES = st.lists(WORDS, min_size=1, max_size=8).map(" ".join)


@given(SENTENCES | st.text(), st.lists(SENTENCES, max_size=6))
def test_a_share_is_between_nothing_and_all(question: str, texts: list[str]) -> None:
    assert 0.0 <= held(question, texts) <= 1.0 + 1e-9


@given(st.lists(SENTENCES, min_size=1, max_size=6), st.data())
def test_a_passage_holds_its_own_words(texts: list[str], data: st.DataObject) -> None:
    assert held(data.draw(st.sampled_from(texts)), texts) == pytest.approx(1.0)


@given(SENTENCES, st.lists(SENTENCES, max_size=6))
def test_the_order_of_the_passages_does_not_matter(question: str, texts: list[str]) -> None:
    assert held(question, texts) == pytest.approx(held(question, texts[::-1]))


def test_names_are_counted_apart_from_the_share_of_all_terms() -> None:
    # Kim, Trump and pesca: of the names Kim is held, and by rarity 0.980829 of 0.980829 + 2.079442 + 0.980829.
    names, share = speaks_of(TEXTS[0], "la pesca de Kim y Trump", LexicalIndex.build(TEXTS))
    assert names == 1
    assert share == pytest.approx(0.980829 / (2 * 0.980829 + 2.079442), abs=1e-6)

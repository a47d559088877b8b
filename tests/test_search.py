import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from index.search import _descending, search
from index.types import Passage

ANY_VECTOR = np.zeros(2, dtype=np.float32)
SPANISH, ENGLISH = "¿Qué le regaló Putin a Kim?", "What did Putin give to Kim?"


class Scores:
    """The same score for every question, by position."""

    def __init__(self, *scores: float) -> None:
        self._scores = np.array(scores, dtype=np.float32)

    def scores(self, question: object) -> NDArray[np.float32]:
        return self._scores


def passage(text: str, number: int, boilerplate: bool = False) -> Passage:
    return Passage(f"d{number}:0-{len(text)}", f"d{number}", 0, len(text), text, boilerplate)


def passages(*texts: str) -> list[Passage]:
    """Texts as passages of different documents; one that ends in an ellipsis is boilerplate."""
    return [passage(text, number, text.endswith("…")) for number, text in enumerate(texts)]


def found(texts: list[Passage], words: Scores, meaning: Scores, top_k: int = 10, question: str = SPANISH) -> list[str]:
    return [hit.passage.text for hit in search(question, ANY_VECTOR, texts, words, meaning, top_k)]


def test_the_best_come_first_with_their_ranks() -> None:
    hits = search(SPANISH, ANY_VECTOR, passages("a", "b", "c"), Scores(1, 4, 2), Scores(0, 0, 0), 2)
    assert [(hit.passage.text, hit.rank) for hit in hits] == [("b", 1), ("c", 2)]
    # BM25 over its maximum: 4/4 and 2/4.
    assert [hit.score for hit in hits] == [1.0, 0.5]


def test_equal_scores_keep_the_order_of_the_passages() -> None:
    assert found(passages("a", "b", "c"), Scores(1, 1, 1), Scores(0, 0, 0)) == ["a", "b", "c"]


@given(st.lists(st.sampled_from([-1.0, 0.0, 0.5, 0.25, 3.0]), max_size=300))
def test_the_order_of_many_is_that_of_sorting_them_all(scores: list[float]) -> None:
    expected = sorted(range(len(scores)), key=lambda position: (-scores[position], position))
    assert list(_descending(np.array(scores, dtype=np.float32))) == expected


def test_fewer_passages_than_asked_for_are_all_there_are() -> None:
    assert found(passages("a"), Scores(0), Scores(0), top_k=5) == ["a"]
    assert found([], Scores(), Scores(), top_k=5) == []


def test_the_same_text_in_several_files_is_shown_once_and_leaves_room_for_others() -> None:
    assert found(passages("a", "b", "a", "c"), Scores(4, 3, 4, 2), Scores(0, 0, 0, 0), top_k=3) == ["a", "b", "c"]


def test_of_equal_texts_the_best_scored_stays() -> None:
    texts = [passage("a", 0, boilerplate=True), passage("a", 1)]
    hits = search(SPANISH, ANY_VECTOR, texts, Scores(4, 4), Scores(0, 0), 5)
    assert [hit.passage.document_id for hit in hits] == ["d1"]


def test_text_around_an_article_gives_way_to_its_own() -> None:
    # 4/4 · 0.5 against 3/4
    assert found(passages("otra…", "propia"), Scores(4, 3), Scores(0, 0)) == ["propia", "otra…"]


def test_text_around_an_article_comes_first_when_it_matches_twice_as_well_or_alone() -> None:
    assert found(passages("propia", "otra…"), Scores(1, 4), Scores(0, 0)) == ["otra…", "propia"]
    assert found(passages("propia", "otra…"), Scores(0, 4), Scores(0.2, 0)) == ["otra…", "propia"]


def test_text_around_an_article_gives_way_among_what_matches_nothing_too() -> None:
    # Negative cosines: halving -0.4 would lift it above -0.3.
    assert found(passages("otra…", "propia"), Scores(0, 0), Scores(-0.4, -0.3)) == ["propia", "otra…"]


def test_vectors_weigh_more_for_an_english_question() -> None:
    texts, words, meaning = passages("words", "meaning"), Scores(4, 2), Scores(0.35, 0.8)
    assert found(texts, words, meaning, question=SPANISH) == ["words", "meaning"]
    assert found(texts, words, meaning, question=ENGLISH) == ["meaning", "words"]


@pytest.mark.parametrize(
    ("words", "meaning", "origins"),
    [
        # Each list's best is the other's worst.
        (Scores(4, 2), Scores(0.35, 0.8), {"a": "lexical", "b": "dense"}),
        (Scores(4, 1), Scores(0.9, 0.1), {"a": "lexical+dense"}),
        # What shares no word is not among the best by words, however few passages there are.
        (Scores(0, 0), Scores(0.9, 0.1), {"a": "dense"}),
    ],
)
def test_the_origin_says_which_ranking_held_a_passage_among_its_best(
    words: Scores, meaning: Scores, origins: dict[str, str]
) -> None:
    texts = passages("a", "b")
    ranked = {
        hit.passage.text: hit.origin
        for question in (SPANISH, ENGLISH)
        for hit in search(question, ANY_VECTOR, texts, words, meaning, 1)
    }
    assert ranked.items() >= origins.items()


def test_scores_are_not_changed_for_the_next_question() -> None:
    words, meaning = Scores(4, 3), Scores(0.1, -0.2)
    texts = passages("otra…", "propia")
    first = search(SPANISH, ANY_VECTOR, texts, words, meaning, 2)
    assert search(SPANISH, ANY_VECTOR, texts, words, meaning, 2) == first


def test_a_passage_that_only_repeats_the_question_comes_after_what_speaks_of_it() -> None:
    texts = passages(f"{SPANISH} Un yate.", "Putin le regaló una limusina.", "Otra cosa.")
    hits = search(SPANISH, ANY_VECTOR, texts, Scores(4, 3, 1), Scores(0, 0, 0), 3)
    assert [(hit.passage.text, hit.score, hit.rank) for hit in hits] == [
        ("Putin le regaló una limusina.", 0.75, 1),
        ("Otra cosa.", 0.25, 2),
        (f"{SPANISH} Un yate.", 0.0, 3),
    ]
    assert found(texts, Scores(4, 3, 1), Scores(0, 0, 0), top_k=1) == ["Putin le regaló una limusina."]

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from index.fusion import ENGLISH_DENSE_WEIGHT, SPANISH_DENSE_WEIGHT, fuse

SIZES = st.integers(0, 20)
BM25 = st.floats(0, 100, width=32)
COSINES = st.floats(-1, 1, width=32)


@st.composite
def two_rankings(draw: st.DrawFn) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    size = draw(SIZES)
    lexical: NDArray[np.float32] = draw(arrays.arrays(np.float32, size, elements=BM25))
    dense: NDArray[np.float32] = draw(arrays.arrays(np.float32, size, elements=COSINES))
    return lexical, dense


def floats(*values: float) -> NDArray[np.float32]:
    return np.array(values, dtype=np.float32)


def test_scores_are_relative_bm25_and_weighed_cosine() -> None:
    # 8/8 + 0.5·0.1, 2/8 + 0.5·0.9, 0/8 - 0.5·0.2
    fused = fuse(floats(8, 2, 0), floats(0.1, 0.9, -0.2), 0.5)
    np.testing.assert_allclose(fused, [1.05, 0.7, -0.1], atol=1e-6)


def test_without_a_shared_word_the_cosine_decides() -> None:
    np.testing.assert_allclose(fuse(floats(0, 0), floats(0.2, 0.4), 5.0), [1, 2], atol=1e-6)


def test_no_passages_have_no_scores() -> None:
    assert fuse(floats(), floats(), 1.0).shape == (0,)


@given(two_rankings())
def test_weight_nothing_is_the_order_of_bm25(rankings: tuple[NDArray[np.float32], NDArray[np.float32]]) -> None:
    lexical, dense = rankings
    fused = fuse(lexical, dense, 0.0)
    assert fused.dtype == np.float32
    highest = lexical.max(initial=0)
    np.testing.assert_array_equal(fused, lexical / highest if highest else lexical)


@given(two_rankings())
def test_what_comes_in_is_left_alone(rankings: tuple[NDArray[np.float32], NDArray[np.float32]]) -> None:
    lexical, dense = (array.copy() for array in rankings)
    fuse(*rankings, 0.3)
    np.testing.assert_array_equal(rankings[0], lexical)
    np.testing.assert_array_equal(rankings[1], dense)


@pytest.mark.parametrize(("weight", "best"), [(SPANISH_DENSE_WEIGHT, 0), (ENGLISH_DENSE_WEIGHT, 1)])
def test_vectors_weigh_more_for_english_questions(weight: float, best: int) -> None:
    # 1 + 0.35w against 0.5 + 0.8w: the second wins from a weight of 10/9 on
    assert int(np.argmax(fuse(floats(4, 2), floats(0.35, 0.8), weight))) == best

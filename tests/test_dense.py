import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from index.dense import DenseIndex


def unit_vectors(count: int, seed: int, dimension: int = 16) -> NDArray[np.float32]:
    drawn = np.random.default_rng(seed).standard_normal((count, dimension))
    vectors: NDArray[np.float32] = (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)
    return vectors


@given(st.integers(0, 150), st.integers(0, 2**32))
def test_scores_are_those_of_brute_force_in_the_order_given(count: int, seed: int) -> None:
    vectors, question = unit_vectors(count, seed), unit_vectors(1, seed + 1)[0]
    scores = DenseIndex.build(vectors).scores(question)
    assert scores.shape == (count,)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, vectors @ question, atol=1e-6)


@given(st.integers(0, 20), st.integers(0, 2**32))
def test_vectors_come_back_as_they_were_given(count: int, seed: int) -> None:
    vectors = unit_vectors(count, seed)
    np.testing.assert_array_equal(DenseIndex.build(vectors).vectors(), vectors)


def test_loading_gives_what_was_saved(tmp_path: Path) -> None:
    vectors = unit_vectors(7, 0)
    DenseIndex.build(vectors).save(tmp_path / "ñ.faiss")
    loaded = DenseIndex.load(tmp_path / "ñ.faiss")
    assert (loaded.size, loaded.dimension) == (7, 16)
    np.testing.assert_array_equal(loaded.vectors(), vectors)


@pytest.mark.parametrize("vectors", [np.zeros(3), np.full((2, 3), np.nan)], ids=["no matrix", "not a number"])
def test_what_is_no_matrix_of_numbers_is_refused(vectors: NDArray[np.float64]) -> None:
    with pytest.raises(ValueError, match="not finite vectors"):
        DenseIndex.build(vectors.astype(np.float32))


def test_faiss_is_not_imported_before_it_is_needed() -> None:
    program = "import sys, index.build; print(sorted({'faiss', 'bm25s', 'torch', 'filelock'} & sys.modules.keys()))"
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert printed == "[]\n"

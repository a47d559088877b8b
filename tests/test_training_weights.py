"""Weights for training are those that llama.cpp runs: the same tokens give nearly the same probabilities."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from qa.model import LlamaModel
from qa.model_files import find_bundled_model
from qa.training.weights import load_weights, permuted, unpermuted
from tests.models import THREADS, bundled_model
from tests.tiny_gguf import write_model

TEXT = "El Ayuntamiento de Lima anunció el martes que abrirá tres bibliotecas nuevas"


def logprobs(path: Path, tokens: list[int]) -> np.ndarray:
    with torch.inference_mode():
        logits = load_weights(path)(torch.tensor([tokens])).logits[0, -1]
    found: np.ndarray = torch.log_softmax(logits, -1).numpy()
    return found


def test_a_model_in_full_precision_is_that_of_llama_cpp(tmp_path: Path) -> None:
    path = write_model(tmp_path / "tiny.gguf")
    model = LlamaModel.open(path, threads=THREADS)
    tokens = model.tokenize("Hola, mundo.")
    # llama.cpp keeps keys and values in 16 bits. Rows in another order differ by more than 1.
    assert np.abs(logprobs(path, tokens) - model.start(tokens)).max() < 0.05
    model.close()


def test_the_bundled_model_is_that_of_llama_cpp() -> None:
    """Within what quantised activations change: weights read wrongly would give another distribution altogether."""
    tokens = bundled_model().tokenize(TEXT)
    ours, theirs = logprobs(find_bundled_model(), tokens), bundled_model().start(tokens)
    assert ours.argmax() == theirs.argmax()
    assert float((np.exp(theirs) * (theirs - ours)).sum()) < 0.02  # Kullback-Leibler divergence in nats


@given(heads=st.integers(1, 4), half=st.integers(1, 4), inputs=st.integers(1, 3))
def test_permuting_undoes_unpermuting(heads: int, half: int, inputs: int) -> None:
    weights = np.arange(heads * 2 * half * inputs, dtype=np.float32).reshape(heads * 2 * half, inputs)
    assert (permuted(unpermuted(weights, heads), heads) == weights).all()
    assert (unpermuted(permuted(weights, heads), heads) == weights).all()


def test_another_architecture_is_refused(tmp_path: Path) -> None:
    import gguf

    writer = gguf.GGUFWriter(str(tmp_path / "other.gguf"), "gpt2")
    writer.add_tensor("token_embd.weight", np.zeros((2, 2), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with pytest.raises(ValueError, match=r"other.gguf: architecture gpt2, expected llama"):
        load_weights(tmp_path / "other.gguf")

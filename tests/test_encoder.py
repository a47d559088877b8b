"""The embedding model in NumPy: the vectors of sentence-transformers, text by text."""

import math
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.embedder import ADAPTED, BUNDLED, SentenceTransformerEmbedder, as_installed, find_model, open_embedder
from index.encoder import Encoder, _gelu
from index.errors import EmbedderError
from tests.commands import ROOT, SEEDS, with_package

PARAGRAPHS = [line for path in sorted(SEEDS.glob("*.txt")) for line in path.read_text("utf-8").split("\n") if line]
ODD = [
    "",
    " \n\t",
    "[SEP] hola [CLS] [MASK]",
    "Ñandú, naïve, cafe\u0301 y 北京 😀",
    "palabra " * 600,
    "x" * 300,
    "\x00\u200b",
]


@cache
def embedder() -> SentenceTransformerEmbedder:
    return open_embedder()


@cache
def encoder() -> Encoder:
    return Encoder.open(find_model(BUNDLED), ADAPTED)


def test_the_vectors_are_those_of_sentence_transformers() -> None:
    texts = [*PARAGRAPHS[:60], *ODD]
    np.testing.assert_allclose(encoder().encode(texts), embedder().encode_many(texts), atol=2e-6)


def test_so_they_are_without_the_weights_for_spanish() -> None:
    plain = as_installed(embedder())
    assert isinstance(plain, SentenceTransformerEmbedder)
    np.testing.assert_allclose(plain.encode(ODD[3:4]), plain.encode_many(ODD[3:4]), atol=2e-6)
    assert abs(plain.encode(ODD[3:4]) - embedder().encode(ODD[3:4])).max() > 0.01


@settings(max_examples=30, deadline=None)
@given(st.text(max_size=80))
def test_any_text_has_the_vector_of_sentence_transformers(text: str) -> None:
    np.testing.assert_allclose(encoder().encode([text]), embedder().encode_many([text]), atol=2e-6)


def test_a_text_has_the_same_vector_to_the_last_digit_whatever_comes_before_it() -> None:
    alone = encoder().encode(PARAGRAPHS[:1])
    assert (encoder().encode([*ODD, PARAGRAPHS[0]])[-1:] == alone).all()


def test_the_activation_is_that_of_the_normal_distribution() -> None:
    values = np.concatenate([np.linspace(-8, 8, 20_001), np.linspace(-200, 200, 4_001)]).astype(np.float32)
    exact = [value * math.erfc(-value / math.sqrt(2)) / 2 for value in values.tolist()]
    np.testing.assert_allclose(_gelu(values), exact, rtol=2e-7, atol=4e-7)


def test_no_texts_have_no_vectors() -> None:
    assert encoder().encode([]).shape == (0, encoder().dimension) == (0, 384)


@pytest.mark.parametrize("broken", ["no tokenizer", "no weights", "other weights", "cut weights", "no settings"])
def test_what_does_not_fit_is_told(tmp_path: Path, broken: str) -> None:
    folder = tmp_path / "model"
    shutil.copytree(find_model(BUNDLED), folder, ignore=shutil.ignore_patterns("*.safetensors"))
    weights = tmp_path / "weights.safetensors"
    weights.write_bytes(ADAPTED.read_bytes())
    match broken:
        case "no tokenizer":
            (folder / "tokenizer.json").unlink()
        case "no settings":
            (folder / "config.json").write_text("{}")
        case "no weights":
            weights.unlink()
        case "cut weights":
            weights.write_bytes(weights.read_bytes()[:-100])
        case _:
            from safetensors.numpy import save_file

            save_file({"other": np.zeros(3, dtype=np.float32)}, weights)
    with pytest.raises(EmbedderError, match="do not fit the embedding model"):
        Encoder.open(folder, weights)


def test_a_question_and_a_few_passages_need_no_torch() -> None:
    script = (
        "import sys; from index.embedder import open_embedder; embedder = open_embedder();"
        "embedder.encode(['¿Qué?']); embedder.encode(['uno', 'dos']); embedder.dimension;"
        "print(sorted({'torch', 'transformers', 'sentence_transformers', 'scipy'} & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=with_package({}), capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_many_texts_are_embedded_by_the_library_and_a_question_never() -> None:
    fresh = open_embedder()
    question = fresh.encode(["¿Qué?"])
    assert not fresh.is_loaded
    fresh.encode([f"texto {number}" for number in range(300)])
    assert fresh.is_loaded
    assert (fresh.encode(["¿Qué?"]) == question).all()


def test_another_model_is_embedded_by_the_library(tmp_path: Path) -> None:
    shutil.copytree(find_model(BUNDLED), tmp_path / "model")
    named = open_embedder(str(tmp_path / "model"))
    named.encode(["¿Qué?"])
    assert named.is_loaded


def test_no_digit_depends_on_the_second_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [*PARAGRAPHS[:12], *ODD]
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    alone = Encoder.open(find_model(BUNDLED), ADAPTED).encode(texts)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    helped = Encoder.open(find_model(BUNDLED), ADAPTED)
    assert (helped.encode(texts) == alone).all()
    assert (np.concatenate([helped.encode([text]) for text in texts]) == alone).all()

"""The embedding model in ONNX Runtime: the vectors of sentence-transformers, text by text."""

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.embedder import ADAPTED, BUNDLED, GRAPH, SentenceTransformerEmbedder, as_installed, find_model, open_embedder
from index.encoder import Encoder
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
    return Encoder.open(find_model(BUNDLED), GRAPH)


def test_the_vectors_are_those_of_sentence_transformers() -> None:
    texts = [*PARAGRAPHS[:60], *ODD]
    np.testing.assert_allclose(encoder().encode(texts), embedder().encode_many(texts), atol=2e-6)


def test_without_the_weights_for_spanish_the_library_embeds() -> None:
    plain = as_installed(embedder())
    assert isinstance(plain, SentenceTransformerEmbedder)
    assert abs(plain.encode(ODD[3:4]) - embedder().encode(ODD[3:4])).max() > 0.01
    assert plain.is_loaded


@settings(max_examples=30, deadline=None)
@given(st.text(max_size=80))
def test_any_text_has_the_vector_of_sentence_transformers(text: str) -> None:
    np.testing.assert_allclose(encoder().encode([text]), embedder().encode_many([text]), atol=2e-6)


def test_a_text_has_the_same_vector_to_the_last_digit_whatever_comes_before_it() -> None:
    alone = encoder().encode(PARAGRAPHS[:1])
    assert (encoder().encode([*ODD, PARAGRAPHS[0]])[-1:] == alone).all()


def test_no_texts_have_no_vectors() -> None:
    assert encoder().encode([]).shape == (0, encoder().dimension) == (0, 384)


@pytest.mark.parametrize(
    "broken", ["no tokenizer", "no settings", "no graph", "no weights", "cut weights", "other graph"]
)
def test_what_is_missing_or_damaged_is_told(tmp_path: Path, broken: str) -> None:
    folder = tmp_path / "model"
    shutil.copytree(find_model(BUNDLED), folder, ignore=shutil.ignore_patterns("*.safetensors"))
    graph, weights = (Path(shutil.copy(path, tmp_path)) for path in (GRAPH, ADAPTED))
    match broken:
        case "no tokenizer":
            (folder / "tokenizer.json").unlink()
        case "no settings":
            (folder / "sentence_bert_config.json").write_text("{}")
        case "no graph":
            graph.unlink()
        case "no weights":
            weights.unlink()
        case "cut weights":
            weights.write_bytes(weights.read_bytes()[:-100])
        case _:
            graph.write_bytes(b"graph")
    with pytest.raises(EmbedderError, match="does not load"):
        Encoder.open(folder, graph)


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
    words = " ".join(PARAGRAPHS).split()
    texts = [*ODD, *(" ".join(words[count : 2 * count]) for count in range(1, 200, 3))]  # up to the model's window
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    alone = Encoder.open(find_model(BUNDLED), GRAPH).encode(texts)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    assert (Encoder.open(find_model(BUNDLED), GRAPH).encode(texts) == alone).all()


def test_several_threads_of_control_get_the_same_vectors() -> None:
    texts = PARAGRAPHS[:40]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda text: encoder().encode([text])[0], texts))
    assert (encoder().encode(texts) == np.array(found)).all()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_process_embeds_as_well() -> None:
    script = (
        "import os; from index.embedder import open_embedder; embedder = open_embedder();"
        "before = embedder.encode(['¿Qué?']); child = os.fork();"
        "same = (embedder.encode(['¿Qué?']) == before).all();"
        "os._exit(not same) if child == 0 else exit(os.waitpid(child, 0)[1])"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=with_package({}), timeout=60)
    assert done.returncode == 0


def test_nothing_is_printed_by_the_runtime() -> None:
    script = "from index.embedder import open_embedder; open_embedder().encode(['¿Qué?'])"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=with_package({}), capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")

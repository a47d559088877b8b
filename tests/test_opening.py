"""Models open while they are what they were, and are refused before they are loaded once a byte of them has changed."""

import os
import shutil
from pathlib import Path

import pytest

from index.embedder import GRAPH, open_embedder
from index.errors import UserError
from qa.errors import ModelError
from qa.ledger import Ledger, state_folder
from qa.opening import accept_embedder, known_embedder, known_model, model_path
from qa.settings import resolve
from tests.tiny_gguf import write_model


@pytest.fixture(autouse=True)
def state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def flip(path: Path, place: int) -> None:
    """Alters one bit and nothing that the file system tells of the file."""
    times = path.stat()
    raw = bytearray(path.read_bytes())
    raw[place] ^= 1
    path.write_bytes(raw)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def test_a_flipped_byte_is_refused_until_it_is_accepted(tmp_path: Path) -> None:
    path = write_model(tmp_path / "m.gguf")
    settings = resolve({"model": str(path), "threads": "1"})
    known_model(settings, None).close()
    known_model(settings, None).close()
    flip(path, -5)  # within the weights: the file would load
    with pytest.raises(ModelError, match="was altered since it was first used"):
        known_model(settings, None)
    flip(path, -5)
    known_model(settings, None).close()


def test_what_does_not_load_is_not_recorded(tmp_path: Path) -> None:
    path = tmp_path / "m.gguf"
    path.write_text("not yet")
    settings = resolve({"model": str(path), "threads": "1"})
    with pytest.raises(ModelError, match="not in GGUF form"):
        known_model(settings, None)
    write_model(path)
    known_model(settings, None).close()
    assert Ledger(state_folder()).known(path) is not None


def test_an_embedding_model_with_a_flipped_byte_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "embedder"
    shutil.copytree(open_embedder().folder, folder)
    settings = resolve({"embedder": str(folder)})
    accept_embedder(settings, known_embedder(settings))
    known_embedder(settings)
    flip(folder / "tokenizer.json", 1000)
    with pytest.raises(UserError, match="was altered since it was first used"):
        known_embedder(settings)


def test_the_installed_models_open() -> None:
    assert known_embedder(resolve({})).digest == open_embedder().digest
    assert model_path(resolve({})).suffix == ".gguf"


def test_an_altered_graph_of_the_installed_embedding_model_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied = Path(shutil.copy(GRAPH, tmp_path))
    monkeypatch.setattr("qa.opening.GRAPH", copied)
    known_embedder(resolve({}))
    flip(copied, -5)
    with pytest.raises(ModelError, match="the installed graph of the embedding model was altered"):
        known_embedder(resolve({}))

"""Processes measured from outside, and what a new one is compared with."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eval.bench import cold, processes
from eval.bench.cold import cache_bytes, require_same
from eval.bench.ground import QUESTION, Ground
from eval.bench.processes import Finished, run
from eval.bench.reference import LibraryEmbedder
from index.errors import UserError
from tests.tiny_gguf import LAYERS, WIDTH, write_model

MEBIBYTE = 2**20


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module `measured` of its own folder, which is the project's to the commands here."""
    (tmp_path / "eval").symlink_to(processes.ROOT / "eval")
    (tmp_path / "index").symlink_to(processes.ROOT / "index")
    monkeypatch.setattr(processes, "ROOT", tmp_path)
    return tmp_path / "measured.py"


def test_a_process_is_measured_from_its_start_to_its_end(module: Path) -> None:
    module.write_text("import sys, time; time.sleep(0.3); print('¿Sí?', *sys.argv[1:])")
    done = run("measured", "a", "b")
    assert done.output == "¿Sí? a b\n"
    assert 0.3 <= done.seconds < 30
    assert 2 * MEBIBYTE < done.peak < 60 * MEBIBYTE


def test_the_peak_is_the_commands_own_and_not_its_parents(module: Path) -> None:
    held = np.ones(200 * MEBIBYTE // 8)
    module.write_text("pass")
    small = run("measured").peak
    module.write_text("held = b'x' * 100_000_000")
    assert held.sum() > 0
    assert small < 60 * MEBIBYTE
    assert 90 * MEBIBYTE < run("measured").peak < 160 * MEBIBYTE


def test_a_command_that_fails_is_told_with_its_last_words(module: Path) -> None:
    module.write_text("import sys; sys.exit('no model')")
    with pytest.raises(UserError, match=r"measured x ended with 1 \(no model\)"):
        run("measured", "x")


def test_the_users_settings_do_not_reach_the_command(module: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QA_MODEL", "other.gguf")
    monkeypatch.setenv("KEPT", "yes")
    module.write_text("import os; print(os.environ.get('QA_MODEL'), os.environ['KEPT'], os.getcwd())")
    assert run("measured").output.split() == ["None", "yes", os.path.realpath(module.parent)]


# --- The rows ---


class FakeRuns:
    """Stands for the processes: `qa ask` takes one second, the other side four."""

    def __init__(self, other: str = "La limusina.") -> None:
        self.other = other
        self.commands: list[str] = []

    def __call__(self, module: str, *arguments: str) -> Finished:
        self.commands.append(module)
        assert "--index-dir" in arguments
        assert arguments[0] == ("ask" if module == "qa" else QUESTION)
        return Finished(*((1.0, 300 * MEBIBYTE, "La limusina.") if module == "qa" else (4.0, 0, self.other)))


def test_new_processes_take_turns(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    runs = FakeRuns()
    monkeypatch.setattr(cold, "run", runs)
    ratio, seconds = cold.cold_ask(Ground(tmp_path, runs=3))
    assert runs.commands == ["qa", "eval.bench.reference"] * 2 + ["eval.bench.reference", "qa", "qa"] + [
        "eval.bench.reference"
    ]
    assert (ratio.figure.value, ratio.figure.n, ratio.met) == (0.25, 3, True)
    assert (seconds.name, seconds.figure.value, seconds.target) == ("cold_ask_seconds", 1.0, 2.0)


def test_sides_that_answer_differently_are_no_comparison(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cold, "run", FakeRuns("No consta."))
    with pytest.raises(RuntimeError, match="do not answer alike"):
        cold.cold_ask(Ground(tmp_path, runs=1))
    with pytest.raises(RuntimeError, match="do not answer alike"):
        require_same({""}, {""})


def test_memory_is_divided_by_what_is_needed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cold, "run", FakeRuns())
    parts = {"reader": 150 * MEBIBYTE, "index": 50 * MEBIBYTE}
    monkeypatch.setattr(cold, "needed", lambda ground: parts)
    (row,) = cold.memory(Ground(tmp_path, runs=2))
    assert (row.figure.value, row.figure.n, row.details) == (1.5, 2, {"bytes": parts})
    assert [side.median for side in row.sides] == [300, 200]


def test_the_cache_holds_keys_and_values_of_every_layer(tmp_path: Path) -> None:
    path = write_model(tmp_path / "tiny.gguf")
    # One of two heads is shared, so that half the width is kept, twice, in two bytes.
    assert cache_bytes(cold._fields(path), 100) == 100 * LAYERS * (WIDTH // 2) * 2 * 2
    fields: dict[str, Any] = {
        "general.architecture": "llama", "llama.attention.head_count": 9, "llama.attention.head_count_kv": 3,
        "llama.embedding_length": 576, "llama.block_count": 30,
    }  # fmt: skip
    assert cache_bytes(fields.get, 4096) == 94_371_840
    assert cache_bytes({**fields, "llama.attention.key_length": 128}.get, 4096) == 2 * 94_371_840


class FakeLibrary:
    """An embedding model that may be asked in one way only."""

    name, digest, dimension = "m", "d", 2

    def encode_many(self, texts: list[str]) -> Any:
        return np.ones((len(texts), 2), dtype=np.float32)


def test_the_reference_always_embeds_with_the_library() -> None:
    embedder = LibraryEmbedder(FakeLibrary())  # type: ignore[arg-type]
    assert (embedder.name, embedder.digest, embedder.dimension) == ("m", "d", 2)
    assert embedder.encode(["¿Quién?"]).shape == (1, 2)


def test_the_reference_says_what_it_needs() -> None:
    with pytest.raises(UserError, match="required"):
        run("eval.bench.reference")

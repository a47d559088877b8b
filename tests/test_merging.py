"""An adapter merged into its weights: the same figures, made once, and plain words where the two do not fit."""

import os
import resource
from pathlib import Path

import numpy as np
import pytest
from gguf import GGUFReader

from qa.errors import ModelError
from qa.merging import merge_adapter
from qa.model import LlamaModel
from tests.models import THREADS
from tests.tiny_gguf import write_adapter, write_model

TOKENS = [10, 11, 12, 40, 41]


def test_merged_weights_give_the_figures_of_the_adapted_model(tmp_path: Path) -> None:
    weights, adapter = write_model(tmp_path / "m.gguf"), write_adapter(tmp_path / "a.gguf")
    plain = LlamaModel.open(weights, threads=THREADS).start(TOKENS)
    adapted = LlamaModel.open(weights, threads=THREADS, lora=adapter).start(TOKENS)
    together = LlamaModel.open(merge_adapter(weights, adapter, tmp_path / "made"), threads=THREADS).start(TOKENS)
    assert np.abs(together - adapted).max() < 0.02 < np.abs(plain - adapted).max()


def test_what_the_adapter_leaves_alone_is_taken_over_byte_by_byte(tmp_path: Path) -> None:
    weights, adapter = write_model(tmp_path / "m.gguf"), write_adapter(tmp_path / "a.gguf")
    before, after = GGUFReader(weights), GGUFReader(merge_adapter(weights, adapter, tmp_path / "made"))
    kept = {tensor.name: tensor.data.tobytes() for tensor in after.tensors}
    assert kept.keys() == {tensor.name for tensor in before.tensors}
    for tensor in before.tensors:
        assert ("attn_q" in tensor.name) != (kept[tensor.name] == tensor.data.tobytes())
    own = {name: field.contents() for name, field in after.fields.items() if not name.startswith("GGUF.")}
    assert own == {name: field.contents() for name, field in before.fields.items() if not name.startswith("GGUF.")}


def test_it_is_made_once_for_the_same_two_files(tmp_path: Path) -> None:
    weights, adapter = write_model(tmp_path / "m.gguf"), write_adapter(tmp_path / "a.gguf")
    first = merge_adapter(weights, adapter, tmp_path / "made")
    made = first.stat().st_mtime_ns
    assert merge_adapter(weights, adapter, tmp_path / "made") == first
    assert first.stat().st_mtime_ns == made
    other = merge_adapter(weights, write_adapter(tmp_path / "b.gguf", seed=2), tmp_path / "made")
    assert other != first
    assert list((tmp_path / "made").iterdir()) == [other]  # one that no version here uses takes no room


@pytest.mark.parametrize("broken", ["wide adapter", "model as adapter", "cut model", "cut adapter"])
def test_files_that_do_not_fit_are_named_and_nothing_is_left_behind(tmp_path: Path, broken: str) -> None:
    weights, adapter = write_model(tmp_path / "m.gguf"), write_adapter(tmp_path / "a.gguf")
    if broken == "wide adapter":
        write_adapter(adapter, width=64)
    elif broken == "model as adapter":
        adapter.write_bytes(weights.read_bytes())
    else:
        cut = weights if broken == "cut model" else adapter
        cut.write_bytes(cut.read_bytes()[:-5000])
    with pytest.raises(ModelError, match="cannot be merged"):
        merge_adapter(weights, adapter, tmp_path / "made")
    assert list((tmp_path / "made").iterdir()) == []


def test_a_merged_file_that_was_altered_is_made_anew(tmp_path: Path) -> None:
    weights, adapter = write_model(tmp_path / "m.gguf"), write_adapter(tmp_path / "a.gguf")
    merged = merge_adapter(weights, adapter, tmp_path / "made")
    right = merged.read_bytes()
    merged.write_bytes(right[:-1] + bytes([right[-1] ^ 1]))
    assert merge_adapter(weights, adapter, tmp_path / "made") == merged
    assert merged.read_bytes() == right


def test_what_a_killed_process_left_is_removed_and_what_another_is_making_is_not(tmp_path: Path) -> None:
    weights, adapter = write_model(tmp_path / "m.gguf"), write_adapter(tmp_path / "a.gguf")
    made = tmp_path / "made"
    made.mkdir()
    (made / "left").write_bytes(b"half")
    os.utime(made / "left", (0, 0))
    (made / "growing").write_bytes(b"half")
    merged = merge_adapter(weights, adapter, made)
    assert sorted(made.iterdir()) == sorted([merged, made / "growing"])


@pytest.mark.parametrize("missing", [1, 100, 4000])
def test_a_disk_that_is_full_before_the_end_is_told(tmp_path: Path, missing: int) -> None:
    weights, adapter = write_model(tmp_path / "m.gguf"), write_adapter(tmp_path / "a.gguf")
    size = merge_adapter(weights, adapter, tmp_path / "whole").stat().st_size
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size - missing, before[1]))
        with pytest.raises(OSError, match="File too large"):
            merge_adapter(weights, adapter, tmp_path / "made")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list((tmp_path / "made").iterdir()) == []

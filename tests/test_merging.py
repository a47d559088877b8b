"""An adapter merged into its weights: the same figures in every format, and plain words where the two do not fit."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from gguf import GGUFReader

from qa.errors import ModelError
from qa.merging import FORMATS, Format, merge_adapter
from qa.model import LlamaModel
from tests.models import THREADS
from tests.tiny_gguf import write_adapter, write_model

TOKENS = [10, 11, 12, 40, 41]


def merged(weights: Path, adapter: Path, written_in: Format = "F16") -> Path:
    (made,) = merge_adapter(weights, adapter, {written_in: weights.with_name(f"{written_in}.gguf")})
    return made


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    return write_model(tmp_path / "m.gguf")


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    return write_adapter(tmp_path / "a.gguf")


@pytest.mark.parametrize("written_in", FORMATS)
def test_merged_weights_give_the_figures_of_the_adapted_model(weights: Path, adapter: Path, written_in: Format) -> None:
    plain = LlamaModel.open(weights, threads=THREADS).start(TOKENS)
    adapted = LlamaModel.open(weights, threads=THREADS, lora=adapter).start(TOKENS)
    together = LlamaModel.open(merged(weights, adapter, written_in), threads=THREADS).start(TOKENS)
    assert np.abs(together - adapted).max() < 0.1 * np.abs(plain - adapted).max()


@pytest.mark.parametrize("written_in", FORMATS)
def test_what_the_adapter_leaves_alone_is_taken_over_byte_by_byte(
    weights: Path, adapter: Path, written_in: Format
) -> None:
    before, after = GGUFReader(weights), GGUFReader(merged(weights, adapter, written_in))
    kept = {tensor.name: tensor.data.tobytes() for tensor in after.tensors}
    assert kept.keys() == {tensor.name for tensor in before.tensors}
    for tensor in before.tensors:
        assert ("attn_q" in tensor.name) != (kept[tensor.name] == tensor.data.tobytes())
    own = {name: field.contents() for name, field in after.fields.items() if not name.startswith("GGUF.")}
    assert own == {name: field.contents() for name, field in before.fields.items() if not name.startswith("GGUF.")}
    changed = {tensor.tensor_type.name for tensor in after.tensors if "attn_q" in tensor.name}
    assert changed == {written_in}


@pytest.mark.parametrize("broken", ["wide adapter", "model as adapter", "cut model", "cut adapter"])
def test_files_that_do_not_fit_are_named(weights: Path, adapter: Path, broken: str) -> None:
    if broken == "wide adapter":
        write_adapter(adapter, width=64)
    elif broken == "model as adapter":
        adapter.write_bytes(weights.read_bytes())
    else:
        cut = weights if broken == "cut model" else adapter
        cut.write_bytes(cut.read_bytes()[:-5000])
    with pytest.raises(ModelError, match="cannot be merged"):
        merged(weights, adapter)


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("missing", [1, 100, 4000])
def test_a_disk_that_is_full_before_the_end_is_told(weights: Path, adapter: Path, missing: int) -> None:
    size = merged(weights, adapter).stat().st_size
    with largest_file(size - missing), pytest.raises(OSError, match="File too large"):
        merged(weights, adapter)


def test_a_disk_without_room_for_another_format_leaves_the_first(weights: Path, adapter: Path) -> None:
    small = merged(weights, adapter, "Q8_0")
    targets: dict[Format, Path] = {"Q8_0": small, "F16": small.with_name("F16.gguf")}
    with largest_file(small.stat().st_size):
        assert merge_adapter(weights, adapter, targets) == [small]
    assert not targets["F16"].exists()

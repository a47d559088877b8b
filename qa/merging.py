"""Weights and an adapter -> one file with the adapter merged in, in half precision, made once and kept.

W + alpha / rank * B A is worked out here instead of at every token, and half precision has the faster kernels: reading
takes less than half the time (eval/LOG.md). The adapter was trained over these very weights, expanded.
"""

import os
import time
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import numpy as np

from index.generation import sync
from qa.errors import ModelError
from qa.model import file_digest

_ABANDONED_SECONDS = 3600


def merge_adapter(weights: Path, adapter: Path, folder: Path) -> Path:
    """The merged file in a folder, made if it is not there whole; its name holds the digests of both and its own.

    Files of other versions are removed from the folder, which is taken for its own. Raises `OSError` where it cannot be
    written, `ModelError` where one of the two cannot be read or they do not fit.
    """
    made_of = f"{file_digest(weights)[:16]}-{file_digest(adapter)[:16]}"
    for known in folder.glob(f"{made_of}-*.gguf"):
        if known == _named(folder, made_of, known):
            return known
    folder.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=folder, prefix=f"{made_of}.", delete=False) as file:
        unfinished = Path(file.name)
    try:
        _write(weights, adapter, unfinished)
        sync(unfinished)
        target = _named(folder, made_of, unfinished)
        os.replace(unfinished, target)  # whole or not at all, whoever else makes the same
    except (ValueError, KeyError, IndexError, NotImplementedError) as error:
        raise ModelError(
            f"{weights} and {adapter} cannot be merged ({error})",
            "complete files that were made for one another",
            "install this version again",
        ) from error
    finally:
        unfinished.unlink(missing_ok=True)
    _remove_others(folder, target)
    return target


class _Plain(np.ndarray[Any, Any]):
    """An array that Python writes: NumPy's own way does not hear of a disk that is full in the end."""

    def tofile(self, fid: Any, sep: str = "", format: str = "%s") -> None:
        """Writes the bytes to an open file; `OSError` if not all of them could be."""
        fid.write(self.tobytes())


def _remove_others(folder: Path, target: Path) -> None:
    """Removes merged files of other versions and what a killed process left, but not what another is making."""
    for other in folder.iterdir():
        with suppress(FileNotFoundError):  # another process tidies as well
            abandoned = time.time() - other.stat().st_mtime > _ABANDONED_SECONDS
            if other != target and (other.suffix == ".gguf" or abandoned):
                other.unlink()


def _named(folder: Path, made_of: str, merged: Path) -> Path:
    """Where a merged file belongs: what was altered since it got its name belongs elsewhere."""
    return folder / f"{made_of}-{file_digest(merged)[:32]}.gguf"


def _write(weights: Path, adapter: Path, target: Path) -> None:
    from gguf import GGMLQuantizationType, GGUFReader, GGUFValueType, GGUFWriter
    from gguf.quants import dequantize

    base, additions = GGUFReader(weights), GGUFReader(adapter)
    low = {tensor.name: tensor.data.astype(np.float32) for tensor in additions.tensors}
    alpha = additions.fields["adapter.lora.alpha"].contents()
    writer = GGUFWriter(target, base.fields["general.architecture"].contents())
    for name, field in base.fields.items():
        if not name.startswith("GGUF.") and name != "general.architecture":  # the writer's own
            kind = field.types[0]
            within = field.types[-1] if kind == GGUFValueType.ARRAY else None
            writer.add_key_value(name, field.contents(), kind, sub_type=within)
    for tensor in base.tensors:
        inward = low.pop(f"{tensor.name}.lora_a", None)
        if inward is None:
            writer.add_tensor(tensor.name, tensor.data.view(_Plain), raw_dtype=tensor.tensor_type)
            continue
        outward = low.pop(f"{tensor.name}.lora_b")
        whole = dequantize(tensor.data, tensor.tensor_type) + alpha / len(inward) * (outward @ inward)
        halves = whole.astype(np.float16).view(_Plain)
        writer.add_tensor(tensor.name, halves, raw_dtype=GGMLQuantizationType.F16)
    if low:
        raise ValueError(f"{adapter.name} adds to {next(iter(low))}, which {weights.name} does not have")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()

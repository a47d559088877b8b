"""Weights and an adapter -> files with the adapter merged in.

W + alpha / rank * B A is worked out here instead of at every token. The adapter was trained over these very weights,
expanded.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from qa.errors import ModelError

Format = Literal["F16", "BF16", "Q8_0"]
"""What numbers the merged weights are written in: half precision, with the range of single precision, or in blocks of
32 with 8 bits each."""
FORMATS: tuple[Format, ...] = get_args(Format)


def merge_adapter(weights: Path, adapter: Path, targets: Mapping[Format, Path]) -> list[Path]:
    """Writes the merged file in each of the formats, one after another; gives those that there was room for.

    What the adapter leaves alone is taken over as it is. Raises `OSError` where not even the first can be written,
    `ModelError` where one of the two cannot be read or they do not fit.
    """
    made: list[Path] = []
    try:
        contents = _read(weights, adapter)
        for written_in, target in targets.items():
            try:
                _write(contents, target, written_in)
            except OSError:
                if not made:
                    raise
                target.unlink(missing_ok=True)
                break
            made.append(target)
    except (ValueError, KeyError, IndexError, NotImplementedError) as error:
        raise ModelError(
            f"{weights} and {adapter} cannot be merged ({error})",
            "complete files that were made for one another",
            "install this version again",
        ) from error
    return made


class _Plain(np.ndarray[Any, Any]):
    """An array that Python writes: NumPy's own way does not hear of a disk that is full in the end."""

    def tofile(self, fid: Any, sep: str = "", format: str = "%s") -> None:
        """Writes the bytes to an open file; `OSError` if not all of them could be."""
        fid.write(self.tobytes())


@dataclass(frozen=True, slots=True)
class _Contents:
    """What a file of weights holds: its architecture, its other fields with the kinds of their values, its tensors.

    Tensors are as they are stored, each with its type; `changes` has for some of them B and alpha / rank * A.
    """

    architecture: str
    fields: tuple[tuple[str, Any, Any, Any], ...]
    tensors: tuple[tuple[str, NDArray[Any], Any], ...]
    changes: Mapping[str, tuple[NDArray[np.float32], NDArray[np.float32]]]


def _read(weights: Path, adapter: Path) -> _Contents:
    from gguf import GGUFReader, GGUFValueType

    base, additions = GGUFReader(weights), GGUFReader(adapter)
    low = {tensor.name: tensor.data.astype(np.float32) for tensor in additions.tensors}
    alpha = additions.fields["adapter.lora.alpha"].contents()
    fields = []
    for name, field in base.fields.items():
        if not name.startswith("GGUF.") and name != "general.architecture":  # the writer's own
            kind = field.types[0]
            within = field.types[-1] if kind == GGUFValueType.ARRAY else None
            fields.append((name, field.contents(), kind, within))
    changes = {}
    for tensor in base.tensors:
        inward = low.pop(f"{tensor.name}.lora_a", None)
        if inward is not None:
            changes[tensor.name] = low.pop(f"{tensor.name}.lora_b"), alpha / len(inward) * inward
    if low:
        raise ValueError(f"{adapter.name} adds to {next(iter(low))}, which {weights.name} does not have")
    tensors = tuple((tensor.name, tensor.data, tensor.tensor_type) for tensor in base.tensors)
    return _Contents(base.fields["general.architecture"].contents(), tuple(fields), tensors, changes)


def _write(contents: _Contents, target: Path, written_in: Format) -> None:
    from gguf import GGMLQuantizationType, GGUFWriter
    from gguf.quants import dequantize, quantize

    writer = GGUFWriter(target, contents.architecture)
    for name, value, kind, within in contents.fields:
        writer.add_key_value(name, value, kind, sub_type=within)
    merged = GGMLQuantizationType[written_in]
    for name, stored, kind in contents.tensors:
        if name not in contents.changes:
            writer.add_tensor(name, stored.view(_Plain), raw_dtype=kind)
            continue
        # Worked out for each format anew: all tensors at once in single precision would take twice the file's memory.
        outward, inward = contents.changes[name]
        changed = dequantize(stored, kind) + outward @ inward
        writer.add_tensor(name, quantize(changed, merged).view(_Plain), raw_dtype=merged)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()

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
    try:
        contents = _merged(weights, adapter)
    except (ValueError, KeyError, IndexError, NotImplementedError) as error:
        raise ModelError(
            f"{weights} and {adapter} cannot be merged ({error})",
            "complete files that were made for one another",
            "install this version again",
        ) from error
    made: list[Path] = []
    for written_in, target in targets.items():
        try:
            _write(contents, target, written_in)
        except OSError:
            if not made:
                raise
            target.unlink(missing_ok=True)
            break
        made.append(target)
    return made


class _Plain(np.ndarray[Any, Any]):
    """An array that Python writes: NumPy's own way does not hear of a disk that is full in the end."""

    def tofile(self, fid: Any, sep: str = "", format: str = "%s") -> None:
        """Writes the bytes to an open file; `OSError` if not all of them could be."""
        fid.write(self.tobytes())


@dataclass(frozen=True, slots=True)
class _Contents:
    """What a file of weights holds: its architecture, its other fields with the kinds of their values, its tensors.

    A tensor is in single precision where it was changed, else as it was stored, with its type.
    """

    architecture: str
    fields: tuple[tuple[str, Any, Any, Any], ...]
    tensors: tuple[tuple[str, NDArray[Any], Any], ...]


def _merged(weights: Path, adapter: Path) -> _Contents:
    from gguf import GGUFReader, GGUFValueType
    from gguf.quants import dequantize

    base, additions = GGUFReader(weights), GGUFReader(adapter)
    low = {tensor.name: tensor.data.astype(np.float32) for tensor in additions.tensors}
    alpha = additions.fields["adapter.lora.alpha"].contents()
    fields = []
    for name, field in base.fields.items():
        if not name.startswith("GGUF.") and name != "general.architecture":  # the writer's own
            kind = field.types[0]
            within = field.types[-1] if kind == GGUFValueType.ARRAY else None
            fields.append((name, field.contents(), kind, within))
    tensors: list[tuple[str, NDArray[Any], Any]] = []
    for tensor in base.tensors:
        inward = low.pop(f"{tensor.name}.lora_a", None)
        if inward is None:
            tensors.append((tensor.name, tensor.data, tensor.tensor_type))
            continue
        change = alpha / len(inward) * (low.pop(f"{tensor.name}.lora_b") @ inward)
        tensors.append((tensor.name, dequantize(tensor.data, tensor.tensor_type) + change, None))
    if low:
        raise ValueError(f"{adapter.name} adds to {next(iter(low))}, which {weights.name} does not have")
    return _Contents(base.fields["general.architecture"].contents(), tuple(fields), tuple(tensors))


def _write(contents: _Contents, target: Path, written_in: Format) -> None:
    from gguf import GGMLQuantizationType, GGUFWriter
    from gguf.quants import quantize

    writer = GGUFWriter(target, contents.architecture)
    for name, value, kind, within in contents.fields:
        writer.add_key_value(name, value, kind, sub_type=within)
    merged = GGMLQuantizationType[written_in]
    for name, values, stored in contents.tensors:
        written = quantize(values, merged) if stored is None else values
        writer.add_tensor(name, written.view(_Plain), raw_dtype=merged if stored is None else stored)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()

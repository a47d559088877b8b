"""The bundled embedding model in NumPy: a few texts become vectors without the seconds that torch takes to load.

The arithmetic is that of BERT (https://arxiv.org/abs/1810.04805) with the mean over tokens that sentence-transformers
takes; the vectors agree with that library's to the last digits of single precision (`make bench`). Each text is worked
out by itself, so that its vector does not depend on the others; each layer in the same two halves, so that it does not
depend on how many threads there are either.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from index.errors import EmbedderError
from index.helper import Helper

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Array = NDArray[np.float32]
_WORDS = "embeddings.word_embeddings.weight"
# The share of the normal distribution below x is (1 + tanh(x q(x^2))) / 2, give or take 9e-8 / |x|, for this polynomial
# q, highest power first: fitted to that by least squares, with more weight where it was farthest off. Beyond |x| = 6,
# where it was not fitted, it goes on rising. NumPy has no error function, and SciPy takes a tenth of a second to load;
# and the fewer steps there are, the less often two threads wait for each other.
_Q = [
    np.float32(a)
    for a in (
        1.72547335e-09,
        -1.30168634e-07,
        3.92087706e-06,
        -5.49219547e-05,
        -3.40828807e-05,
        3.63354277e-02,
        7.97883847e-01,
    )
]


class _Rows(Protocol):
    """A table whose rows are read when they are needed."""

    def __getitem__(self, rows: slice, /) -> NDArray[np.floating]: ...


@dataclass(frozen=True, slots=True)
class _Linear:
    """x W + b; W is (in, out)."""

    weight: Array
    bias: Array

    def __call__(self, x: Array) -> Array:
        found: Array = x @ self.weight
        found += self.bias
        return found


@dataclass(frozen=True, slots=True)
class _Norm:
    """Layer normalisation, over the last axis."""

    weight: Array
    bias: Array
    epsilon: float

    def __call__(self, x: Array) -> Array:
        count = np.float32(x.shape[-1])
        centred = np.asarray(x - np.add.reduce(x, axis=-1, keepdims=True) / count, dtype=np.float32)
        variance = np.einsum("ij,ij->i", centred, centred)[:, None] / count
        centred *= 1 / np.sqrt(variance + np.float32(self.epsilon))
        centred *= self.weight
        centred += self.bias
        return centred


@dataclass(frozen=True, slots=True)
class _Half:
    """One half of a layer's heads, and of its inner numbers; both halves are summed up."""

    inward: _Linear  # query, over the root of its length, key and value side by side
    outward: Array
    wide: _Linear
    narrow: Array
    heads: int

    def attended(self, x: Array) -> Array:
        tokens = len(x)
        query, key, value = self.inward(x).reshape(tokens, 3, self.heads, -1).transpose(1, 2, 0, 3)
        powers: Array = query @ key.transpose(0, 2, 1)
        powers -= powers.max(axis=-1, keepdims=True)
        np.exp(powers, out=powers)
        found: Array = powers @ value
        found /= powers.sum(axis=-1, keepdims=True)
        return np.asarray(found.transpose(1, 0, 2).reshape(tokens, -1) @ self.outward)

    def widened(self, x: Array) -> Array:
        return np.asarray(_gelu(self.wide(x)) @ self.narrow)


@dataclass(frozen=True, slots=True)
class _Layer:
    """A transformer's layer: (tokens, dimension) in and out."""

    halves: tuple[_Half, _Half]
    outward_bias: Array
    norm: _Norm
    narrow_bias: Array
    last_norm: _Norm

    def __call__(self, x: Array, helper: Helper) -> Array:
        one, other = helper.halves(lambda half: self.halves[half].attended(x))
        x = self.norm(x + (one + other + self.outward_bias))
        one, other = helper.halves(lambda half: self.halves[half].widened(x))
        return self.last_norm(x + (one + other + self.narrow_bias))


class Encoder:
    """Weights and tokeniser of a BERT that embeds by the mean of its last layer."""

    def __init__(self, tokenizer: "Tokenizer", words: _Rows, places: Array, norm: _Norm) -> None:
        self._tokenizer = tokenizer
        self._words = words
        self._places = places
        self._norm = norm
        self._layers: list[_Layer] = []
        self._helper = Helper()

    @classmethod
    def open(cls, folder: Path, weights: Path) -> "Encoder":
        """Reads tokeniser and settings from a sentence-transformers folder, and the weights from a safetensors file.

        Raises `EmbedderError` where a file is missing or the weights are not for this folder's model.
        """
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(weights, "numpy") as file:
                tensors = {name: file.get_tensor(name) for name in file.keys() if name != _WORDS}  # noqa: SIM118
            # Left in the file: it is half of the model, and a text needs few of its rows.
            words = safe_open(weights, "numpy").get_slice(_WORDS)  # type: ignore[no-untyped-call]
            settings = json.loads((folder / "config.json").read_bytes())
            window = json.loads((folder / "sentence_bert_config.json").read_bytes())["max_seq_length"]
            return cls._of(_tokenizer(folder / "tokenizer.json", window), words, tensors, settings)
        except (OSError, SafetensorError, ValueError, KeyError) as error:
            raise EmbedderError(
                f"the weights in {weights} do not fit the embedding model in {folder} ({_told(error)})",
                "those that were made for it",
                "install anew",
            ) from error

    @classmethod
    def _of(
        cls,
        tokenizer: "Tokenizer",
        words: _Rows,
        tensors: Mapping[str, NDArray[np.floating]],
        settings: Mapping[str, Any],
    ) -> "Encoder":
        left = set(tensors)

        def single(name: str) -> Array:
            left.discard(name)
            return tensors[name].astype(np.float32)

        def norm(name: str) -> _Norm:
            return _Norm(single(f"{name}.weight"), single(f"{name}.bias"), settings["layer_norm_eps"])

        # A single text has one segment, the first.
        places = single("embeddings.position_embeddings.weight") + single("embeddings.token_type_embeddings.weight")[0]
        encoder = cls(tokenizer, words, places, norm("embeddings.LayerNorm"))
        for number in range(settings["num_hidden_layers"]):
            own = f"encoder.layer.{number}"
            out = f"{own}.attention.output"
            encoder._layers.append(
                _Layer(
                    _halves(own, single, settings["num_attention_heads"]),
                    single(f"{out}.dense.bias"),
                    norm(f"{out}.LayerNorm"),
                    single(f"{own}.output.dense.bias"),
                    norm(f"{own}.output.LayerNorm"),
                )
            )
        other = sorted(name for name in left - {"embeddings.position_ids"} if not name.startswith("pooler."))
        if other:
            raise ValueError(f"other weights: {', '.join(other[:3])}")
        return encoder

    @property
    def dimension(self) -> int:
        """Numbers in a vector."""
        return int(self._places.shape[1])

    def encode(self, texts: Sequence[str]) -> Array:
        """Vectors of length 1, shape (texts, dimension); a text beyond the model's window is cut."""
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)

        def fill(half: int) -> None:
            for place in range(half, len(texts), 2):
                vectors[place] = self._vector(texts[place])

        if len(texts) == 1:
            fill(0)
        else:
            self._helper.halves(fill)
        return vectors

    def _vector(self, text: str) -> Array:
        tokens = self._tokenizer.encode(text).ids
        words = np.concatenate([self._words[token : token + 1] for token in tokens]).astype(np.float32)
        x = self._norm(words + self._places[: len(tokens)])
        for layer in self._layers:
            x = layer(x, self._helper)
        mean = x.mean(axis=0)
        return np.asarray(mean / np.linalg.norm(mean))


def _halves(layer: str, single: Callable[[str], Array], heads: int) -> tuple[_Half, _Half]:
    """A layer's weights cut in two: by heads and by inner numbers."""
    attention = f"{layer}.attention"
    inward = [f"{attention}.self.{name}" for name in ("query", "key", "value")]
    weights, biases = ([single(f"{name}.{kind}") for name in inward] for kind in ("weight", "bias"))
    for asked in (weights[0], biases[0]):
        asked /= np.float32(math.sqrt(len(weights[0]) // heads))
    outward, narrow = single(f"{attention}.output.dense.weight"), single(f"{layer}.output.dense.weight")
    wide, wide_bias = single(f"{layer}.intermediate.dense.weight"), single(f"{layer}.intermediate.dense.bias")

    def half(count: int, own: slice, inner: slice) -> _Half:
        return _Half(
            _Linear(_turned(np.concatenate([w[own] for w in weights])), np.concatenate([b[own] for b in biases])),
            _turned(outward[:, own]),
            _Linear(_turned(wide[inner]), wide_bias[inner]),
            _turned(narrow[:, inner]),
            count,
        )

    cut, middle = heads // 2, len(wide) // 2
    place = cut * (len(outward) // heads)
    return half(cut, slice(place), slice(middle)), half(heads - cut, slice(place, None), slice(middle, None))


def _turned(weight: Array) -> Array:
    return np.ascontiguousarray(weight.T)


def _told(error: Exception) -> str:
    return f"no {error.args[0]}" if isinstance(error, KeyError) else str(error)


def _tokenizer(path: Path, window: int) -> "Tokenizer":
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_buffer(path.read_bytes())
    tokenizer.no_padding()
    tokenizer.enable_truncation(window)
    tokenizer.encode_special_tokens = True  # «[SEP]» in an article is text
    return tokenizer


def _gelu(x: Array) -> Array:
    """x times the share of the normal distribution below x."""
    square = x * x
    found: Array = square * _Q[0]
    for factor in _Q[1:-1]:
        found += factor
        found *= square
    found += _Q[-1]
    found *= x
    np.tanh(found, out=found)
    half = x * np.float32(0.5)
    found *= half
    found += half
    return found

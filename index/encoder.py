"""The bundled embedding model in NumPy: a few texts become vectors without the seconds that torch takes to load.

The arithmetic is that of BERT (https://arxiv.org/abs/1810.04805) with the mean over tokens that sentence-transformers
takes; the vectors agree with that library's to the last digits of single precision (`make bench`). Each text is worked
out by itself, so that its vector does not depend on the others.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from index.errors import EmbedderError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Array = NDArray[np.float32]
_WORDS = "embeddings.word_embeddings.weight"
# erfc(z) = (a1 t + a2 t^2 + ... + a5 t^5) exp(-z^2) with t = 1 / (1 + p z), z >= 0, to 1.5e-7: Abramowitz and Stegun,
# Handbook of Mathematical Functions, 7.1.26. NumPy has no error function, and SciPy takes a tenth of a second to load.
_P = np.float32(0.3275911)
_A = [np.float32(a) for a in (0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429)]


class _Rows(Protocol):
    """A table whose rows are read when they are needed."""

    def __getitem__(self, rows: slice, /) -> NDArray[np.floating]: ...


@dataclass(frozen=True, slots=True)
class _Linear:
    """x W + b; W is (in, out)."""

    weight: Array
    bias: Array

    def __call__(self, x: Array) -> Array:
        return np.asarray(x @ self.weight + self.bias)


@dataclass(frozen=True, slots=True)
class _Norm:
    """Layer normalisation, over the last axis."""

    weight: Array
    bias: Array
    epsilon: float

    def __call__(self, x: Array) -> Array:
        centred = x - x.mean(axis=-1, keepdims=True)
        variance = np.square(centred).mean(axis=-1, keepdims=True)
        return np.asarray(centred / np.sqrt(variance + np.float32(self.epsilon)) * self.weight + self.bias)


@dataclass(frozen=True, slots=True)
class _Layer:
    """A transformer's layer: (tokens, dimension) in and out."""

    inward: _Linear  # query, key and value side by side
    outward: _Linear
    norm: _Norm
    wide: _Linear
    narrow: _Linear
    last_norm: _Norm
    heads: int

    def __call__(self, x: Array) -> Array:
        x = self.norm(x + self.outward(self._attended(x)))
        return self.last_norm(x + self.narrow(_gelu(self.wide(x))))

    def _attended(self, x: Array) -> Array:
        tokens, dimension = x.shape
        query, key, value = self.inward(x).reshape(tokens, 3, self.heads, -1).transpose(1, 2, 0, 3)
        scores = query @ key.transpose(0, 2, 1) / np.float32(math.sqrt(dimension // self.heads))
        powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
        shares = powers / powers.sum(axis=-1, keepdims=True)
        return np.asarray((shares @ value).transpose(1, 0, 2).reshape(tokens, dimension))


class Encoder:
    """Weights and tokeniser of a BERT that embeds by the mean of its last layer."""

    def __init__(self, tokenizer: "Tokenizer", words: _Rows, places: Array, norm: _Norm) -> None:
        self._tokenizer = tokenizer
        self._words = words
        self._places = places
        self._norm = norm
        self._layers: list[_Layer] = []

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

        def linear(*names: str) -> _Linear:
            weight = np.concatenate([single(f"{name}.weight") for name in names])
            return _Linear(np.ascontiguousarray(weight.T), np.concatenate([single(f"{name}.bias") for name in names]))

        def norm(name: str) -> _Norm:
            return _Norm(single(f"{name}.weight"), single(f"{name}.bias"), settings["layer_norm_eps"])

        # A single text has one segment, the first.
        places = single("embeddings.position_embeddings.weight") + single("embeddings.token_type_embeddings.weight")[0]
        encoder = cls(tokenizer, words, places, norm("embeddings.LayerNorm"))
        for number in range(settings["num_hidden_layers"]):
            own = f"encoder.layer.{number}"
            attention = f"{own}.attention"
            encoder._layers.append(
                _Layer(
                    linear(*(f"{attention}.self.{name}" for name in ("query", "key", "value"))),
                    linear(f"{attention}.output.dense"),
                    norm(f"{attention}.output.LayerNorm"),
                    linear(f"{own}.intermediate.dense"),
                    linear(f"{own}.output.dense"),
                    norm(f"{own}.output.LayerNorm"),
                    settings["num_attention_heads"],
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
        return np.array([self._vector(text) for text in texts], dtype=np.float32).reshape(len(texts), self.dimension)

    def _vector(self, text: str) -> Array:
        tokens = self._tokenizer.encode(text).ids
        words = np.concatenate([self._words[token : token + 1] for token in tokens]).astype(np.float32)
        x = self._norm(words + self._places[: len(tokens)])
        for layer in self._layers:
            x = layer(x)
        mean = x.mean(axis=0)
        return np.asarray(mean / np.linalg.norm(mean))


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
    z = np.abs(x) * np.float32(math.sqrt(0.5))
    t = 1 / (1 + _P * z)
    beyond = ((((_A[4] * t + _A[3]) * t + _A[2]) * t + _A[1]) * t + _A[0]) * t * np.exp(-z * z) / 2
    return np.asarray(x * np.where(x < 0, beyond, 1 - beyond))

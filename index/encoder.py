"""The bundled embedding model in ONNX Runtime: texts become vectors without the seconds that torch takes to load.

The graph (`adapters/embedder.onnx`, made by `qa.training.graph`) points at the weights that sentence-transformers is
given; the vectors agree with that library's to the last digits of single precision (`make bench`). Each text is worked
out by itself, so that its vector does not depend on the others; no digit depends on how many threads there are.
"""

import ctypes
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from index.errors import EmbedderError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Vectors = NDArray[np.float32]
_MOST_THREADS = 2  # a question is too short for more
_LOG_ERROR = 3


class Encoder:
    """Graph and tokeniser of a BERT that embeds by the mean of its last layer."""

    def __init__(self, tokenizer: "Tokenizer", graph: Path) -> None:
        self._tokenizer = tokenizer
        self._session = _session(graph)
        self.dimension = int(self._session.get_outputs()[0].shape[1])
        """Numbers in a vector."""

    @classmethod
    def open(cls, folder: Path, graph: Path) -> "Encoder":
        """Reads the tokeniser from a sentence-transformers folder, and a graph with the weights that it points at.

        Raises `EmbedderError` where a file is missing or damaged.
        """
        try:
            window = json.loads((folder / "sentence_bert_config.json").read_bytes())["max_seq_length"]
            return cls(_tokenizer(folder / "tokenizer.json", window), graph)
        except (OSError, ValueError, KeyError) as error:
            raise EmbedderError(
                f"the embedding model in {folder} does not load with {graph} ({error})",
                "the files as they were installed",
                "install anew",
            ) from error

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Vectors of length 1, shape (texts, dimension); a text beyond the model's window is cut."""
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        for place, text in enumerate(texts):
            tokens = np.array([self._tokenizer.encode(text).ids], dtype=np.int64)
            (vectors[place],) = self._session.run(None, {"input_ids": tokens})[0]
        return vectors


def _session(graph: Path) -> Any:
    import onnxruntime

    onnxruntime.disable_telemetry_events()  # Windows may collect them; elsewhere this release has none
    onnxruntime.set_default_logger_severity(_LOG_ERROR)  # it warns of graphics cards that it cannot look at
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = min(_MOST_THREADS, os.cpu_count() or 1)
    # Threads that spin while they wait lose more where other work is going on than they gain where none is.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its own kinds have nothing else in common
        raise ValueError(str(error).splitlines()[0]) from error
    _give_back()
    return session


def _give_back() -> None:
    """Has the C library give back what opening a graph took for a moment, which it would keep: half of the weights."""
    with suppress(OSError, AttributeError, TypeError):  # only glibc has that
        ctypes.CDLL(None).malloc_trim(0)


def _tokenizer(path: Path, window: int) -> "Tokenizer":
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_buffer(path.read_bytes())
    tokenizer.no_padding()
    tokenizer.enable_truncation(window)
    tokenizer.encode_special_tokens = True  # «[SEP]» in an article is text
    return tokenizer

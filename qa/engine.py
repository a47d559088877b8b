"""llama.cpp behind a typed border: token numbers enter, rows of log-probabilities leave, and bytes are cut into tokens.

With `qa.loading` the only place that touches ctypes; nothing here knows what the tokens mean.
"""

import ctypes
import weakref
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qa.loading import BATCH_TOKENS, Native, beside, free, free_context, metadata

_CANDIDATE = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])  # llama_token_data


class Engine:
    """A loaded model with one context; frees itself."""

    def __init__(self, native: Native, parent: "Engine | None" = None) -> None:
        self._native, self._parent = native, parent  # the weights go with the parent: it must live as long
        self._lib, self._model, self._context = native.library, native.model, native.context
        self._vocab = self._lib.llama_model_get_vocab(self._model)
        self._memory = self._lib.llama_get_memory(self._context)
        self.vocabulary_size: int = self._lib.llama_vocab_n_tokens(self._vocab)
        self._free = weakref.finalize(self, free_context if parent else free, native)
        self._batch = _Batch(self._lib)

    def close(self) -> None:
        """Give the memory back now; the engine cannot be used afterwards."""
        self._free()

    def beside(self, path: Path, threads: int, branches: int) -> "Engine":
        """Another engine over the same weights, which may work at the same time in another thread of control."""
        return Engine(beside(self._native, path, threads, branches), self)

    def use_threads(self, count: int) -> None:
        """Works with so many threads from now on. No figure depends on it."""
        self._lib.llama_set_n_threads(self._context, count, count)

    def metadata(self, key: str) -> str | None:
        """A metadata value of the weights file, as text; `None` where it has no such key."""
        return metadata(self._lib, self._model, key)

    def tokenize(self, text: bytes, special: bool) -> list[int]:
        """Token numbers of UTF-8 text, nothing added; with `special` control tokens in it are recognised."""
        tokens = (ctypes.c_int32 * (len(text) + 2))()
        count = self._lib.llama_tokenize(self._vocab, text, len(text), tokens, len(tokens), False, special)
        if count < 0:
            raise ValueError(f"tokenising {len(text)} bytes needs {-count} tokens")
        return list(tokens[:count])

    def piece(self, token: int) -> bytes:
        """The bytes a token stands for; empty for control tokens."""
        size = 32
        while True:
            buffer = ctypes.create_string_buffer(size)
            count: int = self._lib.llama_token_to_piece(self._vocab, token, buffer, size, 0, False)
            if count >= 0:
                return buffer.raw[:count]
            size = -count

    def token_text(self, token: int) -> str:
        """A token's entry in the vocabulary; empty for a number below 0, which means that there is no such token."""
        return "" if token < 0 else str(self._lib.llama_vocab_get_text(self._vocab, token).decode("utf-8", "replace"))

    def first_token(self) -> tuple[int, bool]:
        """The number of the token that begins a text (-1 if none) and whether prompts must begin with it."""
        return self._lib.llama_vocab_bos(self._vocab), self._lib.llama_vocab_get_add_bos(self._vocab)

    def last_token(self) -> int:
        """The number of the token that ends a text; -1 if none."""
        return int(self._lib.llama_vocab_eos(self._vocab))

    def end_tokens(self) -> frozenset[int]:
        """All tokens that end a text or a turn."""
        is_end = self._lib.llama_vocab_is_eog
        return frozenset(token for token in range(self.vocabulary_size) if is_end(self._vocab, token))

    def added_tokens(self) -> list[str]:
        """The texts that the tokeniser recognises even where control tokens are off."""
        attribute, added = self._lib.llama_vocab_get_attr, self._lib.LLAMA_TOKEN_ATTR_USER_DEFINED
        return [self.token_text(t) for t in range(self.vocabulary_size) if attribute(self._vocab, t) & added]

    def clear(self) -> None:
        """Forget everything evaluated."""
        # What lies in the memory may stay: nothing is looked at but what was evaluated since. Wiping it takes 2 ms.
        self._lib.llama_memory_clear(self._memory, False)

    def evaluate(self, tokens: Sequence[int], position: int, outputs: int) -> list[NDArray[np.float32]]:
        """Evaluate tokens from `position` on; the logits after the last `outputs` of them, (vocabulary_size,) each."""
        rows: list[NDArray[np.float32]] = []
        first_output = len(tokens) - outputs
        for begin in range(0, len(tokens), BATCH_TOKENS):
            part = tokens[begin : begin + BATCH_TOKENS]
            wanted = range(max(first_output - begin, 0), len(part))
            self._batch.fill([part], position + begin, wanted)
            status = self._lib.llama_decode(self._context, self._batch.native)
            if status != 0:
                raise RuntimeError(f"llama_decode returned {status} at position {position + begin}")
            rows += [self._logits(index).copy() for index in wanted]
        return rows

    def explore(
        self,
        paths: Sequence[Sequence[int]],
        position: int,
        choices: NDArray[np.int64],
        wanted: Sequence[Sequence[int]],
    ) -> list[NDArray[np.float32]]:
        """Evaluate several continuations from `position` on side by side, and forget them.

        For each the logits of the `choices` after those of its tokens whose places are `wanted`, in rising order:
        (wanted, choices). All paths together must fit one batch, and be no more than the branches the context was
        opened for.
        """
        counts = [len(places) for places in wanted]
        if not any(counts):
            return [np.empty((0, len(choices)), dtype=np.float32) for _ in paths]
        for branch in range(1, len(paths) + 1):
            self._lib.llama_memory_seq_cp(self._memory, 0, branch, -1, -1)
        begins = accumulate(map(len, paths[:-1]), initial=0)
        outputs = [begin + place for begin, places in zip(begins, wanted, strict=True) for place in places]
        self._batch.fill(paths, position, outputs, first_sequence=1)
        status = self._lib.llama_decode(self._context, self._batch.native)
        if status != 0:
            raise RuntimeError(f"llama_decode returned {status} for {len(paths)} branches at position {position}")
        for branch in range(1, len(paths) + 1):
            self._lib.llama_memory_seq_rm(self._memory, branch, -1, -1)
        return np.split(self._all_logits(len(outputs))[:, choices], np.cumsum(counts[:-1]))

    def state(self) -> bytes:
        """All that was evaluated, to be put back by `restore`."""
        size = self._lib.llama_state_seq_get_size(self._context, 0)
        buffer = (ctypes.c_uint8 * size)()
        written = self._lib.llama_state_seq_get_data(self._context, buffer, size, 0)
        return bytes(memoryview(buffer)[:written])

    def restore(self, state: bytes) -> None:
        """Have exactly that evaluated which was when the state was taken."""
        self.clear()
        # Not copied first: it is some megabytes.
        begin = ctypes.cast(ctypes.c_char_p(state), ctypes.POINTER(ctypes.c_uint8))
        if not self._lib.llama_state_seq_set_data(self._context, begin, len(state), 0):
            raise RuntimeError("a state was not taken back")

    def _logits(self, index: int) -> NDArray[np.float32]:
        """The library's own memory: to be read before the next evaluation."""
        pointer = self._lib.llama_get_logits_ith(self._context, index)
        return np.ctypeslib.as_array(pointer, shape=(self.vocabulary_size,))

    def _all_logits(self, count: int) -> NDArray[np.float32]:
        """The same of all tokens that it was asked of, in their order, (count, vocabulary_size)."""
        pointer = self._lib.llama_get_logits(self._context)
        return np.ctypeslib.as_array(pointer, shape=(count, self.vocabulary_size))

    def grammar(self, gbnf: str) -> "Grammar":
        """A fresh automaton for a GBNF grammar. Raises `ValueError` where the grammar itself is wrong."""
        sampler = self._lib.llama_sampler_init_grammar(self._vocab, gbnf.encode(), b"root")
        if not sampler:
            raise ValueError(f"not a GBNF grammar: {gbnf!r}")
        return Grammar(self._lib, sampler)


class Grammar:
    """Where a text stands in a grammar; frees itself."""

    def __init__(self, library: Any, sampler: Any) -> None:
        self._lib, self._sampler = library, sampler
        weakref.finalize(self, library.llama_sampler_free, sampler)

    def best(self, scores: NDArray[np.float32]) -> int | None:
        """The highest-scored token that the grammar admits here, end tokens included; `None` if it admits none.

        Few candidates are tried first: testing a whole vocabulary takes longer than the model's own step.
        """
        for tokens in _shortlists(scores):
            candidates = np.zeros(len(tokens), dtype=_CANDIDATE)
            candidates["id"], candidates["logit"] = tokens, scores[tokens]
            self._reject(candidates)
            admitted = np.flatnonzero(np.isfinite(candidates["logit"]))
            if len(admitted):
                return int(tokens[admitted[0]])
        return None

    def _reject(self, candidates: NDArray[Any]) -> None:
        entry = ctypes.POINTER(self._lib.llama_token_data)
        array = self._lib.llama_token_data_array(candidates.ctypes.data_as(entry), len(candidates), -1, False)
        self._lib.llama_sampler_apply(self._sampler, ctypes.byref(array))

    def accept(self, token: int) -> None:
        """Move on by a token that `best` returned; any other would end the process inside the library."""
        self._lib.llama_sampler_accept(self._sampler, token)


def _shortlists(scores: NDArray[np.float32]) -> Iterator[NDArray[np.intp]]:
    """The best token alone, the best 64 and all, each from the best on; the lower number first among equals."""
    yield np.array([scores.argmax()])  # sorting takes longer, and is seldom needed
    order = np.argsort(-scores, kind="stable")
    yield order[:64]
    yield order


class _Batch:
    """The library's input buffer, seen as NumPy arrays."""

    def __init__(self, library: Any) -> None:
        self.native = library.llama_batch_init(BATCH_TOKENS, 0, 1)
        weakref.finalize(self, library.llama_batch_free, self.native)
        shape = (BATCH_TOKENS,)
        self._tokens = np.ctypeslib.as_array(self.native.token, shape)
        self._positions = np.ctypeslib.as_array(self.native.pos, shape)
        self._outputs = np.ctypeslib.as_array(self.native.logits, shape)
        for index in range(BATCH_TOKENS):
            self.native.n_seq_id[index] = 1

    def fill(
        self, paths: Sequence[Sequence[int]], position: int, outputs: Sequence[int], first_sequence: int = 0
    ) -> None:
        """Put paths, each in a sequence of its own, at consecutive positions; logits are asked for at some indexes."""
        count = self.native.n_tokens = sum(map(len, paths))
        self._tokens[:count] = [token for path in paths for token in path]
        self._positions[:count] = np.concatenate([np.arange(position, position + len(path)) for path in paths])
        self._outputs[:count] = 0
        self._outputs[list(outputs)] = 1
        owners = (number for number, path in enumerate(paths, first_sequence) for _ in path)
        for index, owner in enumerate(owners):
            self.native.seq_id[index][0] = owner


def log_softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Natural log-probabilities of one row of logits, (vocabulary_size,) both.

    >>> log_softmax(np.array([0.0, 0.0], dtype=np.float32)).round(3).tolist()
    [-0.6930000185966492, -0.6930000185966492]
    """
    shifted = logits - logits.max()
    return np.asarray(shifted - np.float32(np.log(np.exp(shifted).sum(dtype=np.float64))))

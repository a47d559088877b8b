"""Recorded calls of llama.cpp, made again with nothing around them, in a context of their own.

Tokens, places and outputs are the same. All that Python has to do is done before: a script is a list of calls of the
library whose arguments lie ready. It evaluates, puts states back and forgets, and looks at no figure.
"""

import ctypes
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.bench.recording import Call, Cleared, Evaluated, Explored, PutBack
from qa.loading import BATCH_TOKENS, free, load
from qa.model import MOST_BRANCHES, LlamaModel

Step = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Decode:
    """One call of llama_decode: paths from a position on, each in a sequence of its own; which tokens have logits."""

    paths: tuple[tuple[int, ...], ...]
    position: int
    outputs: Sequence[int]
    first_sequence: int = 0


def decodes(call: Evaluated | Explored) -> list[Decode]:
    """The calls of llama_decode that one of the engine's consists of: it divides long texts."""
    if isinstance(call, Explored):
        begins = accumulate(map(len, call.paths[:-1]), initial=0)
        outputs = [begin + place for begin, places in zip(begins, call.wanted, strict=True) for place in places]
        # Where nothing is asked, nothing is evaluated.
        return [Decode(call.paths, call.position, outputs, 1)] if outputs else []
    first_output = len(call.tokens) - len(call.rows)
    parts = []
    for begin in range(0, len(call.tokens), BATCH_TOKENS):
        part = call.tokens[begin : begin + BATCH_TOKENS]
        parts.append(Decode((part,), call.position + begin, range(max(first_output - begin, 0), len(part))))
    return parts


class Replayer:
    """The weights of a model, opened a second time with a context like the model's; frees itself."""

    def __init__(self, model: LlamaModel) -> None:
        native = load(model.path, model.context_tokens, model.threads, None, MOST_BRANCHES)
        self._free = weakref.finalize(self, free, native)
        self._lib, self._context = native.library, native.context
        self._memory = self._lib.llama_get_memory(self._context)
        self._vocabulary = model.vocabulary_size

    def script(self, calls: Sequence[Call]) -> list[Step]:
        """What makes the calls again. The states that it puts back are made here."""
        return [step for call in calls for step in self._steps(call)]

    def run(self, script: Sequence[Step]) -> None:
        """Makes the calls; returns when the last is worked out."""
        for step in script:
            step()
        self._lib.llama_synchronize(self._context)

    def check(self, calls: Sequence[Call]) -> None:
        """Raises `RuntimeError` unless the calls give the very figures again that were recorded."""
        for call in calls:
            rows = list(self._rows(call))
            recorded = call.rows if isinstance(call, Evaluated | Explored) else ()
            if len(rows) != len(recorded) or not all(map(np.array_equal, rows, recorded)):
                raise RuntimeError(f"{type(call).__name__} gives other figures than the program got")

    def _rows(self, call: Call) -> Iterator[NDArray[np.float32]]:
        """Makes one call; its figures in the form in which they were recorded."""
        for step in self._steps(call):
            step()
            if not isinstance(step, partial) or step.func != self._decode:
                continue
            outputs = step.args[1]
            if isinstance(call, Explored):
                found = np.array([self._logits(place)[call.choices] for place in outputs])
                yield from np.split(found, np.cumsum([len(places) for places in call.wanted[:-1]]))
            else:
                yield from [self._logits(place).copy() for place in outputs]

    def _steps(self, call: Call) -> list[Step]:
        clear = partial(self._lib.llama_memory_clear, self._memory, False)
        if isinstance(call, Cleared):
            return [clear]
        if isinstance(call, PutBack):
            return [clear, self._putting_back(call.prefix)]
        steps: list[Step] = [partial(self._decode, _batch(self._lib, each), each.outputs) for each in decodes(call)]
        if isinstance(call, Evaluated):
            return steps
        if not steps:
            return []
        # A branch goes on with what was evaluated before it, and is forgotten.
        branches = range(1, len(call.paths) + 1)
        begin = [partial(self._lib.llama_memory_seq_cp, self._memory, 0, branch, -1, -1) for branch in branches]
        end = [partial(self._lib.llama_memory_seq_rm, self._memory, branch, -1, -1) for branch in branches]
        return [*begin, *steps, *end]

    def _decode(self, batch: "_Batch", _outputs: Sequence[int]) -> None:
        status = self._lib.llama_decode(self._context, batch.native)
        if status != 0:
            raise RuntimeError(f"llama_decode returned {status}")

    def _putting_back(self, prefix: tuple[int, ...]) -> Step:
        """Evaluates a prefix now; what has it evaluated again."""
        self._lib.llama_memory_clear(self._memory, True)
        for each in decodes(Evaluated(prefix, 0, ())):
            self._decode(_batch(self._lib, each), each.outputs)
        size = self._lib.llama_state_seq_get_size(self._context, 0)
        state = (ctypes.c_uint8 * size)()
        written = self._lib.llama_state_seq_get_data(self._context, state, size, 0)
        return partial(self._put_back, state, written)

    def _put_back(self, state: Any, written: int) -> None:
        if not self._lib.llama_state_seq_set_data(self._context, state, written, 0):
            raise RuntimeError("a state was not taken back")

    def _logits(self, place: int) -> NDArray[np.float32]:
        pointer = self._lib.llama_get_logits_ith(self._context, place)
        return np.ctypeslib.as_array(pointer, shape=(self._vocabulary,))


class _Batch:
    """A filled input buffer of the library; frees itself."""

    def __init__(self, library: Any, tokens: int) -> None:
        self.native = library.llama_batch_init(tokens, 0, 1)
        weakref.finalize(self, library.llama_batch_free, self.native)


def _batch(library: Any, decode: Decode) -> _Batch:
    count = sum(map(len, decode.paths))
    batch = _Batch(library, count)
    native, index = batch.native, 0
    native.n_tokens = count
    for sequence, path in enumerate(decode.paths, decode.first_sequence):
        for position, token in enumerate(path, decode.position):
            native.token[index], native.pos[index] = token, position
            native.n_seq_id[index], native.seq_id[index][0] = 1, sequence
            native.logits[index] = index in decode.outputs
            index += 1
    return batch

"""A question asked of a new process: how long it takes, and how much memory."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from eval.bench.ground import QUESTION, Ground
from eval.bench.pairs import Pairs, warmed
from eval.bench.processes import run
from eval.bench.rows import Row, median_row, ratio_row

_PAIRS, _RUNS = 10, 5
_MOST_TIMES, _MOST_SECONDS, _MOST_MEMORY = 0.3, 2.0, 1.5
_MEBIBYTE = 2**20


def cold_ask(ground: Ground) -> list[Row]:
    """A new process of `qa ask` over one of the same pipeline on the bare libraries; files are in the disk's cache."""
    ours, bare = Asking("qa", "ask", ground), Asking("eval.bench.reference", "", ground)
    pairs = warmed(ours, bare, ground.runs(_PAIRS))
    require_same(ours.outputs, bare.outputs)
    titles = ("qa ask in a new process", "the same pipeline on SentenceTransformer and Q4_1 with the adapter")
    row = ratio_row("cold_ask", _MOST_TIMES, titles, pairs, details={"question": QUESTION})
    return [row, median_row("cold_ask_seconds", _MOST_SECONDS, row.sides[0])]


class Asking:
    """Asks the question of a new process; remembers what was printed."""

    def __init__(self, module: str, command: str, ground: Ground) -> None:
        self._module = module
        self._arguments = [*([command] if command else []), QUESTION, *ground.options]
        self.outputs: set[str] = set()

    def __call__(self) -> float:
        """Seconds from the start of the process to its end."""
        done = run(self._module, *self._arguments)
        self.outputs.add(done.output)
        return done.seconds


def require_same(ours: set[str], bare: set[str]) -> None:
    """Raises `RuntimeError` unless all runs of both sides printed the same answer: else they did other work."""
    if len(ours | bare) != 1 or not all(ours):
        raise RuntimeError(f"the sides do not answer alike: {sorted(ours)} and {sorted(bare)}")


def memory(ground: Ground) -> list[Row]:
    """The peak of `qa ask` over what it cannot do without: weights, index, and room for what was evaluated."""
    run("qa", "ask", QUESTION, *ground.options)
    parts = needed(ground)
    peaks = [run("qa", "ask", QUESTION, *ground.options).peak / _MEBIBYTE for _ in range(ground.runs(_RUNS))]
    floor = sum(parts.values()) / _MEBIBYTE
    titles = ("peak resident memory of qa ask", "weights, index files and key-value cache")
    pairs = Pairs(tuple(peaks), (floor,) * len(peaks))
    return [ratio_row("memory", _MOST_MEMORY, titles, pairs, "MiB", {"bytes": parts})]


def needed(ground: Ground) -> dict[str, int]:
    """The sizes in bytes of the files that are loaded, and of the reader's key-value cache."""
    embedder, model = ground.embedder, ground.model
    weights = embedder.weights or embedder.folder / "model.safetensors"
    return {
        "reader": model.path.stat().st_size,
        "embedder": weights.stat().st_size,
        "index": _size(ground.seeds_index),
        "key_value_cache": cache_bytes(_fields(model.path), model.context_tokens),
    }


def cache_bytes(field: Callable[[str], Any], context_tokens: int) -> int:
    """Bytes of the keys and values of so many tokens in half precision, for a model with these fields in its file."""
    family = field("general.architecture")
    heads, width = int(field(f"{family}.attention.head_count")), int(field(f"{family}.embedding_length"))
    shared = int(field(f"{family}.attention.head_count_kv") or heads)
    head = int(field(f"{family}.attention.key_length") or width // heads)
    return 2 * int(field(f"{family}.block_count")) * shared * head * context_tokens * 2


def _fields(path: Path) -> Callable[[str], Any]:
    from gguf import GGUFReader

    fields = GGUFReader(path).fields
    return lambda name: fields[name].contents() if name in fields else None


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())

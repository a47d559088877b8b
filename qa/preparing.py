"""Weights and an adapter -> the merged file that this machine reads with fastest, made once and kept.

Half precision has the faster kernels almost everywhere, but which half, or whether eight bits do better, depends on the
processor: so it is tried out (eval/LOG.md). What is kept is checked by its digest before it is used.
"""

import os
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from index.generation import sync
from qa.merging import FORMATS, Format, merge_adapter
from qa.model import LlamaModel, file_digest

_ABANDONED_SECONDS = 3600
_SHOWN_DIGITS = 32
_LEAST_GAIN = 0.1
"""How much faster than the first format another must be, as a share of its time: less may be chance."""
_ROUNDS = 4
_PROMPT_TOKENS, _PATHS, _PATH_TOKENS = 192, 6, 8
"""As in use: a passage with a question, and six beginnings of answers followed side by side."""

Fastest = Callable[[Sequence[Path]], int]
"""Which of the files is read with fastest."""


def prepare(
    weights: Path,
    adapter: Path,
    folder: Path,
    fastest: Fastest | None = None,
    begun: Callable[[], None] | None = None,
) -> Path:
    """The merged file in a folder, made if it is not there whole.

    It is in the format that `fastest` chooses, else in the first. Its name holds the digests of both, the format and
    its own digest. Files of other versions are removed from the folder, which is taken for its own. `begun` is called
    where there is work to be done, which takes some seconds.

    Raises `OSError` where it cannot be written, `ModelError` where one of the two cannot be read or they do not fit.
    """
    made_of = f"{file_digest(weights)[:16]}-{file_digest(adapter)[:16]}"
    for known in folder.glob(f"{made_of}-*.gguf"):
        if format_of(known) and known.stem.rpartition("-")[2] == file_digest(known)[:_SHOWN_DIGITS]:
            return known
    if begun is not None:
        begun()
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder, prefix=f"{made_of}.", ignore_cleanup_errors=True) as aside:
        written_in, made = _best(weights, adapter, Path(aside), fastest)
        sync(made)
        target = folder / f"{made_of}-{written_in}-{file_digest(made)[:_SHOWN_DIGITS]}.gguf"
        os.replace(made, target)  # whole or not at all, whoever else makes the same
    _remove_others(folder, target)
    return target


def format_of(path: Path) -> Format | None:
    """The format of a prepared file, by its name; None for any other file."""
    return next((written_in for written_in in FORMATS if f"-{written_in}-" in path.name), None)


def _best(weights: Path, adapter: Path, folder: Path, fastest: Fastest | None) -> tuple[Format, Path]:
    """The file in the chosen format; a disk without room for others leaves the first."""
    tried = FORMATS if fastest else FORMATS[:1]
    made = merge_adapter(weights, adapter, {written_in: folder / f"{written_in}.gguf" for written_in in tried})
    number = fastest(made) if fastest else 0
    return tried[number], made[number]


def fastest_of(paths: Sequence[Path], threads: int | None) -> int:
    """The number of the file that a model reads with fastest, tried by turns; the first unless one clearly is."""
    with ExitStack() as stack:
        models = [stack.enter_context(closing(LlamaModel.open(path, 512, threads, branching=True))) for path in paths]
        rounds = [[_seconds(model) for model in models] for _ in range(_ROUNDS)]
    best = [min(times) for times in zip(*rounds, strict=True)]
    number = best.index(min(best))
    return number if best[number] < (1 - _LEAST_GAIN) * best[0] else 0


def _seconds(model: LlamaModel) -> float:
    text = [number % model.vocabulary_size for number in range(_PROMPT_TOKENS)]
    began = time.perf_counter()
    model.start(text)
    model.explore([text[:_PATH_TOKENS]] * _PATHS, text[:1])
    return time.perf_counter() - began


def _remove_others(folder: Path, target: Path) -> None:
    """Removes merged files of other versions and what a killed process left, but not what another is making."""
    for other in folder.iterdir():
        with suppress(FileNotFoundError):  # another process tidies as well
            abandoned = time.time() - other.stat().st_mtime > _ABANDONED_SECONDS
            if other == target or not (other.suffix == ".gguf" or abandoned):
                continue
            if other.is_dir():
                shutil.rmtree(other, ignore_errors=True)
            else:
                other.unlink()

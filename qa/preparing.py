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
from qa.errors import ModelError
from qa.merging import FORMATS, Format, merge_adapter
from qa.model import LlamaModel
from qa.model_files import file_digest

_LOCK, _LOCK_WAIT_SECONDS = ".lock", 120
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
    whole = _whole(folder, made_of)
    if whole is not None:
        return whole
    from filelock import FileLock

    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / _LOCK, timeout=_LOCK_WAIT_SECONDS):
        # Two processes might choose two formats, and each remove the other's.
        whole = _whole(folder, made_of)
        if whole is not None:
            return whole
        if begun is not None:
            begun()
        _remove_all(folder)
        with TemporaryDirectory(dir=folder, ignore_cleanup_errors=True) as aside:
            written_in, made = _best(weights, adapter, Path(aside), fastest)
            made.chmod(0o600)
            sync(made)
            target = folder / f"{made_of}-{written_in}-{file_digest(made)[:_SHOWN_DIGITS]}.gguf"
            os.replace(made, target)  # whole or not at all
    return target


def _whole(folder: Path, made_of: str) -> Path | None:
    """The file that was made of the two, if it is there and as it was made."""
    for known in sorted(folder.glob(f"{made_of}-*.gguf")):
        with suppress(ModelError):  # it may be gone by now
            if format_of(known) and known.stem.rpartition("-")[2] == file_digest(known)[:_SHOWN_DIGITS]:
                return known
    return None


def _remove_all(folder: Path) -> None:
    """Removes the files of other versions, what was altered, and what a killed process left: nobody else makes any."""
    for other in folder.iterdir():
        if other.is_dir() and not other.is_symlink():
            shutil.rmtree(other, ignore_errors=True)
        elif other.name != _LOCK:
            other.unlink(missing_ok=True)


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
    """The number of the file that a model reads with fastest, tried by turns; the first unless one clearly is.

    Others that cannot be opened, for want of memory or by an older library, are left out.
    """
    with ExitStack() as stack:
        models: dict[int, LlamaModel] = {}
        for number, path in enumerate(paths):
            try:
                models[number] = stack.enter_context(closing(LlamaModel.open(path, 512, threads, branching=True)))
            except ModelError:
                if number == 0:
                    raise
        rounds = [{number: _seconds(model) for number, model in models.items()} for _ in range(_ROUNDS)]
    best = {number: min(each[number] for each in rounds) for number in models}
    number = min(best, key=lambda each: best[each])
    return number if best[number] < (1 - _LEAST_GAIN) * best[0] else 0


def _seconds(model: LlamaModel) -> float:
    text = [number % model.vocabulary_size for number in range(_PROMPT_TOKENS)]
    began = time.perf_counter()
    model.start(text)
    model.explore([text[:_PATH_TOKENS]] * _PATHS, text[:1])
    return time.perf_counter() - began

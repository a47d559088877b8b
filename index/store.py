"""The index on disk: immutable generations and a pointer to the one in use.

    <index_dir>/current              {"generation": id, "manifest": SHA-256 of its manifest.json}
    <index_dir>/lock                 held by the one writer; readers take no lock
    <index_dir>/generations/<id>/    see `generation`

A generation is written aside and synced, then the pointer is replaced: a reader sees the old index or the new one and
never a mixture. What an index is made from, and when it must be made anew, is the business of `build`.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from index import generation as generations
from index.corpus import CACHE_TAG
from index.errors import IndexDamagedError, UserError
from index.generation import Draft, StoredIndex

LOCK_WAIT_SECONDS = 120.0

_POINTER, _LOCK, _GENERATIONS = "current", "lock", "generations"
_GENERATION_ID = re.compile(r"[0-9a-f]{16}")
# The signature is part of the convention; backup programs look for it.
_CACHE_SIGNATURE = b"Signature: 8a477f597d28d172789f06886806bc55\n# An index of articles; it can be made anew.\n"


@dataclass(frozen=True, slots=True)
class _Pointer:
    generation: str
    manifest: str


def cache_folder() -> Path:
    """Where everything lies that can be made anew."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("consta"))


def default_index_dir(corpus_root: Path) -> Path:
    """Where the index of a folder lies unless the user says otherwise: in the user's cache, one for each folder."""
    key = hashlib.sha256(os.fsencode(corpus_root.resolve())).hexdigest()[:16]
    return cache_folder() / "indexes" / key


def exists(index_dir: Path) -> bool:
    """Whether an index was ever completed there; it may still be damaged."""
    return (index_dir / _POINTER).is_file()


def load(index_dir: Path) -> StoredIndex:
    """The current generation, every byte of it checked.

    Raises `IndexDamagedError` if it is not as it was written or not there, `IndexMismatchError` for another schema.
    """
    pointer = _read_pointer(index_dir)
    try:
        return _read_generation(index_dir, pointer)
    except IndexDamagedError:
        # Writers may have replaced the generation and removed it while it was being read.
        renewed = _read_pointer(index_dir)
        if renewed == pointer:
            raise
        return _read_generation(index_dir, renewed)


@contextmanager
def writing(index_dir: Path, wait_seconds: float = LOCK_WAIT_SECONDS) -> Iterator[None]:
    """Makes the caller the only writer; may be nested. Raises `UserError` if another writer does not finish in time."""
    from filelock import FileLock, Timeout

    with _os_errors_told(index_dir):
        index_dir.mkdir(parents=True, exist_ok=True)
        (index_dir / CACHE_TAG).write_bytes(_CACHE_SIGNATURE)
        lock = FileLock(index_dir / _LOCK, is_singleton=True)
        try:
            lock.acquire(timeout=wait_seconds)
        except Timeout as error:
            raise UserError(
                f"another process is writing the index in {index_dir}", "no other writer", "try again when it is done"
            ) from error
    try:
        yield
    finally:
        lock.release()


def write(index_dir: Path, draft: Draft) -> str:
    """Stores a new generation, makes it the current one, and returns its id.

    The generation before it stays for readers still in it; older ones and the remains of interrupted writes go.
    Raises `UserError` if the folder cannot be written or another writer does not finish.
    """
    with writing(index_dir), _os_errors_told(index_dir):
        before = _generation_before(index_dir)
        generation = os.urandom(8).hex()
        manifest = generations.write(index_dir / _GENERATIONS / generation, draft)
        _replace_pointer(index_dir, _Pointer(generation, manifest))
        _remove_all_but(index_dir, {before, generation})
        return generation


@contextmanager
def _os_errors_told(index_dir: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(
            f"the index folder {index_dir} cannot be written ({error.strerror or error})",
            "a writable folder with free space",
            "make room or name another folder with --index-dir",
        ) from error


def _read_pointer(index_dir: Path) -> _Pointer:
    try:
        fields = json.loads((index_dir / _POINTER).read_bytes())
        pointer = _Pointer(str(fields["generation"]), str(fields["manifest"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise generations.damaged(index_dir, _POINTER) from error
    # The name becomes part of a path.
    if not _GENERATION_ID.fullmatch(pointer.generation):
        raise generations.damaged(index_dir, _POINTER)
    return pointer


def _read_generation(index_dir: Path, pointer: _Pointer) -> StoredIndex:
    return generations.read(index_dir / _GENERATIONS / pointer.generation, pointer.manifest)


def _generation_before(index_dir: Path) -> str:
    try:
        return _read_pointer(index_dir).generation
    except IndexDamagedError:
        return ""


def _replace_pointer(index_dir: Path, pointer: _Pointer) -> None:
    aside = index_dir / f"{_POINTER}.new"
    aside.write_bytes(json.dumps(asdict(pointer)).encode())
    generations.sync(aside)
    os.replace(aside, index_dir / _POINTER)
    generations.sync(index_dir)


def _remove_all_but(index_dir: Path, kept: set[str]) -> None:
    for folder in (index_dir / _GENERATIONS).iterdir():
        if _GENERATION_ID.fullmatch(folder.name) and folder.name not in kept:
            # What cannot be removed now does no harm and is tried again by the next writer.
            shutil.rmtree(folder, ignore_errors=True)

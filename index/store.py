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
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from index import generation as generations
from index.corpus import CACHE_TAG
from index.errors import IndexDamagedError, UserError
from index.generation import Draft, StoredIndex

LOCK_WAIT_SECONDS = 120.0
# Each time takes two whole builds while the index is read once.
_OVERTAKEN_AT_MOST = 100

_POINTER, _LOCK, _GENERATIONS = "current", "lock", "generations"
_GENERATION_ID = re.compile(r"[0-9a-f]{16}")
# Read as it is written and in no other way: the generation becomes part of a path.
_POINTER_FORM = re.compile(rb'\{"generation": "([0-9a-f]{16})", "manifest": "([0-9a-f]{64})"\}')
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
    key = hashlib.sha256(os.fsencode(os.path.realpath(corpus_root))).hexdigest()[:16]
    return cache_folder() / "indexes" / key


def exists(index_dir: Path) -> bool:
    """Whether an index was ever completed there; it may still be damaged."""
    return (index_dir / _POINTER).is_file()


def load(index_dir: Path) -> StoredIndex:
    """The current generation, every byte of it checked.

    Raises `IndexDamagedError` if it is not as it was written or not there, `IndexMismatchError` for another schema.
    """
    pointer = _read_pointer(index_dir)
    for _ in range(_OVERTAKEN_AT_MOST):
        try:
            return _read_generation(index_dir, pointer)
        except IndexDamagedError:
            # Writers may have replaced the generation and removed it while it was being read.
            renewed = _read_pointer(index_dir)
            if renewed == pointer:
                raise
            pointer = renewed
    return _read_generation(index_dir, pointer)


@contextmanager
def writing(index_dir: Path, wait_seconds: float = LOCK_WAIT_SECONDS) -> Iterator[None]:
    """Makes the caller the only writer; may be nested. Raises `UserError` if another writer does not finish in time."""
    from filelock import FileLock, Timeout

    with _os_errors_told(index_dir):
        _make_folder(index_dir)
        lock = FileLock(index_dir / _LOCK, is_singleton=True)
        try:
            lock.acquire(timeout=wait_seconds)
        except Timeout as error:
            raise UserError(
                f"another process is writing the index in {index_dir}", "no other writer", "try again when it is done"
            ) from error
    try:
        with _os_errors_told(index_dir):
            _tag(index_dir / CACHE_TAG)
        yield
    finally:
        with _os_errors_told(index_dir):
            lock.release()


def write(index_dir: Path, draft: Draft) -> str:
    """Stores a new generation, makes it the current one, and returns its id.

    The generation before it stays for readers still in it; older ones and the remains of interrupted writes go.
    Raises `UserError` if the folder cannot be written or another writer does not finish; what was written of the new
    generation goes, and the index before stays in force unless the pointer had moved already.
    """
    with writing(index_dir), _os_errors_told(index_dir):
        before = _generation_before(index_dir)
        generation = os.urandom(8).hex()
        folder, aside = index_dir / _GENERATIONS / generation, index_dir / f"{_POINTER}.new"
        with ExitStack() as undone:
            # What a full disk cut short must not keep it full.
            undone.callback(shutil.rmtree, folder, ignore_errors=True)
            undone.callback(_remove, aside)
            manifest = generations.write(folder, draft)
            _write_synced(aside, json.dumps(asdict(_Pointer(generation, manifest))).encode())
            generations.sync(index_dir)
            undone.pop_all()
        os.replace(aside, index_dir / _POINTER)
        generations.sync(index_dir)
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
        found = _POINTER_FORM.fullmatch(generations.content(index_dir / _POINTER))
    except OSError as error:
        raise generations.damaged(index_dir, _POINTER) from error
    if found is None:
        raise generations.damaged(index_dir, _POINTER)
    return _Pointer(found[1].decode(), found[2].decode())


def _read_generation(index_dir: Path, pointer: _Pointer) -> StoredIndex:
    return generations.read(index_dir / _GENERATIONS / pointer.generation, pointer.manifest)


def _generation_before(index_dir: Path) -> str:
    try:
        return _read_pointer(index_dir).generation
    except IndexDamagedError:
        return ""


def _make_folder(folder: Path) -> None:
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for each in missing:
        # A folder in which one may write but not read cannot be synced.
        with suppress(PermissionError):
            generations.sync(each.parent)


def _tag(path: Path) -> None:
    # Left alone once it is right: on a full disk it could be emptied, but not written again.
    if not path.is_file() or path.read_bytes() != _CACHE_SIGNATURE:
        _write_synced(path, _CACHE_SIGNATURE)


def _write_synced(path: Path, raw: bytes) -> None:
    # What bears the name may be a link to a file elsewhere, or a pipe that nobody reads.
    _remove(path)
    with path.open("xb") as file:
        file.write(raw)
    generations.sync(path)


def _remove_all_but(index_dir: Path, kept: set[str]) -> None:
    for folder in (index_dir / _GENERATIONS).iterdir():
        if _GENERATION_ID.fullmatch(folder.name) and folder.name not in kept:
            # What cannot be removed now does no harm and is tried again by the next writer.
            shutil.rmtree(folder, ignore_errors=True)


def _remove(file: Path) -> None:
    with suppress(OSError):
        file.unlink()

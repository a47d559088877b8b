"""One generation of an index: a folder of files that never change once they are written.

    documents.jsonl   the articles with their text and with size and time of the file as it was read
    passages.jsonl    where the passages lie in them
    lexical/          dense.faiss          manifest.json, written last

Nothing is parsed before its digest is checked, and nothing is ever unpickled. Who may write the folder may write
digests too, so what is parsed must also have the form that `write` gives it. Which generation is in use is the business
of `store`.
"""

import errno
import hashlib
import io
import json
import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from index import manifest as manifests
from index.corpus import FileStat
from index.dense import DenseIndex
from index.errors import IndexDamagedError
from index.files import FILE_FLAGS
from index.lexical import LexicalIndex
from index.manifest import Manifest, Recipe
from index.plain import plain
from index.types import Document, Passage

_MANIFEST = "manifest.json"
_DOCUMENTS, _PASSAGES, _LEXICAL, _DENSE = "documents.jsonl", "passages.jsonl", "lexical", "dense.faiss"
# What reading JSON raises that nests too deep, or holds other things than were written.
_MISSHAPEN = (ValueError, LookupError, TypeError, AttributeError, RecursionError)


@dataclass(frozen=True, slots=True)
class Draft:
    """What a generation will hold. `lexical` and `dense` hold the passages in the same order.

    `stats` has one entry for each document, by its file; `skipped` maps files tried in vain to the reason.
    """

    documents: Sequence[Document]
    stats: Mapping[str, FileStat]
    passages: Sequence[Passage]
    lexical: LexicalIndex
    dense: DenseIndex
    recipe: Recipe
    skipped: Mapping[FileStat, str]


@dataclass(frozen=True, slots=True)
class StoredIndex:
    """A generation as it was read. `lexical` and `dense` score the passages in the order of `passages`."""

    generation: str
    manifest: Manifest
    documents: tuple[Document, ...]
    stats: Mapping[str, FileStat]
    passages: tuple[Passage, ...]
    lexical: LexicalIndex
    dense: DenseIndex

    @property
    def by_id(self) -> dict[str, Document]:
        """The articles by the ids that their passages name."""
        return {document.id: document for document in self.documents}


def write(folder: Path, draft: Draft) -> str:
    """Fills a new folder, named like the generation, and syncs it to the disk; returns the digest of its manifest."""
    if len(draft.passages) != draft.dense.size:
        raise ValueError(f"{len(draft.passages)} passages but {draft.dense.size} vectors")
    folder.mkdir(parents=True)
    (folder / _DOCUMENTS).write_bytes(_lines(_document_fields(draft, document) for document in draft.documents))
    (folder / _PASSAGES).write_bytes(_lines(_passage_fields(passage) for passage in draft.passages))
    draft.lexical.save(folder / _LEXICAL)
    draft.dense.save(folder / _DENSE)
    _sync_below(folder)
    files = {file: _digest(folder / file) for file in _files(folder)}
    corpus = {document.file: document.sha256 for document in draft.documents}
    raw = manifests.to_json(Manifest(folder.name, files, corpus, draft.recipe, draft.skipped))
    (folder / _MANIFEST).write_bytes(raw)
    for path in (folder / _MANIFEST, folder, folder.parent):
        sync(path)
    return hashlib.sha256(raw).hexdigest()


def read(folder: Path, manifest_digest: str) -> StoredIndex:
    """The generation in the folder. Raises `IndexDamagedError` unless every byte is as it was written.

    Raises `IndexMismatchError` for one of another schema.
    """
    with _damage_told(folder, _MANIFEST):
        raw = content(folder / _MANIFEST)
        if hashlib.sha256(raw).hexdigest() != manifest_digest:
            raise damaged(folder, _MANIFEST)
        manifest = manifests.from_json(raw)
        _check_digests(folder, manifest.files)
    return _parse(folder, manifest)


@contextmanager
def _damage_told(folder: Path, file: str) -> Iterator[None]:
    """Tells what is raised where a file cannot be read or has another form as damage to it."""
    try:
        yield
    except OSError as error:
        raise damaged(folder, Path(error.filename or file).name) from error
    except _MISSHAPEN as error:
        raise damaged(folder, file) from error


def damaged(place: Path, file: str) -> IndexDamagedError:
    """The error for a file that is not as it was written."""
    return IndexDamagedError(
        f"the index in {place} was altered or is incomplete: {file}",
        "the files as they were written",
        "run `qa index --rebuild` to make it anew",
    )


def content(path: Path) -> bytes:
    """What a file holds. Raises `OSError` for anything but a regular file, also for a link; waits for nothing."""
    with _opened(path) as file:
        return file.read()


def sync(path: Path) -> None:
    """Has a file or the entries of a folder reach the disk before anything that follows."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _document_fields(draft: Draft, document: Document) -> dict[str, object]:
    found = draft.stats[document.file]
    return {
        "id": document.id,
        "file": document.file,
        "sha256": document.sha256,
        "encoding": document.encoding,
        "text": document.written,
        "size": found.size,
        "mtime_ns": found.mtime_ns,
    }


def _passage_fields(passage: Passage) -> dict[str, object]:
    # No text: it is cut from the document again, so that the two can never differ.
    return {
        "document": passage.document_id,
        "start": passage.start,
        "end": passage.end,
        "boilerplate": passage.boilerplate,
    }


def _lines(records: Iterable[Mapping[str, object]]) -> bytes:
    return b"".join(json.dumps(record, ensure_ascii=False).encode() + b"\n" for record in records)


def _check_digests(folder: Path, expected: Mapping[str, str]) -> None:
    present = set(_files(folder)) - {_MANIFEST}
    for file in sorted(present ^ expected.keys()):
        raise damaged(folder, file)
    for file, digest in expected.items():
        if _digest(folder / file) != digest:
            raise damaged(folder, file)


def _parse(folder: Path, manifest: Manifest) -> StoredIndex:
    with _damage_told(folder, _DOCUMENTS):
        read_documents = [_document(json.loads(line)) for line in content(folder / _DOCUMENTS).splitlines()]
        documents = {document.id: document for document, _ in read_documents}
        stats = {document.file: found for document, found in read_documents}
        if not len(documents) == len(stats) == len(read_documents):
            raise ValueError("an article twice")
    with _damage_told(folder, _PASSAGES):
        passages = [_passage(json.loads(line), documents) for line in content(folder / _PASSAGES).splitlines()]
    with _damage_told(folder, _LEXICAL):
        lexical = LexicalIndex.load(folder / _LEXICAL)
    with _damage_told(folder, _DENSE):
        dense = DenseIndex.load(folder / _DENSE)
    stored = StoredIndex(
        manifest.generation, manifest, tuple(documents.values()), stats, tuple(passages), lexical, dense
    )
    with _damage_told(folder, _MANIFEST):
        _require_fitting(stored, folder.name)
    return stored


def _require_fitting(stored: StoredIndex, generation: str) -> None:
    """Checks that the parts are of one index, and of the one that the manifest describes."""
    if stored.generation != generation or stored.manifest.recipe.dimension != stored.dense.dimension:
        raise ValueError("the manifest of another index")
    if stored.manifest.corpus != {document.file: document.sha256 for document in stored.documents}:
        raise ValueError("the manifest of other articles")
    if not stored.lexical.size == stored.dense.size == len(stored.passages):
        raise ValueError("parts of different indexes")


def _document(fields: object) -> tuple[Document, FileStat]:
    match fields:
        case {
            "id": str(identity),
            "file": str(file),
            "sha256": str(sha256),
            "encoding": str(encoding),
            "text": str(text),
            "size": int(size),
            "mtime_ns": int(mtime_ns),
        }:
            (file + text).encode()  # no file decodes to half a character, which JSON can hold
            return Document(identity, file, sha256, encoding, *plain(text)), FileStat(file, size, mtime_ns)
    raise ValueError("no article")


def _passage(fields: object, documents: Mapping[str, Document]) -> Passage:
    match fields:
        case {"document": str(identity), "start": int(start), "end": int(end), "boilerplate": bool(boilerplate)}:
            text = documents[identity].text
            if 0 <= start < end <= len(text):
                return Passage(f"{identity}:{start}-{end}", identity, start, end, text[start:end], boilerplate)
    raise ValueError("no passage")


def _files(folder: Path) -> list[str]:
    # A link to a folder is no folder of the index: it counts as a file that is one too many.
    found = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    return sorted(path.relative_to(folder).as_posix() for path in found)


def _digest(path: Path) -> str:
    with _opened(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _opened(path: Path) -> io.BufferedReader:
    # Opened as usual, a pipe in the place of a file would be waited for, without end.
    descriptor = os.open(path, FILE_FLAGS)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return open(descriptor, "rb")


def _sync_below(folder: Path) -> None:
    for path in folder.rglob("*"):
        sync(path)

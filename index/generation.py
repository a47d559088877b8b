"""One generation of an index: a folder of files that never change once they are written.

    documents.jsonl   the articles with their text and with size and time of the file as it was read
    passages.jsonl    where the passages lie in them
    lexical/          dense.faiss          manifest.json, written last

Nothing is parsed before its digest is checked, and nothing is ever unpickled. Which generation is in use is the
business of `store`.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from index import manifest as manifests
from index.corpus import FileStat
from index.dense import DenseIndex
from index.errors import IndexDamagedError
from index.lexical import LexicalIndex
from index.manifest import Manifest, Recipe
from index.types import Document, Passage

_MANIFEST = "manifest.json"
_DOCUMENTS, _PASSAGES, _LEXICAL, _DENSE = "documents.jsonl", "passages.jsonl", "lexical", "dense.faiss"


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
    try:
        raw = (folder / _MANIFEST).read_bytes()
        if hashlib.sha256(raw).hexdigest() != manifest_digest:
            raise damaged(folder, _MANIFEST)
        manifest = manifests.from_json(raw)
        _check_digests(folder, manifest.files)
        return _parse(folder, manifest)
    except OSError as error:
        raise damaged(folder, Path(error.filename or folder).name) from error


def damaged(place: Path, file: str) -> IndexDamagedError:
    """The error for a file that is not as it was written."""
    return IndexDamagedError(
        f"the index in {place} was altered or is incomplete: {file}",
        "the files as they were written",
        "run `qa index --rebuild` to make it anew",
    )


def sync(path: Path) -> None:
    """Has a file or the entries of a folder reach the disk before anything that follows."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _document_fields(draft: Draft, document: Document) -> dict[str, object]:
    found = draft.stats[document.file]
    return {**asdict(document), "size": found.size, "mtime_ns": found.mtime_ns}


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
    documents, stats = {}, {}
    for line in (folder / _DOCUMENTS).read_bytes().splitlines():
        each = json.loads(line)
        document = Document(each["id"], each["file"], each["sha256"], each["encoding"], each["text"])
        documents[document.id] = document
        stats[document.file] = FileStat(document.file, each["size"], each["mtime_ns"])
    passages = []
    for line in (folder / _PASSAGES).read_bytes().splitlines():
        each = json.loads(line)
        passages.append(_passage(documents[each["document"]], each["start"], each["end"], each["boilerplate"]))
    lexical, dense = LexicalIndex.load(folder / _LEXICAL), DenseIndex.load(folder / _DENSE)
    everything = tuple(documents.values())
    return StoredIndex(manifest.generation, manifest, everything, stats, tuple(passages), lexical, dense)


def _passage(document: Document, start: int, end: int, boilerplate: bool) -> Passage:
    identity = f"{document.id}:{start}-{end}"
    return Passage(identity, document.id, start, end, document.text[start:end], boilerplate)


def _files(folder: Path) -> list[str]:
    # A link to a folder is no folder of the index: it counts as a file that is one too many.
    found = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    return sorted(path.relative_to(folder).as_posix() for path in found)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync_below(folder: Path) -> None:
    for path in folder.rglob("*"):
        sync(path)

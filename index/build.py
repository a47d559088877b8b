"""A folder of articles -> its stored index, doing again only what has changed.

The folder, the stored index and an embedder go in; the index as it now lies on disk and a list of changes come out.
Nothing here knows of questions.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index import store
from index.chunker import ChunkerSettings, passages
from index.corpus import Corpus, FileStat, Scan, gather, scan
from index.dense import DenseIndex
from index.embedder import Embedder
from index.errors import IndexMismatchError, UserError
from index.generation import Draft, StoredIndex
from index.lexical import LexicalIndex
from index.manifest import Recipe
from index.spanish import NORMALISATION
from index.types import Document, Passage, Skipped

Progress = Callable[[int, int], None]
"""Called with the number of texts embedded so far and the number of all that have to be."""

_BATCH_TEXTS = 32


@dataclass(frozen=True, slots=True)
class Changes:
    """What an update found: names of files, in order, and how many passage texts it had to embed."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    unchanged: tuple[str, ...]
    skipped: tuple[Skipped, ...]
    embedded: int


def update(
    corpus_root: Path,
    index_dir: Path,
    embedder: Embedder,
    settings: ChunkerSettings,
    progress: Progress | None = None,
    rebuild: bool = False,
) -> tuple[StoredIndex, Changes]:
    """Brings the index of a folder up to date; writes nothing if it is.

    Raises `IndexMismatchError` for an index made with another embedding model, chunker, normalisation or schema, and
    `IndexDamagedError` for one that was altered; `rebuild` makes it anew without looking at the old one. Raises
    `CorpusError` if the folder holds nothing readable.
    """
    _require_apart(corpus_root, index_dir)
    if not rebuild:
        current = _if_current(corpus_root, _stored(index_dir, embedder, settings))
        if current is not None:
            return current
    with store.writing(index_dir):
        stored = None if rebuild else _stored(index_dir, embedder, settings)
        # Another process may have done the work while this one waited for the lock.
        return _if_current(corpus_root, stored) or _renewed(
            corpus_root, index_dir, stored, embedder, settings, progress
        )


def is_stale(stored: StoredIndex, corpus_root: Path) -> bool:
    """Whether files were added, removed or changed since, by names, sizes and times; opens no file.

    Raises `CorpusError` if the folder is gone.
    """
    return _differs(stored, scan(corpus_root))


def _require_apart(corpus_root: Path, index_dir: Path) -> None:
    if corpus_root.resolve() == index_dir.resolve():
        raise UserError(
            f"'{index_dir}' is the folder of articles", "another folder for the index", "name one with --index-dir"
        )


def _if_current(corpus_root: Path, stored: StoredIndex | None) -> tuple[StoredIndex, Changes] | None:
    if stored is None:
        return None
    found = scan(corpus_root)
    if _differs(stored, found):
        return None
    tried = (Skipped(file.file, reason) for file, reason in stored.manifest.skipped.items())
    skipped = sorted((*found.skipped, *tried), key=lambda each: each.file)
    return stored, _changes(stored, stored.documents, tuple(skipped), 0)


def _differs(stored: StoredIndex, found: Scan) -> bool:
    return {*stored.stats.values(), *stored.manifest.skipped} != set(found.files)


def _stored(index_dir: Path, embedder: Embedder, settings: ChunkerSettings) -> StoredIndex | None:
    if not store.exists(index_dir):
        return None
    stored = store.load(index_dir)
    recipe = stored.manifest.recipe
    found = _described(recipe.embedder_name, recipe.embedder_digest, recipe.chunker, recipe.normalisation)
    wanted = _described(embedder.name, embedder.digest, settings, NORMALISATION)
    differing = [kind for kind in found if found[kind][0] != wanted[kind][0]]
    if differing:
        raise IndexMismatchError(
            f"the index in {index_dir} was made with " + ", ".join(found[kind][1] for kind in differing),
            ", ".join(wanted[kind][1] for kind in differing),
            "run `qa index --rebuild` to make it anew",
        )
    return stored


def _described(name: str, digest: str, chunker: ChunkerSettings, normalisation: str) -> dict[str, tuple[object, str]]:
    """What has to agree, and how a message names it. The embedder's name need not: its digest decides the vectors."""
    lengths = f"{chunker.min_characters} to {chunker.max_characters}"
    return {
        "embedder": (digest, f"embedding model {name} ({digest[:12]})"),
        "chunker": (chunker, f"passages of {lengths} characters"),
        "normalisation": (normalisation, f"normalisation {normalisation}"),
    }


def _renewed(
    corpus_root: Path,
    index_dir: Path,
    stored: StoredIndex | None,
    embedder: Embedder,
    settings: ChunkerSettings,
    progress: Progress | None,
) -> tuple[StoredIndex, Changes]:
    corpus = gather(scan(corpus_root), _known(stored))
    cut = [passage for document in corpus.documents for passage in passages(document, settings)]
    vectors, embedded = _vectors(cut, stored, embedder, progress)
    recipe = Recipe(settings, embedder.name, embedder.digest, vectors.shape[1], NORMALISATION)
    store.write(index_dir, _draft(corpus, cut, vectors, recipe))
    return store.load(index_dir), _changes(stored, corpus.documents, corpus.skipped, embedded)


def _known(stored: StoredIndex | None) -> dict[FileStat, Document | Skipped]:
    if stored is None:
        return {}
    known: dict[FileStat, Document | Skipped] = {stored.stats[each.file]: each for each in stored.documents}
    return known | {file: Skipped(file.file, reason) for file, reason in stored.manifest.skipped.items()}


def _vectors(
    cut: Sequence[Passage], stored: StoredIndex | None, embedder: Embedder, progress: Progress | None
) -> tuple[NDArray[np.float32], int]:
    """Vectors of the passages, shape (passages, dimension), and the number of texts that had none yet."""
    known: dict[str, NDArray[np.float32]] = {}
    if stored is not None:
        known.update(zip((passage.text for passage in stored.passages), stored.dense.vectors(), strict=True))
    # Texts of one length need no padding; the longest come first, so that what remains goes faster than it seems.
    new = sorted({passage.text for passage in cut} - known.keys(), key=lambda text: (-len(text), text))
    for start in range(0, len(new), _BATCH_TEXTS):
        batch = new[start : start + _BATCH_TEXTS]
        known.update(zip(batch, embedder.encode(batch), strict=True))
        if progress is not None:
            progress(start + len(batch), len(new))
    return np.stack([known[passage.text] for passage in cut]), len(new)


def _draft(corpus: Corpus, cut: Sequence[Passage], vectors: NDArray[np.float32], recipe: Recipe) -> Draft:
    stats = {each.file: each for each in corpus.files}
    reasons = {each.file: each.reason for each in corpus.skipped}
    return Draft(
        documents=corpus.documents,
        stats=stats,
        passages=cut,
        lexical=LexicalIndex.build([passage.text for passage in cut]),
        dense=DenseIndex.build(vectors),
        recipe=recipe,
        skipped={file: reasons[file.file] for file in corpus.files if file.file in reasons},
    )


def _changes(
    stored: StoredIndex | None, documents: Sequence[Document], skipped: tuple[Skipped, ...], embedded: int
) -> Changes:
    before = {each.file: each.sha256 for each in stored.documents} if stored is not None else {}
    after = {each.file: each.sha256 for each in documents}
    return Changes(
        added=tuple(file for file in after if file not in before),
        changed=tuple(file for file in after if file in before and before[file] != after[file]),
        removed=tuple(file for file in before if file not in after),
        unchanged=tuple(file for file in after if before.get(file) == after[file]),
        skipped=skipped,
        embedded=embedded,
    )

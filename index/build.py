"""A folder of articles -> its stored index, doing again only what has changed.

The folder, the stored index and an embedder go in; the index as it now lies on disk and a list of changes come out.
Nothing here knows of questions.
"""

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index import store
from index.chunker import ChunkerSettings, passages
from index.corpus import Corpus, FileStat, Scan, decode, gather, scan
from index.dense import DenseIndex
from index.embedder import Embedder
from index.errors import IndexMismatchError, UserError
from index.generation import Draft, StoredIndex
from index.lexical import LexicalIndex, formula
from index.manifest import Recipe
from index.plain import plain
from index.skips import summed_up
from index.spanish import NORMALISATION, analyse, sentences, stopwords
from index.types import Document, Passage, Skipped

Progress = Callable[[int, int], None]
"""Called with the number of texts embedded so far and the number of all that have to be."""

_BATCH_TEXTS = 32
# A little of all that rules are about: teasers, a heading, paragraphs to be joined and divided, abbreviations and
# initials, quotations, accents in both forms, plurals, transliterations, countries, line ends and blanks of all kinds.
_SPECIMEN = """\
Uno, dos… Leer más
El Gobierno de España y los EE. UU. pactan...

Titular sin punto
El Sr. Serguéi Lavrov visitó Pyongyang (véase pág. 3). «Fue un éxito. Volveré», dijo J. Rodríguez en un acto.
Los norcoreanos, según el ministro Güell, no quisieron; las armas, los misiles y las ondas, en cambio, sí: \
hablaron de ello, a media voz, con los surcoreanos, los rusos y los chinos; nadie, que se sepa, llamó al 112.
¿Quién fue? ¡Él! Nin\u0303os y cora\u00adzones\u200b caben\u00a0allí, el\u2028otro no.\r\n\
No. 5 o núm. 5. Estado y sentido.\rFin

Otra historia que empieza así…
Y otra más [...]
"""


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


@cache
def rules() -> str:
    """Names the rules by which this program makes texts, passages, terms and scores of articles.

    That is `NORMALISATION` and a digest of what they make of a specimen, and of the formula of scores. So an index made
    by another version is told from one of this version even where a rule changed without the name, or in a library.
    """
    written = [_SPECIMEN.encode(codec, "replace") for codec in ("utf-8", "utf-8-sig", "utf-16", "cp1252")]
    texts = [(plain(text)[0], encoding) for text, encoding in map(decode, written)]
    text = texts[0][0]
    # Without its first line it begins with one teaser, which is none.
    documents = [Document("", "", "", "", each) for each in (text, text.partition("\n")[2])]
    lengths = ChunkerSettings(), ChunkerSettings(80, 20), ChunkerSettings(20, 0)
    cut = [passages(document, length) for document in documents for length in lengths]
    paragraphs = text.split("\n")
    made = repr((texts, sentences(text), cut, list(map(analyse, paragraphs)), sorted(stopwords()), formula()))
    return f"{NORMALISATION}.{hashlib.sha256(made.encode()).hexdigest()[:8]}"


def is_stale(stored: StoredIndex, corpus_root: Path) -> bool:
    """Whether files were added, removed or changed since, by names, sizes and times; opens no file.

    Raises `CorpusError` if the folder is gone.
    """
    return _differs(stored, scan(corpus_root))


def _require_apart(corpus_root: Path, index_dir: Path) -> None:
    if os.path.realpath(corpus_root) == os.path.realpath(index_dir):
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
    return stored, _changes(stored, stored.documents, summed_up((*found.skipped, *tried)), 0)


def _differs(stored: StoredIndex, found: Scan) -> bool:
    return {*stored.stats.values(), *stored.manifest.skipped} != set(found.files)


def _stored(index_dir: Path, embedder: Embedder, settings: ChunkerSettings) -> StoredIndex | None:
    if not store.exists(index_dir):
        return None
    stored = store.load(index_dir)
    recipe = stored.manifest.recipe
    found = _described(recipe.embedder_name, recipe.embedder_digest, recipe.chunker, recipe.normalisation)
    wanted = _described(embedder.name, embedder.digest, settings, rules())
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
    recipe = Recipe(settings, embedder.name, embedder.digest, vectors.shape[1], rules())
    store.write(index_dir, _draft(corpus, cut, vectors, recipe))
    return store.load(index_dir), _changes(stored, corpus.documents, summed_up(corpus.skipped), embedded)


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
        known.update(zip(batch, _encoded(batch, embedder, stored), strict=True))
        if progress is not None:
            progress(start + len(batch), len(new))
    return np.stack([known[passage.text] for passage in cut]), len(new)


def _encoded(batch: Sequence[str], embedder: Embedder, stored: StoredIndex | None) -> NDArray[np.float32]:
    vectors = embedder.encode(batch)
    if stored is not None and vectors.shape[1] != stored.dense.dimension:
        raise IndexMismatchError(
            f"an index with vectors of {stored.dense.dimension} numbers",
            f"{vectors.shape[1]}",
            "run `qa index --rebuild` to make it anew",
        )
    return vectors


def _draft(corpus: Corpus, cut: Sequence[Passage], vectors: NDArray[np.float32], recipe: Recipe) -> Draft:
    stats = {each.file: each for each in corpus.files}
    reasons = {each.file: each.reason for each in corpus.skipped}
    # By its documents: the name that is shown of a file with another may be the name of an article.
    served = {document.file for document in corpus.documents}
    return Draft(
        documents=corpus.documents,
        stats=stats,
        passages=cut,
        lexical=LexicalIndex.build([passage.text for passage in cut]),
        dense=DenseIndex.build(vectors),
        recipe=recipe,
        skipped={file: reasons[file.file] for file in corpus.files if file.file not in served},
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

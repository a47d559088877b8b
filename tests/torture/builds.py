"""Builds that trials interrupt: articles in two versions, what a process does with them, and what an index serves then.

`update` is run with a stand-in for the embedding model, so that a build takes milliseconds. Nothing here knows how a
build is interrupted.
"""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from index import store
from index.build import update
from index.chunker import ChunkerSettings
from index.errors import UserError
from index.generation import Draft, StoredIndex
from index.search import search
from index.types import Hit
from tests.fakes import FakeEmbedder

DONE, REFUSED = 0, 3
"""Exit statuses of a process that builds; one that ends with a traceback has 1."""
CHUNKER = ChunkerSettings(max_characters=60, min_characters=10)
QUESTION = "¿Quién visitó el puerto en el mes de mayo?"
_ARTICLES = 12


@dataclass(frozen=True)
class Trial:
    """A folder of articles that has changed, and the index that was made before; both are there for one trial."""

    articles: Path
    index_dir: Path
    old: StoredIndex | None
    new: StoredIndex

    def copied_to(self, place: Path) -> "Trial":
        """The same with an index folder of its own."""
        index_dir = place / "caches" / "index"
        if self.old is not None:
            shutil.copytree(self.index_dir, index_dir)
        return Trial(self.articles, index_dir, self.old, self.new)


def first_build(place: Path) -> Trial:
    """Articles without an index, of which not even the folder is there."""
    write_articles(place / "articles", 3)
    return Trial(place / "articles", place / "none", None, build(place / "articles", place / "elsewhere"))


def another_build(place: Path) -> Trial:
    """Articles with an index of the version before, beside which a generation lies that the next build removes."""
    articles, index_dir = place / "articles", place / "index"
    for version in (1, 2):
        write_articles(articles, version)
        old = build(articles, index_dir)
    write_articles(articles, 3)
    return Trial(articles, index_dir, old, build(articles, place / "elsewhere"))


def write_articles(root: Path, version: int) -> None:
    """Fills the folder; half of the articles differ from version to version, and each has a time of its own."""
    root.mkdir(parents=True, exist_ok=True)
    for number in range(_ARTICLES):
        file, told = root / f"{number}.txt", version if number % 2 else 0
        file.write_text(f"Kim visitó el puerto {number} en el mes de mayo, dijo la edición {told}.\n" * 3, "utf-8")
        os.utime(file, ns=(10**18 + told, 10**18 + told))


def build(articles: Path, index_dir: Path, rebuild: bool = False) -> StoredIndex:
    """The index brought up to date."""
    return update(articles, index_dir, FakeEmbedder(), CHUNKER, None, rebuild)[0]


def draft_of(stored: StoredIndex) -> Draft:
    """What would be written for the same index once more."""
    recipe, skipped = stored.manifest.recipe, stored.manifest.skipped
    return Draft(stored.documents, stored.stats, stored.passages, stored.lexical, stored.dense, recipe, skipped)


def status_of(work: Callable[[], object]) -> int:
    """The exit status of a process that does this; what is no error for the user is not caught."""
    try:
        work()
    except UserError:
        return REFUSED
    return DONE


def build_in_process(articles: Path, index_dir: Path) -> int:
    """What a child does: one build; returns its exit status."""
    return status_of(lambda: build(articles, index_dir))


def served(trial: Trial) -> str:
    """Which of the two the index folder serves, `old` or `new`, loaded and asked; anything else fails."""
    if trial.old is None and not store.exists(trial.index_dir):
        return "old"
    loaded = store.load(trial.index_dir)
    hits = ask(loaded)
    assert hits and all("puerto" in hit.passage.text for hit in hits)
    for name, whole in (("old", trial.old), ("new", trial.new)):
        if whole is not None and _same(loaded, whole):
            return name
    raise AssertionError(f"a mixture: {loaded.manifest}")


def ask(stored: StoredIndex) -> list[Hit]:
    """The best passages for the question."""
    [vector] = FakeEmbedder().encode([QUESTION])
    return search(QUESTION, vector, stored.passages, stored.lexical, stored.dense, 5)


def settled(trial: Trial) -> None:
    """The next update brings the index up to date, and the next that writes leaves nothing but what belongs there."""
    assert _same(build(trial.articles, trial.index_dir), trial.new)
    generation = build(trial.articles, trial.index_dir, rebuild=True).generation
    left = names(trial.index_dir)
    assert generation in left[1]
    assert left[0] == {"current", "lock", "CACHEDIR.TAG", "generations"}
    assert len(left[1]) <= 2
    assert served(trial) == "new"


def names(index_dir: Path) -> tuple[set[str], set[str]]:
    """What lies in an index folder, and in its folder of generations."""
    inner = index_dir / "generations"
    return {path.name for path in index_dir.iterdir()}, {path.name for path in inner.iterdir()}


def _same(one: StoredIndex, other: StoredIndex) -> bool:
    return (
        one.manifest.fingerprint == other.manifest.fingerprint
        and (one.documents, one.passages, one.stats) == (other.documents, other.passages, other.stats)
        and np.array_equal(one.dense.vectors(), other.dense.vectors())
        and np.array_equal(one.lexical.scores(QUESTION), other.lexical.scores(QUESTION))
    )

"""The index of a folder of articles as it is now, for one assistant or for several at the same time."""

from pathlib import Path
from threading import RLock

from index import build
from index.build import Changes, Progress
from index.chunker import ChunkerSettings
from index.embedder import Embedder
from index.generation import StoredIndex
from index.spelling import Spelling


class CurrentIndex:
    """Kept between questions, and renewed by whoever first finds that files have changed, while the others wait.

    `changes` is what the last renewal found, `last` the index it left, None before the first.
    """

    def __init__(self, corpus: Path, index_dir: Path, progress: Progress | None) -> None:
        self.changes: Changes | None = None
        self.last: StoredIndex | None = None
        self._corpus, self._index_dir, self._progress = corpus, index_dir, progress
        self._spelling_of: tuple[StoredIndex, Spelling] | None = None
        self._lock = RLock()

    def get(self, embedder: Embedder, rebuild: bool = False) -> tuple[StoredIndex, bool]:
        """The index, and whether it had to be opened or made for that."""
        with self._lock:
            if not rebuild and self.last is not None and not build.is_stale(self.last, self._corpus):
                return self.last, False
            self.last, self.changes = build.update(
                self._corpus, self._index_dir, embedder, ChunkerSettings(), self._progress, rebuild
            )
            return self.last, True

    def spelling(self, index: StoredIndex) -> Spelling:
        """The words of the articles of an index that this gave."""
        with self._lock:
            if self._spelling_of is None or self._spelling_of[0] is not index:
                self._spelling_of = index, Spelling(document.text for document in index.documents)
            return self._spelling_of[1]

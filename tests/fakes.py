"""Stand-ins written by hand for what is slow or random in the real thing."""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from index.spanish import analyse


class FakeEmbedder:
    """Adds up one fixed direction for each index term, so texts with common terms are near; remembers its texts."""

    def __init__(self, digest: str = "d1", name: str = "fake", dimension: int = 32) -> None:
        self.name = name
        self.digest = digest
        self.dimension = dimension
        self.batches: list[list[str]] = []

    @property
    def encoded(self) -> list[str]:
        """Every text so far, in the order given."""
        return [text for batch in self.batches for text in batch]

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.batches.append(list(texts))
        return np.stack([self._vector(text) for text in texts])

    def _vector(self, text: str) -> NDArray[np.float32]:
        total = np.sum([self._direction(term) for term in analyse(text) or [text]], axis=0)
        unit: NDArray[np.float32] = (total / np.linalg.norm(total)).astype(np.float32)
        return unit

    def _direction(self, term: str) -> NDArray[np.float64]:
        seed = int.from_bytes(hashlib.sha256(term.encode()).digest()[:8])
        return np.random.default_rng(seed).standard_normal(self.dimension)

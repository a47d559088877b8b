"""Passage vectors -> cosines with a question's vector, by FAISS.

Vectors are addressed by position, in the order they were given. Nothing here knows of texts or models.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    # Imported where it is used: it takes a tenth of a second, and most commands do without it.
    import faiss


class DenseIndex:
    """An exact inner-product index; vectors of length 1 make the inner product the cosine."""

    def __init__(self, index: "faiss.IndexFlatIP") -> None:
        self._index = index

    @classmethod
    def build(cls, vectors: NDArray[np.float32]) -> "DenseIndex":
        """Indexes finite unit vectors, shape (passages, dimension); raises `ValueError` for any other shape or NaN."""
        import faiss

        if vectors.ndim != 2 or not np.isfinite(vectors).all():
            raise ValueError(f"not finite vectors of shape (passages, dimension): shape {vectors.shape}")
        index = faiss.IndexFlatIP(vectors.shape[1])
        index.add(np.ascontiguousarray(vectors, dtype=np.float32))
        return cls(index)

    @property
    def size(self) -> int:
        """Number of passages."""
        return int(self._index.ntotal)

    @property
    def dimension(self) -> int:
        """Numbers in a vector."""
        return int(self._index.d)

    def scores(self, question: NDArray[np.float32]) -> NDArray[np.float32]:
        """Cosine of every passage with the question's unit vector of shape (dimension,): shape (passages,)."""
        cosines = np.zeros(self.size, dtype=np.float32)
        if self.size:
            found, positions = self._index.search(question.reshape(1, -1), self.size)
            cosines[positions[0]] = found[0]
        return cosines

    def vectors(self) -> NDArray[np.float32]:
        """A copy of the vectors as they were given, shape (passages, dimension)."""
        copied: NDArray[np.float32] = self._index.reconstruct_n(0, self.size)
        return copied

    def save(self, path: Path) -> None:
        """Writes the index in FAISS's own format."""
        import faiss

        path.write_bytes(faiss.serialize_index(self._index).tobytes())

    @classmethod
    def load(cls, path: Path) -> "DenseIndex":
        """Reads what `save` wrote. The bytes must be trusted: FAISS does not guard itself against crafted ones."""
        import faiss

        index = faiss.deserialize_index(np.frombuffer(path.read_bytes(), dtype=np.uint8))
        if not isinstance(index, faiss.IndexFlatIP):
            raise ValueError(f"not an exact inner-product index: {type(index).__name__}")
        return cls(index)

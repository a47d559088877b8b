"""Passage vectors -> cosines with a question's vector, by FAISS.

Vectors are addressed by position, in the order they were given. Nothing here knows of texts or models.
"""

import struct
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from index.errors import IndexMismatchError

if TYPE_CHECKING:
    # Imported where it is used: it takes a tenth of a second, and most commands do without it.
    import faiss

# How FAISS's file of an exact inner-product index begins: its name, the dimension, the number of vectors, two numbers
# without use, whether it is trained, the metric, and how many numbers of four bytes follow.
_HEADER = struct.Struct("<4siqqq?iQ")
_NAME, _INNER_PRODUCT = b"IxFI", 0


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
        """Cosine of every passage with the question's unit vector of shape (dimension,): shape (passages,).

        Raises `IndexMismatchError` for a vector of another dimension.
        """
        if question.shape != (self.dimension,):
            raise IndexMismatchError(
                f"an index with vectors of {self.dimension} numbers",
                f"{question.size}",
                "run `qa index --rebuild` to make it anew",
            )
        import faiss

        asked, cosines = np.ascontiguousarray(question, dtype=np.float32), np.empty(self.size, dtype=np.float32)
        if self.size:
            # Not `search`, which would sort all of them first, nor what divides the work: where other work is going on,
            # threads wait for one another a hundred times as long as this takes.
            into, of = faiss.swig_ptr(cosines), faiss.swig_ptr(asked)
            products = faiss.fvec_inner_products_ny  # type: ignore[attr-defined]
            products(into, of, self._index.get_xb(), self.dimension, self.size)
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
        """Reads what `save` wrote; raises `ValueError` for anything else.

        FAISS takes as much memory as a header asks for and makes any of its indexes that one names, so the header is
        read here, and must be one of ours that agrees with the length of the file.
        """
        raw = path.read_bytes()
        if len(raw) < _HEADER.size:
            raise ValueError(f"{len(raw)} bytes are no index")
        name, dimension, size, _, _, trained, metric, numbers = _HEADER.unpack_from(raw)
        if (name, trained, metric) != (_NAME, True, _INNER_PRODUCT):
            raise ValueError(f"not an exact inner-product index: {name!r}")
        if dimension < 1 or size < 0 or numbers != dimension * size or len(raw) != _HEADER.size + 4 * numbers:
            raise ValueError(f"{len(raw)} bytes are not {size} vectors of {dimension} numbers")
        return cls.build(np.frombuffer(raw, dtype="<f4", offset=_HEADER.size).reshape(size, dimension))

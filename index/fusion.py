"""Two rankings of the same passages -> one. Pure: arrays in, an array out."""

import numpy as np
from numpy.typing import NDArray

# Measured on public questions (eval/LOG.md), where anything from 0.7 to 1.5 does as well within the noise; the words of
# an English question are found through the thesaurus, so there the vectors weigh more.
SPANISH_DENSE_WEIGHT = 1.0
ENGLISH_DENSE_WEIGHT = 1.25


def fuse(lexical: NDArray[np.float32], dense: NDArray[np.float32], dense_weight: float) -> NDArray[np.float32]:
    """BM25 over its maximum plus `dense_weight` times the cosine, one score a passage; all arrays of shape (passages,).

    >>> fuse(np.float32([4, 2]), np.float32([0.0, 0.5]), 0.5).tolist()
    [1.0, 0.75]
    """
    highest = float(lexical.max(initial=0.0))
    relative = lexical / highest if highest > 0 else lexical
    return (relative + dense_weight * dense).astype(np.float32, copy=False)

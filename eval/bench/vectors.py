"""Whether the embedder without its library gives the vectors that the library gives, and the same passages."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from eval.bench.bare import BareModel
from eval.bench.ground import Ground
from eval.bench.pairs import drawn
from eval.bench.rows import Row, least_row, share_row
from index.embedder import GRAPH
from index.encoder import Encoder
from index.generation import StoredIndex
from index.spanish import sentences

_SHORT, _LONG, _ASKED, _TOP = 500, 500, 200, 10
_LEAST_COSINE, _LEAST_SHARE = 0.999, 1.0

Vectors = NDArray[np.float32]


def encoder(ground: Ground) -> list[Row]:
    """The smallest cosine between both vectors of a text; how many questions have the same ten nearest passages."""
    embedder, stored = ground.embedder, ground.stored
    encoder = Encoder.open(embedder.folder, GRAPH)
    library = BareModel(embedder)
    questions = list(dict.fromkeys(text for each in ground.questions for text in (*each.history, each.question)))
    short = [*questions, *_sentences(stored)][:_SHORT]
    texts = [*short, *(each.text for each in drawn(stored.passages, _LONG))]
    cosines = (encoder.encode(texts) * library.encode(texts)).sum(axis=1)
    asked = drawn(questions, _ASKED)
    passages = library.encode([each.text for each in stored.passages])
    same = same_nearest(encoder.encode(asked), library.encode(asked), passages)
    counts = {"questions": min(len(questions), len(short)), "texts": len(texts)}
    ranked = {"questions": len(asked), "passages": len(passages), "top": _TOP}
    return [
        least_row("encoder_cosine", _LEAST_COSINE, [float(each) for each in cosines], counts),
        share_row("encoder_nearest", _LEAST_SHARE, same, ranked),
    ]


def same_nearest(ours: Vectors, bare: Vectors, passages: Vectors) -> list[bool]:
    """For each question whether both its vectors have the same nearest passages, in the same order."""
    pairs = zip(nearest(ours, passages), nearest(bare, passages), strict=True)
    return [bool(np.array_equal(one, other)) for one, other in pairs]


def nearest(questions: Vectors, passages: Vectors) -> NDArray[np.intp]:
    """The places of the ten nearest passages, best first, shape (questions, 10); equal ones in their order."""
    return np.argsort(-(questions @ passages.T), axis=1, kind="stable")[:, :_TOP]


def _sentences(stored: StoredIndex) -> list[str]:
    """The first sentence of each passage: short texts beside the questions."""
    found: Sequence[str] = [text[slice(*sentences(text)[0])] for text in (each.text for each in stored.passages)]
    return list(dict.fromkeys(found))

"""BM25 over Spanish index terms.

Texts go in once, in order; a question gives one score per text, in that order. The formula, its figures and the form in
which they are stored are bm25s's (Lucene's variant, https://arxiv.org/abs/2407.03618). That library is needed to index
only: what it has worked out is read without it, as it takes longer to load than most questions to search.
"""

import json
import math
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.spanish import akin, analyse, is_english, question_terms
from index.thesaurus import related

# Measured on the development questions: recall@1 0.806 against 0.789 with k1 1.5, b 0.75 (eval/LOG.md).
_METHOD, _K1, _B = "lucene", 0.9, 0.4
_MOST_KNOWN = 1 << 12
"""Terms of questions whose stand-ins are remembered: questions on the same articles share most of theirs."""
_KIN_SHARE = 0.5
RELATED_SHARE = 0.3
"""What a word counts that stands for another of the same meaning."""
_TRANSLATION_SHARE = 0.8
_NO_TERM = "\0"
# The arrays of bm25s as it stores them, all of one dimension, and how NumPy's header of such a file reads. NumPy's own
# reader would take the header for a Python expression.
_MATRIX = {"data": "f4", "indices": "i4", "indptr": "i8"}
_HEADER = re.compile(rb"\x93NUMPY\x01\0v\0\{'descr': '<(..)', 'fortran_order': False, 'shape': \((\d{1,18}),\), \} *\n")
_HEADER_BYTES = 128
_PARAMETERS = ("k1", "b", "delta", "method", "idf_method", "dtype", "int_dtype", "backend", "num_docs", "version")


def formula() -> str:
    """Names what scores are worked out by: the library, its version and the weights given to it."""
    return f"bm25s {version('bm25s')}, {_METHOD}, k1 {_K1}, b {_B}"


class LexicalIndex:
    """An inverted index of texts, addressed by their position."""

    def __init__(
        self, numbers: Mapping[str, int], matrix: Mapping[str, NDArray[Any]], parameters: Mapping[str, Any]
    ) -> None:
        self._numbers = numbers
        self._matrix = matrix
        self._parameters = parameters
        self._starts: list[int] = matrix["indptr"].tolist()  # single numbers of a NumPy array take longer to look up
        self._size = int(parameters["num_docs"]) - (_NO_TERM in numbers)
        self._known: dict[tuple[str, bool], dict[str, float]] = {}
        self._by_beginning: dict[str, list[str]] = defaultdict(list)
        for term in numbers:
            self._by_beginning[term[:4]].append(term)

    @property
    def size(self) -> int:
        """Number of texts."""
        return self._size

    @classmethod
    def build(cls, texts: Sequence[str]) -> "LexicalIndex":
        """Indexes the texts. A text without a single index term scores 0 for every question."""
        import bm25s

        scorer = bm25s.BM25(k1=_K1, b=_B, method=_METHOD)
        terms = [analyse(text) for text in texts]
        # bm25s cannot index a corpus without a term; a further text with one that no question can hold serves there.
        scorer.index(terms if any(terms) else [*terms, [_NO_TERM]], show_progress=False)
        parameters = {name: getattr(scorer, name) for name in _PARAMETERS[:-2]}
        parameters |= {"num_docs": int(scorer.scores["num_docs"]), "version": bm25s.__version__}
        return cls(scorer.vocab_dict, {name: scorer.scores[name] for name in _MATRIX}, parameters)

    def scores(self, question: str) -> NDArray[np.float32]:
        """BM25 of every text for the question: shape (texts,), 0 where nothing is shared.

        A text that lacks a term of the question but holds one that may stand for it counts with that one's share.
        """
        english = is_english(question)
        asked = {term: members for term in question_terms(question) if (members := self.stand_ins(term, english))}
        if not asked:
            return np.zeros(self._size, dtype=np.float32)
        total: NDArray[np.float32] = np.add.reduce(self._best_scores(asked), axis=0)
        return total[: self._size]

    def _best_scores(self, asked: Mapping[str, Mapping[str, float]]) -> NDArray[np.float32]:
        """For each term the best of what its members score in each text: shape (terms, texts + 1)."""
        width = self._size + 1
        held, rows, shares = list[slice](), list[int](), list[float]()
        for row, (term, members) in enumerate(asked.items()):
            rarity = self.inverse_document_frequency(term)
            for member, share in members.items():
                each = self._held(member)
                held.append(each)
                rows.append(row)
                # What is rarer than the word asked for must not count for more than it.
                shares.append(share * min(1.0, rarity / self._rarity(each.stop - each.start)))
        # All at once: most of them stand in a handful of texts.
        lengths = [each.stop - each.start for each in held]
        places, scores = (np.concatenate([self._matrix[name][each] for each in held]) for name in ("indices", "data"))
        begins, weights = np.array(rows) * width, np.array(shares, dtype=np.float32)
        best = np.zeros(len(asked) * width, dtype=np.float32)
        np.maximum.at(best, places + np.repeat(begins, lengths), scores * np.repeat(weights, lengths))
        return best.reshape(len(asked), width)

    def stand_ins(self, term: str, english: bool = False) -> dict[str, float]:
        """Terms of the texts that may stand for a term of a question, each with its share, at most 1.

        The term itself counts 1, one of its family or a related word less, the Spanish for an `english` word more.
        It is remembered, and not to be changed.
        """
        found = self._known.get((term, english))
        if found is None:
            if len(self._known) == _MOST_KNOWN:
                self._known.clear()
            found = self._known[term, english] = self._found_for(term, english)
        return found

    def _found_for(self, term: str, english: bool) -> dict[str, float]:
        shares = {other: _KIN_SHARE for other in self._by_beginning.get(term[:4], ()) if akin(term, other)}
        for other in related(term, english):
            if other in self._numbers:
                shares[other] = max(shares.get(other, 0.0), _TRANSLATION_SHARE if english else RELATED_SHARE)
        if term in self._numbers:
            shares[term] = 1.0
        return shares

    def _held(self, term: str) -> slice:
        """Where the texts that hold a term, and its BM25 in each, stand in their arrays."""
        number = self._numbers.get(term)
        return slice(0, 0) if number is None else slice(self._starts[number], self._starts[number + 1])

    def inverse_document_frequency(self, term: str) -> float:
        """How rare an index term is, ln(1 + (N - n + 0.5) / (n + 0.5)); highest for a term that no text holds."""
        held = self._held(term)
        return self._rarity(held.stop - held.start)

    def _rarity(self, holding: int) -> float:
        return math.log1p((self._size - holding + 0.5) / (holding + 0.5))

    def save(self, folder: Path) -> None:
        """Writes the index as NumPy arrays and JSON into the folder, which is made if need be; `OSError` if it cannot.

        The files are those of bm25s, not written by it: NumPy leaves the end of an array to the C library, and a full
        disk that this meets on closing goes unsaid.
        """
        folder.mkdir(parents=True, exist_ok=True)
        for name, values in self._matrix.items():
            array = BytesIO()
            np.save(array, values, allow_pickle=False)
            (folder / f"{name}.csc.index.npy").write_bytes(array.getvalue())
        (folder / "vocab.index.json").write_bytes(json.dumps(self._numbers, ensure_ascii=False).encode())
        (folder / "params.index.json").write_bytes(json.dumps(self._parameters).encode())

    @classmethod
    def load(cls, folder: Path) -> "LexicalIndex":
        """Reads what `save` wrote; nothing in it is unpickled. Raises `ValueError` for files of any other form."""
        parameters = _settings(folder / "params.index.json")
        matrix = {name: _array(folder / f"{name}.csc.index.npy", kind) for name, kind in _MATRIX.items()}
        numbers = json.loads((folder / "vocab.index.json").read_bytes())
        if type(numbers) is not dict or any(type(number) is not int for number in numbers.values()):
            raise ValueError("no numbered terms")
        # bm25s numbers the empty word as well, which no text has.
        _require_matrix(matrix, sorted(number for term, number in numbers.items() if term), parameters["num_docs"])
        return cls(numbers, matrix, parameters)


def _settings(path: Path) -> dict[str, Any]:
    """What the scores were made with: this formula, without a compiler, or else a `ValueError`."""
    fields = json.loads(path.read_bytes())
    ours = {"method": _METHOD, "idf_method": _METHOD, "backend": "numpy"}
    if type(fields) is not dict or {**fields, **ours} != fields or not fields.keys() <= set(_PARAMETERS):
        raise ValueError("scores of another formula")
    if type(fields.get("num_docs")) is not int or fields["num_docs"] < 0:
        raise ValueError("no number of texts")
    return fields


def _array(path: Path, kind: str) -> NDArray[Any]:
    """The NumPy array in a file, which must be of the kind, and as long as its header says."""
    raw = path.read_bytes()
    found = _HEADER.fullmatch(raw[:_HEADER_BYTES])
    if found is None or found[1] != kind.encode():
        raise ValueError(f"not an array of {kind}: {path.name}")
    if len(raw) != _HEADER_BYTES + int(found[2]) * int(kind[1]):
        raise ValueError(f"an array of another length: {path.name}")
    return np.frombuffer(raw, dtype=f"<{kind}", offset=_HEADER_BYTES)


def _require_matrix(matrix: Mapping[str, NDArray[Any]], numbers: Sequence[int], texts: int) -> None:
    """Checks that each term's column lies in the arrays, and that each place in it is that of a text."""
    data, places, starts = matrix["data"], matrix["indices"], matrix["indptr"]
    if numbers != list(range(len(starts) - 1)):
        raise ValueError("other terms than columns")
    if starts[0] != 0 or starts[-1] != len(data) or len(places) != len(data) or (np.diff(starts) < 0).any():
        raise ValueError("columns that are none")
    if len(places) and (places.min() < 0 or places.max() >= texts):
        raise ValueError("scores of texts that there are not")
    if not np.isfinite(data).all():
        raise ValueError("scores that are no numbers")

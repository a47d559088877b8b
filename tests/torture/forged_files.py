"""Contents for the files of an index that no version of the program wrote, each of them to be refused.

A place for marks enters: what would be run leaves one there. Forgeries leave, from those that are no file of their kind
at all to those of which a single number is wrong.
"""

import io
import json
import struct
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tests.torture import pickles
from tests.torture.forgeries import HALF_A_CHARACTER, MANIFEST, Forgery, Make

_VECTORS, _TERMS, _PARAMETERS = "dense.faiss", "lexical/vocab.index.json", "lexical/params.index.json"
_SCORES, _PLACES, _STARTS = (f"lexical/{name}.csc.index.npy" for name in ("data", "indices", "indptr"))
_DOCUMENTS, _PASSAGES = "documents.jsonl", "passages.jsonl"
_DEEP = b"[" * 100_000 + b"]" * 100_000
_HEADER = struct.Struct("<4siqqqBiQ")
_HEADER_NAMES = ("name", "dimension", "size", "unused", "also", "trained", "metric", "numbers")


def named(mark: Path) -> list[Forgery]:
    """Forgeries that must be refused, each of them. Those that would run leave the mark."""
    files = (_VECTORS, _TERMS, _PARAMETERS, _SCORES, _PLACES, _STARTS, _DOCUMENTS, _PASSAGES, MANIFEST)
    trap = pickles.leaving_a_mark(mark)
    anywhere = {
        "a pickle": trap,
        "nothing": b"",
        "deep": _DEEP,
        "a number": b"9",
        "a list": b"[[]]",
        "no text": b"\xff",
    }
    return [
        *(Forgery(f"{name} for {file}", file, _instead(raw)) for file in files for name, raw in anywhere.items()),
        *_of_vectors(),
        *_of_arrays(mark),
        *_of_terms(),
        *_of_articles(),
        *_of_manifests(),
    ]


def _instead(raw: bytes) -> Make:
    return lambda _: raw


def _of_vectors() -> Iterator[Forgery]:
    def with_header(**changes: int) -> Make:
        def make(raw: bytes) -> bytes:
            fields = dict(zip(_HEADER_NAMES, _HEADER.unpack_from(raw), strict=True))
            return _HEADER.pack(*(fields | changes).values()) + raw[_HEADER.size :]

        return make

    for changes in (
        {"dimension": 2**31 - 1},
        {"dimension": 0},
        {"dimension": -1},
        {"dimension": 0, "size": 0, "numbers": 0},
        {"size": 2**62},
        {"size": -1},
        {"numbers": 2**32},
        {"numbers": 2**61},
        {"dimension": 1, "size": 2**33, "numbers": 2**33},
        {"metric": 1},
        {"metric": 23},
        {"trained": 0},
    ):
        yield Forgery(f"vectors with {changes}", _VECTORS, with_header(**changes))
    yield Forgery("vectors cut off", _VECTORS, lambda raw: raw[:-4])
    yield Forgery("vectors with more behind", _VECTORS, lambda raw: raw + b"\0")
    yield Forgery("a vector less", _VECTORS, lambda raw: _faiss(_vectors(raw)[:-1]))
    yield Forgery("shorter vectors", _VECTORS, lambda raw: _faiss(_vectors(raw)[:, :-1]))
    for number in ("nan", "inf"):
        yield Forgery(f"{number} in a vector", _VECTORS, partial(_ending_with, number=float(number)))
    for kind in ("Flat,L2", "HNSW4", "IVF1,Flat", "PQ2x4", "SQ8", "PCA4,Flat"):
        yield Forgery(f"vectors as {kind}", _VECTORS, partial(_as_kind, kind=kind))


def _ending_with(raw: bytes, number: float) -> bytes:
    return raw[:-4] + struct.pack("<f", number)


def _as_kind(raw: bytes, kind: str) -> bytes:
    return _faiss(_vectors(raw), kind)


def _vectors(raw: bytes) -> Any:
    _, dimension, size, *_ = _HEADER.unpack_from(raw)
    return np.frombuffer(raw, dtype="<f4", offset=_HEADER.size).reshape(size, dimension)


def _faiss(vectors: Any, kind: str = "Flat") -> bytes:
    import faiss

    metric = faiss.METRIC_L2 if kind.endswith(",L2") else faiss.METRIC_INNER_PRODUCT
    index = faiss.index_factory(vectors.shape[1], kind.removesuffix(",L2"), metric)
    index.train(np.random.default_rng(0).standard_normal((1000, vectors.shape[1])).astype(np.float32))
    index.add(np.ascontiguousarray(vectors))
    return bytes(faiss.serialize_index(index).tobytes())


def _of_arrays(mark: Path) -> Iterator[Forgery]:
    trap = np.array([pickles.Trap(mark)], dtype=object)
    for file in (_SCORES, _PLACES, _STARTS):
        yield Forgery(f"objects in {file}", file, lambda _: _npy(trap))
        yield Forgery(f"letters in {file}", file, lambda raw: _npy(_array(raw).astype("U4")))
        yield Forgery(f"a table in {file}", file, lambda raw: _npy(_array(raw)[None]))
        yield Forgery(f"one number less in {file}", file, lambda raw: _npy(_array(raw)[:-1]))
        yield Forgery(f"longer numbers in {file}", file, lambda raw: _npy(_array(raw).astype("c16")))
        yield Forgery(f"a header of another version in {file}", file, lambda raw: raw[:6] + b"\x03" + raw[7:])
        for shape in (b"(99999999999999999,), }", b"(2**40,), }", b"(-1,), }", b"((((((1,)))))), }", b"(1e5,), }"):
            yield Forgery(f"{shape.decode()} in {file}", file, partial(_with_shape, shape=shape))
    for file, number in ((_PLACES, -1), (_PLACES, 10**6), (_STARTS, -1), (_STARTS, 10**9), (_SCORES, float("nan"))):
        for place in (0, -1):
            yield Forgery(f"{number} at {place} in {file}", file, _with_number(place, number))
    yield Forgery("starts that go back", _STARTS, _with_number(2, 0))


def _with_number(place: int, number: float) -> Make:
    def make(raw: bytes) -> bytes:
        array = _array(raw).copy()
        array[place] = number
        return _npy(array)

    return make


def _array(raw: bytes) -> Any:
    return np.load(io.BytesIO(raw))


def _npy(array: Any) -> bytes:
    written = io.BytesIO()
    np.save(written, array)
    return written.getvalue()


def _with_shape(raw: bytes, shape: bytes) -> bytes:
    header = raw[: raw.index(b"'shape': ") + len(b"'shape': ")] + shape
    return header.ljust(127) + b"\n" + raw[128:]


def _of_terms() -> Iterator[Forgery]:
    terms: tuple[object, ...] = (-1, 1, 10**6, 10**30, 0.0, "0", None, [0], {})
    for value in terms:
        yield Forgery(f"a term {value!r}", _TERMS, _json(partial(_put_first, value=value)))
    yield Forgery("a term less", _TERMS, _json(_drop_first))
    wrong: dict[str, tuple[object, ...]] = {
        "num_docs": (0, -1, 10**9, 10**30, "5", 5.0, None),
        "corpus": ([1],),
        "method": ("bm25+",),
        "idf_method": ("bm25l",),
        "backend": ("numba",),
    }
    for name, value in _each(wrong):
        yield Forgery(f"{name} {value!r}", _PARAMETERS, _json(partial(_put, name=name, value=value)))


def _of_articles() -> Iterator[Forgery]:
    documents: dict[str, tuple[object, ...]] = {
        "id": (1, None, "other"),
        "file": (1, None, "other.txt", HALF_A_CHARACTER),
        "sha256": (1, None, "0" * 64),
        "encoding": (1, None),
        "text": (1, None, "", ["text"], HALF_A_CHARACTER),
        "size": (None, "1", 1.5),
        "mtime_ns": (None, "1", float("inf")),
    }
    passages: dict[str, tuple[object, ...]] = {
        "document": (1, None, "other", [], {}),
        "start": (-1, 10**6, 10**30, 1.0, "0", None),
        "end": (-1, 0, 10**6, 10**30, 1.0, "0", None),
        "boilerplate": (0, None, "true"),
    }
    for file, wrong in ((_DOCUMENTS, documents), (_PASSAGES, passages)):
        for name in wrong:
            yield Forgery(f"no {name} in {file}", file, _first_line(partial(_drop, name=name)))
        for name, value in _each(wrong):
            yield Forgery(f"{name} {value!r} in {file}", file, _first_line(partial(_put, name=name, value=value)))
        yield Forgery(f"the first line of {file} twice", file, lambda raw: raw.splitlines(True)[0] + raw)
        yield Forgery(f"no first line in {file}", file, lambda raw: b"".join(raw.splitlines(True)[1:]))
        yield Forgery(f"deep in {file}", file, lambda raw: _DEEP + b"\n" + raw)


def _of_manifests() -> Iterator[Forgery]:
    outer: dict[str, tuple[object, ...]] = {
        "schema": (0, 99, "1", None),
        "generation": ("0" * 16, "../x", 1, None),
        "files": ({}, [], None, {"../../current": "0" * 64}, {"/etc/passwd": "0" * 64}, {"dense.faiss": 1}),
        "depends": ({}, [], None),
        "skipped": ({}, None, [1], [{}], [{"file": 1, "size": 1, "mtime_ns": 1, "reason": ""}]),
    }
    lengths = {"max_characters": 0, "min_characters": 0}, {"max_characters": "", "min_characters": 0}
    inner: dict[str, tuple[object, ...]] = {
        "corpus": ({}, [], None),
        "chunker": ({}, [], None, *lengths),
        "embedder": ({}, [], None, {"name": "", "digest": "d1", "dimension": 31}),
        "normalisation": (1, None),
    }
    for name, value in _each(outer):
        yield Forgery(f"manifest: {name} {value!r}", MANIFEST, _json(partial(_put, name=name, value=value)))
    for name, value in _each(inner):
        change = partial(_put_inside, name=name, value=value)
        yield Forgery(f"manifest: {name} {value!r}", MANIFEST, _json(change))


def _each(values: dict[str, tuple[object, ...]]) -> Iterator[tuple[str, object]]:
    return ((name, value) for name, many in values.items() for value in many)


def _put(fields: Any, name: str, value: object) -> None:
    fields[name] = value


def _put_first(fields: Any, value: object) -> None:
    fields[next(iter(fields))] = value


def _drop_first(fields: Any) -> None:
    del fields[next(iter(fields))]


def _put_inside(fields: Any, name: str, value: object) -> None:
    fields["depends"][name] = value


def _drop(fields: Any, name: str) -> None:
    del fields[name]


def _json(change: Callable[[Any], object]) -> Make:
    def make(raw: bytes) -> bytes:
        value = json.loads(raw)
        change(value)
        return json.dumps(value).encode()

    return make


def _first_line(change: Callable[[Any], object]) -> Make:
    def make(raw: bytes) -> bytes:
        first, _, rest = raw.partition(b"\n")
        return _json(change)(first) + b"\n" + rest

    return make

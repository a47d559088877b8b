"""A process that opens indexes and says of each what came of it: what a crash takes with it is this process alone.

`Opening` is that process to a test. Run as a module with the name of an opener, this is the process itself: each line
of standard input is an index folder and that of its articles, as JSON, and is answered by a line with an outcome and
what was said. The memory that it may take is limited, so that an index that asks for more fails.
"""

import json
import os
import pickle
import resource
import select
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from index import build, store
from index.chunker import ChunkerSettings
from index.dense import DenseIndex
from index.errors import UserError
from index.generation import StoredIndex
from index.search import search
from tests.commands import ROOT, with_package
from tests.fakes import FakeEmbedder
from tests.torture.forgeries import point, seal
from tests.torture.mutations import Place, files_below

MOST_BYTES = 1024**3
"""What opening and using an index of a few articles may take beyond what the libraries have."""
PATIENCE_SECONDS = 60.0
"""After which a process is taken to wait for ever."""
SETTINGS = ChunkerSettings(max_characters=80, min_characters=20)
QUESTION = "¿A quién recibió Kim en el puerto?"


class Outcome(NamedTuple):
    """`loaded`, `refused` or `failed` as the process says; `died` or `hung` if it said nothing more."""

    kind: str
    said: str


class Opening:
    """The process that opens indexes, started anew whenever it ends."""

    def __init__(self, opener: str = "opened", patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._opener, self._patience_seconds = opener, patience_seconds
        self._process = self._started()

    def _started(self) -> "subprocess.Popen[bytes]":
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.torture.opening", self._opener],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=with_package({"OMP_NUM_THREADS": "1"}),
            bufsize=0,
        )
        assert process.stdout is not None
        assert process.stdout.readline(), "it did not begin"
        return process

    def attempt(self, index_dir: Path, corpus: Path) -> Outcome:
        """What came of opening an index."""
        asked, answered = self._process.stdin, self._process.stdout
        assert asked is not None and answered is not None
        asked.write(json.dumps([str(index_dir), str(corpus)]).encode() + b"\n")
        if not select.select([answered], [], [], self._patience_seconds)[0]:
            return self._ended(Outcome("hung", ""))
        line = answered.readline()
        return Outcome(*json.loads(line)) if line else self._ended(Outcome("died", str(self._process.wait())))

    def _ended(self, outcome: Outcome) -> Outcome:
        self.close()
        self._process = self._started()
        return outcome

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


# --- what the process does


def opened(index_dir: Path, corpus: Path) -> StoredIndex:
    """As a question opens an index: loaded, searched, brought up to date."""
    stored = store.load(index_dir)
    use(stored)
    return build.update(corpus, index_dir, FakeEmbedder(), SETTINGS)[0]


def rebuilt(index_dir: Path, corpus: Path) -> StoredIndex:
    """As `qa index --rebuild`, and opened then."""
    build.update(corpus, index_dir, FakeEmbedder(), SETTINGS, rebuild=True)
    return opened(index_dir, corpus)


def use(stored: StoredIndex) -> None:
    """Asks for passages with an own word, a stranger's and a vector."""
    for question in (QUESTION, "the of", ""):
        vector = FakeEmbedder().encode([question])[0]
        hits = search(question, vector, stored.passages, stored.lexical, stored.dense, 5)
        documents = {document.id: document for document in stored.documents}
        for hit in hits:
            documents[hit.passage.document_id].as_written(hit.passage)


# --- openers that are wrong, each in one way, to see that it is noticed


def trusting(index_dir: Path, corpus: Path) -> StoredIndex:
    """One that takes whatever digests the files have for theirs."""
    place = Place(index_dir, next((index_dir / "generations").iterdir()), (), index_dir)
    seal(place)
    point(place)
    return store.load(index_dir)


def unpickling(index_dir: Path, corpus: Path) -> StoredIndex:
    """One that unpickles what is a pickle."""
    for path in files_below(index_dir / "generations"):
        if path.read_bytes().startswith(b"\x80"):
            pickle.loads(path.read_bytes())
    return store.load(index_dir)


def believing(index_dir: Path, corpus: Path) -> StoredIndex:
    """One that gives FAISS whatever lies there, and searches it."""
    import faiss

    raw = next(index_dir.rglob("dense.faiss")).read_bytes()
    index: Any = faiss.deserialize_index(np.frombuffer(raw, dtype=np.uint8))
    DenseIndex(index).scores(FakeEmbedder().encode(["x"])[0])
    return store.load(index_dir)


def waiting(index_dir: Path, corpus: Path) -> StoredIndex:
    """One that opens whatever has the name of a file."""
    for path in (index_dir / "generations").rglob("*.*"):
        with path.open("rb") as file:
            file.read(1)
    return store.load(index_dir)


def dying(index_dir: Path, corpus: Path) -> StoredIndex:
    """One that crashes where it should complain."""
    try:
        return store.load(index_dir)
    except UserError:
        os.abort()


OPENERS: dict[str, Callable[[Path, Path], StoredIndex]] = {
    opener.__name__: opener for opener in (opened, rebuilt, trusting, unpickling, believing, waiting, dying)
}


def attempt(opener: Callable[[Path, Path], StoredIndex], index_dir: Path, corpus: Path) -> tuple[str, str]:
    """The outcome, `loaded`, `refused` or `failed`, and the generation or the error."""
    try:
        return "loaded", opener(index_dir, corpus).generation
    except UserError as error:
        return "refused", f"{type(error).__name__}: {error}"
    except Exception as error:  # whatever it is, it is told and counted
        return "failed", f"{type(error).__name__}: {error}"


def main() -> None:
    # What takes room once, before the limit is set.
    import bm25s
    import faiss

    build.rules()
    DenseIndex.build(np.ones((1, 2), dtype=np.float32)).scores(np.ones(2, dtype=np.float32))
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + MOST_BYTES, taken + MOST_BYTES))
    opener = OPENERS[sys.argv[1]]
    print(json.dumps([bm25s.__name__, faiss.__name__]), flush=True)
    for line in sys.stdin:
        index_dir, corpus = map(Path, json.loads(line))
        print(json.dumps(attempt(opener, index_dir, corpus)), flush=True)


if __name__ == "__main__":
    main()

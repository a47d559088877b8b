"""Writers and readers of one index, each a process, and what an index must be whoever else is at work.

A writer changes its own articles and brings the index up to date; every article says its edition in each sentence. What
a process found is written to a file of its own at the end.
"""

import json
import os
import re
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from index import store
from index.chunker import passages
from index.errors import UserError
from index.generation import StoredIndex
from index.lexical import LexicalIndex
from tests.fakes import FakeEmbedder
from tests.torture import builds

_EDITION = re.compile(r"edición (\d+)")
_REBUILT_EVERY, _COMES_AND_GOES_EVERY = 7, 3


@dataclass
class Findings:
    """What one process saw: how often it came round, what was wrong, and the generations with their fingerprints."""

    rounds: int = 0
    faults: list[str] = field(default_factory=list)
    generations: dict[str, str] = field(default_factory=dict)

    def saw(self, stored: StoredIndex) -> None:
        """Notes a generation and what is wrong with it."""
        self.faults += torn(stored)
        self.generations[stored.generation] = stored.manifest.fingerprint

    @classmethod
    def of(cls, file: Path) -> "Findings":
        """What a process wrote down."""
        return cls(**json.loads(file.read_bytes()))


def write_all_the_time(place: Path, name: str, seconds: float) -> int:
    """A writer's life: change an article, update, look whether the change is there."""
    found, end = Findings(), time.monotonic() + seconds
    while time.monotonic() < end:
        found.rounds += 1
        _change(place / "articles", name, found.rounds)
        stored = builds.build(place / "articles", place / "index", rebuild=found.rounds % _REBUILT_EVERY == 0)
        found.saw(stored)
        if editions(stored).get(name) != found.rounds:
            found.faults.append(f"{name}: edition {editions(stored).get(name)} instead of {found.rounds}")
    return _told(found, place / f"{name}.json")


def read_all_the_time(place: Path, name: str, seconds: float) -> int:
    """A reader's life: load, search, and see that no article is older than before."""
    found, end = Findings(), time.monotonic() + seconds
    before: Mapping[str, int] = {}
    while time.monotonic() < end:
        found.rounds += 1
        try:
            stored = store.load(place / "index")
        except UserError as error:
            found.faults.append(str(error))
            continue
        found.saw(stored)
        found.faults += went_back(before, editions(stored))
        before = editions(stored)
    return _told(found, place / f"{name}.json")


def hold_the_lock(place: Path) -> int:
    """Becomes the writer, says so, and does nothing more."""
    with store.writing(place / "index"):
        (place / "held").touch()
        time.sleep(600)
    return builds.DONE


def torn(stored: StoredIndex) -> list[str]:
    """What in an index does not belong together."""
    texts = [passage.text for passage in stored.passages]
    checks = {
        "articles of two editions": all(len(set(_EDITION.findall(each.text))) == 1 for each in stored.documents),
        "passages of other articles": list(stored.passages)
        == [passage for document in stored.documents for passage in passages(document, builds.CHUNKER)],
        "vectors of other passages": np.array_equal(stored.dense.vectors(), FakeEmbedder().encode(texts)),
        "terms of other passages": _same_terms(stored.lexical, LexicalIndex.build(texts), texts),
        "no hits": bool(builds.ask(stored)),
    }
    return [f"{stored.generation}: {fault}" for fault, holds in checks.items() if not holds]


def editions(stored: StoredIndex) -> dict[str, int]:
    """The edition of every writer's article."""
    return {
        each.file.removesuffix(".txt"): int(_EDITION.findall(each.text)[0])
        for each in stored.documents
        if each.file.startswith("writer")
    }


def went_back(before: Mapping[str, int], after: Mapping[str, int]) -> list[str]:
    """The articles that are gone or older than they were."""
    older = {name: after.get(name, 0) for name, edition in before.items() if after.get(name, 0) < edition}
    return [f"{name}: {before[name]} before {edition}" for name, edition in older.items()]


def publish(file: Path, edition: int) -> None:
    """Has an article appear whole, and with a time of its own, however fast one edition follows another."""
    aside = file.with_name(f".{file.name}")
    sentence = f"Kim visitó el puerto en el mes de mayo, dijo en {file.stem} la edición {edition}.\n"
    aside.write_text(sentence * 4, "utf-8")
    os.utime(aside, ns=(10**18 + edition, 10**18 + edition))
    aside.replace(file)


def _same_terms(one: LexicalIndex, other: LexicalIndex, texts: list[str]) -> bool:
    words = " ".join(texts)
    return np.array_equal(one.scores(words), other.scores(words))


def _change(root: Path, name: str, edition: int) -> None:
    publish(root / f"{name}.txt", edition)
    passing = root / f"passing-{name}.txt"
    if edition % _COMES_AND_GOES_EVERY:
        publish(passing, edition)
    else:
        passing.unlink()


def _told(found: Findings, file: Path) -> int:
    file.write_text(json.dumps(asdict(found)), "utf-8")
    return builds.DONE

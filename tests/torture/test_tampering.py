"""A stored index that was tampered with or torn is refused with one clear message, and made anew when asked for.

Indexes of a few articles are altered at random and opened in another process, whose end would be seen. There are two
kinds: what befalls files, which digests tell, and what is done by someone who mends the digests, which only the form of
the files can tell.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random

import numpy as np
import pytest
from numpy.typing import NDArray

from index.build import update
from index.chunker import ChunkerSettings
from index.embedder import Embedder
from tests.fakes import FakeEmbedder
from tests.torture import forged_files, mutations, pickles
from tests.torture.forgeries import Forgery, drawn, forge
from tests.torture.mutations import Place, mutate, restore, state
from tests.torture.opening import PATIENCE_SECONDS, SETTINGS, Opening, Outcome
from tests.torture.trials import TORTURE, trials

ARTICLES = {
    "a.txt": "Titular del día\r\nKim recibió a Putin en el puerto. Hubo té, y nadie más habló.\r\nLlovía.\r\n",
    "b.txt": "China calla por ahora, según dicen.\nUna historia que sigue…\nOtra que también sigue…\n",
    "folder/c.md": "El Sr. Lavrov visitó Pyongyang en junio de 2000. Se llevó una limusina rusa, o eso se cree.\n",
}
OTHERS = {
    "a.txt": "Otra cosa: ganó la carrera un ciclista de Soria.\nNadie lo esperaba en la meta.\n",
    "x.txt": "Fin.\n",
}
REFUSED = "IndexDamagedError: the index in "
DO_THIS = "; run `qa index --rebuild` to make it anew"


class OtherEmbedder(FakeEmbedder):
    """One of the same dimension, of which every vector points elsewhere."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        turned: NDArray[np.float32] = np.roll(super().encode(texts), 1, axis=1)
        return turned


@pytest.fixture
def openings() -> Iterator[Callable[..., Opening]]:
    """Starts processes that are ended with the test."""
    started: list[Opening] = []

    def start(opener: str = "opened", patience_seconds: float = PATIENCE_SECONDS) -> Opening:
        started.append(Opening(opener, patience_seconds))
        return started[-1]

    yield start
    for each in started:
        each.close()


def write(folder: Path, articles: dict[str, str]) -> Path:
    for file, text in articles.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(text.encode())
    return folder


def generation(
    index_dir: Path, corpus: Path, embedder: Embedder | None = None, settings: ChunkerSettings = SETTINGS
) -> Path:
    """The folder of the generation that an index is made of."""
    stored, _ = update(corpus, index_dir, embedder or FakeEmbedder(), settings)
    return index_dir / "generations" / stored.generation


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("articles"), ARTICLES)


@pytest.fixture
def place(corpus: Path, tmp_path: Path) -> Place:
    """An index of the articles, and others: the same with other vectors, with other passages, of other articles."""
    others = write(tmp_path / "others", OTHERS)
    donors = (
        generation(tmp_path / "i", corpus, OtherEmbedder("d2")),
        generation(tmp_path / "j", corpus, settings=ChunkerSettings(40, 0)),
        generation(tmp_path / "k", others),
    )
    (outside := tmp_path / "outside").mkdir()
    own = generation(tmp_path / "index", corpus)
    return Place(tmp_path / "index", own, donors, outside)


def mark(place: Place) -> Path:
    """What would be there if anything had been run."""
    return place.outside / "mark"


def after_mutations(place: Place, corpus: Path, opening: Opening, count: int) -> Iterator[tuple[str, Outcome]]:
    """What was done and what came of it, so many times, each from the whole index."""
    random, before = Random(0), state(place.index_dir)
    for _ in range(count):
        kind = mutate(place, random)
        yield kind, opening.attempt(place.index_dir, corpus)
        restore(place.index_dir, before)


def after_forgeries(
    place: Place, corpus: Path, opening: Opening, draw: Callable[[int], Forgery], count: int
) -> Iterator[tuple[str, Outcome]]:
    before = state(place.index_dir)
    for number in range(count):
        forgery = draw(number)
        forge(place, forgery)
        yield forgery.name, opening.attempt(place.index_dir, corpus)
        restore(place.index_dir, before)


def is_clear(said: str) -> bool:
    return said.startswith(REFUSED) and " was altered or is incomplete: " in said and said.endswith(DO_THIS)


def test_nothing_that_befell_it_is_loaded(
    place: Place, corpus: Path, openings: Callable[..., Opening], figure: Callable[[str], None]
) -> None:
    assert openings().attempt(place.index_dir, corpus) == ("loaded", place.generation.name)
    found = list(after_mutations(place, corpus, openings(), count := trials(300, 10_000)))
    outcomes = Counter(outcome.kind for _, outcome in found)
    figure(f"{count:,} mutations of {len({kind for kind, _ in found})} kinds: {dict(outcomes)}")
    assert [each for each in found if not is_clear(each[1].said)] == []
    assert outcomes == {"refused": count}
    assert len({kind for kind, _ in found}) == len(mutations.KINDS)
    assert not mark(place).exists()


def test_forged_files_are_refused_by_their_form(
    place: Place, corpus: Path, openings: Callable[..., Opening], figure: Callable[[str], None]
) -> None:
    forgeries = forged_files.named(mark(place))
    if not TORTURE:
        forgeries = Random(0).sample(forgeries, 60)
    found = list(after_forgeries(place, corpus, openings(), forgeries.__getitem__, len(forgeries)))
    figure(f"{len(forgeries)} forged files with right digests: {dict(Counter(outcome.kind for _, outcome in found))}")
    assert [each for each in found if not each[1].said.endswith(DO_THIS)] == []
    assert {outcome.kind for _, outcome in found} == {"refused"}
    assert not mark(place).exists()


def test_whatever_is_forged_nothing_crashes(
    place: Place, corpus: Path, openings: Callable[..., Opening], figure: Callable[[str], None]
) -> None:
    random = Random(0)
    found = list(after_forgeries(place, corpus, openings(), lambda _: drawn(place, random), count := trials(60, 1_000)))
    outcomes = Counter(outcome.kind for _, outcome in found)
    figure(f"{count:,} forgeries at random with right digests: {dict(outcomes)}")
    assert [each for each in found if each[1].kind not in {"refused", "loaded"}] == []
    assert not mark(place).exists()


def test_whatever_befell_it_an_index_is_made_anew(
    place: Place, corpus: Path, openings: Callable[..., Opening], figure: Callable[[str], None]
) -> None:
    found = list(after_mutations(place, corpus, openings("rebuilt"), count := trials(10, 300)))
    figure(f"{count} mutations: {sum(outcome.kind == 'loaded' for _, outcome in found)} indexes made anew")
    assert [each for each in found if each[1].kind != "loaded"] == []


def test_a_pointer_of_a_hundred_mebibytes_is_refused(
    place: Place, corpus: Path, openings: Callable[..., Opening]
) -> None:
    size = trials(4, 100) * 1024**2
    with place.pointer.open("ab") as file:
        file.write(b" " * size)
    assert is_clear(openings().attempt(place.index_dir, corpus).said)
    place.pointer.write_bytes(b"[" * size)
    assert is_clear(openings().attempt(place.index_dir, corpus).said)


# --- that the trials would see it


def test_an_index_that_loads_in_silence_is_seen(place: Place, corpus: Path, openings: Callable[..., Opening]) -> None:
    found = list(after_mutations(place, corpus, openings("trusting"), 40))
    assert "loaded" in {outcome.kind for _, outcome in found}


def test_a_pickle_that_is_run_is_seen(place: Place, corpus: Path, openings: Callable[..., Opening]) -> None:
    (place.generation / "dense.faiss").write_bytes(pickles.leaving_a_mark(mark(place)))
    openings("unpickling").attempt(place.index_dir, corpus)
    assert mark(place).exists()


def test_memory_that_is_taken_is_seen(place: Place, corpus: Path, openings: Callable[..., Opening]) -> None:
    wanted = "vectors with {'numbers': 4294967296}"
    forge(place, next(each for each in forged_files.named(mark(place)) if each.name == wanted))
    assert openings("believing").attempt(place.index_dir, corpus) == ("failed", "MemoryError: std::bad_alloc")


def test_a_process_that_ends_or_waits_is_seen(place: Place, corpus: Path, openings: Callable[..., Opening]) -> None:
    before = state(place.index_dir)
    (place.generation / "passages.jsonl").write_bytes(b"")
    dying = openings("dying")
    assert [dying.attempt(place.index_dir, corpus) for _ in range(2)] == [("died", "-6")] * 2
    restore(place.index_dir, before)
    assert dying.attempt(place.index_dir, corpus).kind == "loaded"
    (place.generation / "dense.faiss").unlink()
    os.mkfifo(place.generation / "dense.faiss")
    assert openings("waiting", patience_seconds=1.0).attempt(place.index_dir, corpus).kind == "hung"

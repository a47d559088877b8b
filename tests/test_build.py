import hashlib
import json
import os
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index import store
from index.build import Changes, is_stale, rules, update
from index.chunker import ChunkerSettings
from index.corpus import load
from index.errors import CorpusError, IndexDamagedError, IndexMismatchError, UserError
from index.generation import StoredIndex
from index.spanish import NORMALISATION
from index.types import Skipped
from tests.fakes import FakeEmbedder

SMALL = ChunkerSettings(max_characters=60, min_characters=10)


class Folder:
    """A folder of articles with an index beside it. Every change gets a time of its own, however fast it comes."""

    def __init__(self, place: Path) -> None:
        self.root = place / "articles"
        self.index_dir = place / "index"
        self.root.mkdir(parents=True)
        self._clock = 10**18

    def put(self, file: str, content: str | bytes) -> None:
        path = self.root / file
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        self.touch(file)

    def touch(self, file: str) -> None:
        self._clock += 1000
        os.utime(self.root / file, ns=(self._clock, self._clock))

    def update(
        self, embedder: FakeEmbedder, chunker: ChunkerSettings = SMALL, rebuild: bool = False
    ) -> tuple[StoredIndex, Changes]:
        return update(self.root, self.index_dir, embedder, chunker, None, rebuild)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path)
    made.put("a.txt", "Kim viajó a Rusia en su tren.\nPutin lo recibió en el puerto.")
    made.put("b.txt", "China calla por ahora, según dicen.")
    return made


def test_a_first_update_embeds_and_stores_everything(folder: Folder) -> None:
    embedder = FakeEmbedder()
    stored, changes = folder.update(embedder)
    assert changes == Changes(("a.txt", "b.txt"), (), (), (), (), 3)
    assert stored.documents == load(folder.root).documents
    assert sorted(embedder.encoded) == sorted(passage.text for passage in stored.passages)
    assert stored.manifest.recipe.dimension == 32
    assert store.load(folder.index_dir).generation == stored.generation


def test_vectors_lie_in_the_order_of_the_passages(folder: Folder) -> None:
    stored, _ = folder.update(FakeEmbedder())
    expected = FakeEmbedder().encode([passage.text for passage in stored.passages])
    assert (stored.dense.vectors() == expected).all()


def test_an_update_without_changes_writes_and_embeds_nothing(folder: Folder) -> None:
    first, _ = folder.update(FakeEmbedder())
    embedder = FakeEmbedder()
    second, changes = folder.update(embedder)
    assert second.generation == first.generation
    assert changes == Changes((), (), (), ("a.txt", "b.txt"), (), 0)
    assert embedder.batches == []


def test_only_texts_that_are_new_are_embedded(folder: Folder) -> None:
    folder.update(FakeEmbedder())
    folder.put("a.txt", "Kim viajó a Rusia en su tren.\nPutin no lo recibió, al final.")
    folder.put("c.txt", "China calla por ahora, según dicen.")
    embedder = FakeEmbedder()
    stored, changes = folder.update(embedder)
    assert changes == Changes(("c.txt",), ("a.txt",), (), ("b.txt",), (), 1)
    assert embedder.encoded == ["Putin no lo recibió, al final."]
    assert (stored.dense.vectors() == FakeEmbedder().encode([passage.text for passage in stored.passages])).all()


def test_a_renamed_file_costs_no_embedding(folder: Folder) -> None:
    folder.update(FakeEmbedder())
    (folder.root / "b.txt").rename(folder.root / "z.txt")
    embedder = FakeEmbedder()
    _, changes = folder.update(embedder)
    assert changes == Changes(("z.txt",), (), ("b.txt",), ("a.txt",), (), 0)
    assert embedder.batches == []


def test_a_removed_file_leaves_the_index(folder: Folder) -> None:
    folder.update(FakeEmbedder())
    (folder.root / "a.txt").unlink()
    stored, changes = folder.update(FakeEmbedder())
    assert changes.removed == ("a.txt",)
    assert {passage.document_id for passage in stored.passages} == {stored.documents[0].id}
    assert [document.file for document in stored.documents] == ["b.txt"]


def test_a_touched_file_counts_as_unchanged_and_is_not_stale_again(folder: Folder) -> None:
    stored, _ = folder.update(FakeEmbedder())
    folder.touch("a.txt")
    assert is_stale(stored, folder.root)
    stored, changes = folder.update(FakeEmbedder())
    assert changes == Changes((), (), (), ("a.txt", "b.txt"), (), 0)
    assert not is_stale(stored, folder.root)


def test_files_of_the_same_size_and_time_are_not_read_again(folder: Folder) -> None:
    folder.update(FakeEmbedder())
    before = (folder.root / "b.txt").stat().st_mtime_ns
    (folder.root / "b.txt").write_bytes("China habla por ahora, según dicen.".encode())
    os.utime(folder.root / "b.txt", ns=(before, before))
    folder.put("c.txt", "Otra noticia.")
    _, changes = folder.update(FakeEmbedder())
    assert changes.unchanged == ("a.txt", "b.txt")


def test_skipped_files_are_reported_every_time_but_do_not_make_the_index_stale(folder: Folder) -> None:
    folder.put("x.txt", b"\0")
    folder.put("y.pdf", b"%PDF")
    skipped = (
        Skipped("x.txt", "binary data"),
        Skipped("y.pdf", "extension .pdf (read are .txt, .text, .md and none)"),
    )
    stored, changes = folder.update(FakeEmbedder())
    assert changes.skipped == skipped
    assert not is_stale(stored, folder.root)
    again, changes = folder.update(FakeEmbedder())
    assert (again.generation, changes.skipped) == (stored.generation, skipped)
    folder.put("x.txt", "Ahora es una noticia.")
    assert is_stale(stored, folder.root)
    assert folder.update(FakeEmbedder())[1].added == ("x.txt",)


def test_a_file_that_is_shown_under_the_name_of_an_article_does_not_take_its_place(folder: Folder) -> None:
    folder.put("a\\nb.txt", "Una noticia.")
    folder.put("a\nb.txt", "Otra que no se sirve.")
    folder.update(FakeEmbedder())
    folder.put("c.txt", "Una más.")
    stored, changes = folder.update(FakeEmbedder())
    assert "a\\nb.txt" in changes.unchanged
    assert stored.manifest.skipped == {}


def test_many_files_that_are_skipped_for_one_reason_are_counted(folder: Folder) -> None:
    for number in range(100):
        folder.put(f"x{number:02}.txt", b"\0")
    for _ in range(2):
        _, changes = folder.update(FakeEmbedder())
        assert Skipped("./", "80 files not named here: binary data", 80) in changes.skipped
        assert len(changes.skipped) == 21
        assert sum(each.files for each in changes.skipped) == 100


def test_staleness_is_seen_in_every_kind_of_change(folder: Folder) -> None:
    stored, _ = folder.update(FakeEmbedder())
    assert not is_stale(stored, folder.root)
    folder.put("c.txt", "Una más.")
    assert is_stale(stored, folder.root)
    (folder.root / "c.txt").unlink()
    assert not is_stale(stored, folder.root)
    (folder.root / "b.txt").unlink()
    assert is_stale(stored, folder.root)


def test_another_embedder_of_the_same_dimension_is_refused(folder: Folder) -> None:
    folder.update(FakeEmbedder("d1"))
    other = FakeEmbedder("d2", name="other")
    message = r"made with embedding model fake \(d1\); expected embedding model other \(d2\); run `qa index --rebuild`"
    with pytest.raises(IndexMismatchError, match=message):
        folder.update(other)
    assert other.batches == []


def test_the_same_embedder_under_another_name_is_the_same(folder: Folder) -> None:
    first, _ = folder.update(FakeEmbedder("d1"))
    assert folder.update(FakeEmbedder("d1", name="/a/path"))[0].generation == first.generation


def test_another_chunker_is_refused(folder: Folder) -> None:
    folder.update(FakeEmbedder())
    with pytest.raises(IndexMismatchError, match="passages of 10 to 60 characters; expected passages of 200 to 700"):
        folder.update(FakeEmbedder(), ChunkerSettings())


def test_an_index_made_by_other_rules_is_refused(folder: Folder) -> None:
    stored, _ = folder.update(FakeEmbedder())
    path = folder.index_dir / "generations" / stored.generation / "manifest.json"
    path.write_text(path.read_text().replace(rules(), "es-0.00000000"))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    (folder.index_dir / "current").write_text(json.dumps({"generation": stored.generation, "manifest": digest}))
    message = rf"made with normalisation es-0\.00000000; expected normalisation {re.escape(rules())}; run `qa index"
    with pytest.raises(IndexMismatchError, match=message):
        folder.update(FakeEmbedder())


def test_rules_are_told_by_their_name_and_by_what_they_make(folder: Folder) -> None:
    assert re.fullmatch(re.escape(NORMALISATION) + r"\.[0-9a-f]{8}", rules())
    assert folder.update(FakeEmbedder())[0].manifest.recipe.normalisation == rules()


def test_vectors_of_another_length_are_not_put_beside_those_of_the_index(folder: Folder) -> None:
    folder.update(FakeEmbedder("d1"))
    folder.put("c.txt", "Otra noticia.")
    with pytest.raises(IndexMismatchError, match=r"vectors of 32 numbers; expected 16; run `qa index --rebuild`"):
        folder.update(FakeEmbedder("d1", dimension=16))


def test_a_rebuild_starts_anew_with_the_new_settings(folder: Folder) -> None:
    folder.update(FakeEmbedder("d1"))
    stored, changes = folder.update(FakeEmbedder("d2"), ChunkerSettings(), rebuild=True)
    assert changes.added == ("a.txt", "b.txt")
    assert changes.embedded == len(stored.passages) == 2
    assert folder.update(FakeEmbedder("d2"), ChunkerSettings())[0].generation == stored.generation


def test_a_damaged_index_is_refused_until_it_is_rebuilt(folder: Folder) -> None:
    stored, _ = folder.update(FakeEmbedder())
    (folder.index_dir / "generations" / stored.generation / "dense.faiss").write_bytes(b"")
    with pytest.raises(IndexDamagedError, match=r"dense\.faiss"):
        folder.update(FakeEmbedder())
    folder.update(FakeEmbedder(), rebuild=True)
    folder.update(FakeEmbedder())


def test_the_old_index_outlives_a_folder_without_articles(folder: Folder) -> None:
    stored, _ = folder.update(FakeEmbedder())
    for file in ("a.txt", "b.txt"):
        (folder.root / file).unlink()
    with pytest.raises(CorpusError, match="no files in"):
        folder.update(FakeEmbedder())
    assert store.load(folder.index_dir).generation == stored.generation


def test_texts_are_embedded_in_batches_of_like_length_and_progress_is_told(folder: Folder) -> None:
    for number in range(70):
        folder.put(f"n{number}.txt", f"Noticia número {number} " + "x" * (number % 30))
    embedder = FakeEmbedder()
    told: list[tuple[int, int]] = []
    update(folder.root, folder.index_dir, embedder, SMALL, lambda done, total: told.append((done, total)))
    assert told == [(32, 73), (64, 73), (73, 73)]
    lengths = [len(text) for text in embedder.encoded]
    assert lengths == sorted(lengths, reverse=True)


def test_the_index_may_lie_inside_the_corpus_folder_but_not_be_it(folder: Folder) -> None:
    inside = folder.root / "index"
    stored, _ = update(folder.root, inside, FakeEmbedder(), SMALL)
    again, changes = update(folder.root, inside, FakeEmbedder(), SMALL)
    assert again.generation == stored.generation
    assert changes.unchanged == ("a.txt", "b.txt")
    with pytest.raises(UserError, match="is the folder of articles"):
        update(folder.root, folder.root, FakeEmbedder(), SMALL)


CONTENTS = st.sampled_from(["", "Kim viajó.", "Putin habló.\nY más."])
STEPS = st.lists(st.tuples(st.sampled_from("abc"), CONTENTS), max_size=8)


@settings(max_examples=10)
@given(steps=STEPS)
def test_step_by_step_the_index_is_the_one_made_at_once(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str]]
) -> None:
    folder = Folder(tmp_path_factory.mktemp("steps"))
    folder.put("always.txt", "Una noticia que queda.")
    for file, content in steps:
        if content:
            folder.put(file, content)
        else:
            (folder.root / file).unlink(missing_ok=True)
        folder.update(FakeEmbedder())
    stored, _ = folder.update(FakeEmbedder())
    anew, _ = folder.update(FakeEmbedder(), rebuild=True)
    assert (stored.documents, stored.passages, stored.stats) == (anew.documents, anew.passages, anew.stats)
    assert (stored.dense.vectors() == anew.dense.vectors()).all()
    assert stored.manifest.fingerprint == anew.manifest.fingerprint

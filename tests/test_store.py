import hashlib
import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from types import FrameType

import bm25s
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from index import store
from index.chunker import ChunkerSettings, passages
from index.corpus import FileStat
from index.dense import DenseIndex
from index.errors import IndexDamagedError, IndexMismatchError, UserError
from index.generation import Draft
from index.lexical import LexicalIndex
from index.manifest import Recipe
from index.plain import plain
from index.spanish import analyse
from index.types import Document
from tests.fakes import FakeEmbedder

TEXTS = ("Kim viajó a Rusia en tren.\r\nPutin lo recibió.\u2028Hubo té.", "China \x1b[31mcalla.\n\nUno…\nDos…", "Ñ")


class InterruptedLexicalIndex(LexicalIndex):
    """One that does not survive being saved, as when the machine is switched off."""

    def save(self, folder: Path) -> None:
        folder.mkdir()
        (folder / "half").write_bytes(b"half")
        raise InterruptedError("switched off")


class KilledLexicalIndex(LexicalIndex):
    def save(self, folder: Path) -> None:
        folder.mkdir()
        (folder / "half").write_bytes(b"half")
        os.kill(os.getpid(), signal.SIGKILL)


def draft(texts: tuple[str, ...] = TEXTS) -> Draft:
    documents = [Document(f"d{n}", f"{n}.txt", f"{n}" * 64, "utf-8", *plain(text)) for n, text in enumerate(texts)]
    cut = [passage for document in documents for passage in passages(document, ChunkerSettings())]
    written = [passage.text for passage in cut]
    return Draft(
        documents=documents,
        stats={document.file: FileStat(document.file, 9, 10**18 + 1) for document in documents},
        passages=cut,
        lexical=LexicalIndex.build(written),
        dense=DenseIndex.build(FakeEmbedder().encode(written)),
        recipe=Recipe(ChunkerSettings(), "fake", "d1", 32, "n1"),
        skipped={FileStat("b.txt", 1, 2): "binary data"},
    )


def generation_folder(index_dir: Path) -> Path:
    pointer = json.loads((index_dir / "current").read_bytes())
    return index_dir / "generations" / str(pointer["generation"])


def files_of(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_loading_gives_what_was_written(tmp_path: Path) -> None:
    given_draft = draft()
    generation = store.write(tmp_path, given_draft)
    stored = store.load(tmp_path)
    assert stored.generation == stored.manifest.generation == generation
    assert stored.documents == tuple(given_draft.documents)
    assert stored.passages == tuple(given_draft.passages)
    assert stored.stats == given_draft.stats
    assert stored.manifest.recipe == given_draft.recipe
    assert stored.manifest.skipped == given_draft.skipped
    assert stored.manifest.corpus == {document.file: document.sha256 for document in given_draft.documents}
    assert (stored.dense.vectors() == given_draft.dense.vectors()).all()
    assert (stored.lexical.scores("tren") == given_draft.lexical.scores("tren")).all()
    assert stored.lexical.scores("tren").any()


def _is_text(written: str) -> bool:
    return bool(plain(written)[0].strip())


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"])).filter(_is_text), min_size=1, max_size=4))
def test_any_texts_survive(tmp_path: Path, texts: list[str]) -> None:
    given_draft = draft(tuple(texts))
    store.write(tmp_path, given_draft)
    stored = store.load(tmp_path)
    assert stored.documents == tuple(given_draft.documents)
    assert stored.passages == tuple(given_draft.passages)


def test_an_index_exists_once_it_is_complete(tmp_path: Path) -> None:
    assert not store.exists(tmp_path / "no")
    with pytest.raises(IndexDamagedError, match="current"):
        store.load(tmp_path / "no")
    store.write(tmp_path / "yes", draft())
    assert store.exists(tmp_path / "yes")


def test_equal_contents_have_one_fingerprint_and_others_another(tmp_path: Path) -> None:
    for name, texts in (("a", TEXTS), ("b", TEXTS), ("c", TEXTS[:2])):
        store.write(tmp_path / name, draft(texts))
    first, second, third = (store.load(tmp_path / name).manifest.fingerprint for name in "abc")
    assert first == second != third


def test_nothing_in_a_generation_is_a_pickle(tmp_path: Path) -> None:
    store.write(tmp_path, draft())
    for path in files_of(generation_folder(tmp_path)):
        raw = path.read_bytes()
        assert not raw.startswith(b"\x80"), path
        assert b"numpy._core" not in raw, path


def test_the_lexical_files_hold_what_bm25s_would_write(tmp_path: Path) -> None:
    # It is not asked to, because it does not hear of a full disk; it reads them all the same.
    given_draft = draft()
    store.write(tmp_path / "index", given_draft)
    ours = generation_folder(tmp_path / "index") / "lexical"
    parameters = json.loads((ours / "params.index.json").read_bytes())
    scorer = bm25s.BM25(k1=parameters["k1"], b=parameters["b"], method="lucene")
    scorer.index([analyse(passage.text) for passage in given_draft.passages], show_progress=False)
    scorer.save(str(tmp_path / "theirs"), show_progress=False)
    assert [path.name for path in files_of(ours)] == [path.name for path in files_of(tmp_path / "theirs")]
    for path in files_of(ours):
        written, expected = path.read_bytes(), (tmp_path / "theirs" / path.name).read_bytes()
        assert written == expected or json.loads(written) == json.loads(expected), path.name


def test_one_flipped_byte_anywhere_is_found(tmp_path: Path) -> None:
    store.write(tmp_path, draft())
    paths = files_of(generation_folder(tmp_path))
    assert len(paths) > 5
    for path in paths:
        whole = path.read_bytes()
        for position in {0, len(whole) // 2, len(whole) - 1}:
            path.write_bytes(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
            with pytest.raises(IndexDamagedError, match=f"altered or is incomplete: .*{path.name}"):
                store.load(tmp_path)
        path.write_bytes(whole)
    store.load(tmp_path)


def test_a_truncated_emptied_or_missing_file_is_found(tmp_path: Path) -> None:
    store.write(tmp_path, draft())
    for path in files_of(generation_folder(tmp_path)):
        whole = path.read_bytes()
        for shorter in (whole[:-1], b""):
            path.write_bytes(shorter)
            with pytest.raises(IndexDamagedError, match=path.name):
                store.load(tmp_path)
        path.unlink()
        with pytest.raises(IndexDamagedError, match=path.name):
            store.load(tmp_path)
        path.write_bytes(whole)


@pytest.mark.parametrize("file", ["extra.json", "lexical/extra.npy"])
def test_a_file_too_many_is_found(tmp_path: Path, file: str) -> None:
    store.write(tmp_path, draft())
    (generation_folder(tmp_path) / file).write_bytes(b"{}")
    with pytest.raises(IndexDamagedError, match=Path(file).name):
        store.load(tmp_path)


def test_a_link_to_a_folder_is_a_file_too_many(tmp_path: Path) -> None:
    store.write(tmp_path, draft())
    (generation_folder(tmp_path) / "more").symlink_to(tmp_path)
    with pytest.raises(IndexDamagedError, match="more"):
        store.load(tmp_path)


def test_swapped_files_are_found(tmp_path: Path) -> None:
    store.write(tmp_path, draft())
    folder = generation_folder(tmp_path)
    (folder / "documents.jsonl").rename(folder / "aside")
    (folder / "passages.jsonl").rename(folder / "documents.jsonl")
    (folder / "aside").rename(folder / "passages.jsonl")
    with pytest.raises(IndexDamagedError, match=r"\.jsonl"):
        store.load(tmp_path)


def test_files_of_another_generation_are_found(tmp_path: Path) -> None:
    store.write(tmp_path, draft(TEXTS[:1]))
    before = generation_folder(tmp_path)
    store.write(tmp_path, draft())
    for file in ("documents.jsonl", "dense.faiss", "manifest.json"):
        path = generation_folder(tmp_path) / file
        whole = path.read_bytes()
        path.write_bytes((before / file).read_bytes())
        with pytest.raises(IndexDamagedError, match=file):
            store.load(tmp_path)
        path.write_bytes(whole)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b'{"generation": "0123456789abcdef", "manifest": "0"}',
        b'{"generation": "../../elsewhere", "manifest": "0"}',
    ],
)
def test_an_altered_pointer_is_found(tmp_path: Path, raw: bytes) -> None:
    store.write(tmp_path, draft())
    (tmp_path / "current").write_bytes(raw)
    with pytest.raises(IndexDamagedError):
        store.load(tmp_path)


def test_a_pointer_to_the_generation_before_with_the_wrong_digest_is_found(tmp_path: Path) -> None:
    first = store.write(tmp_path, draft(TEXTS[:1]))
    store.write(tmp_path, draft())
    pointer = json.loads((tmp_path / "current").read_bytes())
    (tmp_path / "current").write_text(json.dumps({**pointer, "generation": first}))
    with pytest.raises(IndexDamagedError, match=r"manifest\.json"):
        store.load(tmp_path)


def test_another_schema_is_a_mismatch(tmp_path: Path) -> None:
    store.write(tmp_path, draft())
    path = generation_folder(tmp_path) / "manifest.json"
    path.write_text(json.dumps({"schema": 7}))
    pointer = json.loads((tmp_path / "current").read_bytes())
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    (tmp_path / "current").write_text(json.dumps({**pointer, "manifest": digest}))
    with pytest.raises(IndexMismatchError, match="an index of schema 7; expected schema 2; run `qa index --rebuild`"):
        store.load(tmp_path)


def test_the_generation_before_stays_and_older_ones_go(tmp_path: Path) -> None:
    written = [store.write(tmp_path, draft(TEXTS[:count])) for count in (1, 2, 3)]
    assert {path.name for path in (tmp_path / "generations").iterdir()} == set(written[1:])


def test_a_failed_write_leaves_the_old_index_and_nothing_else(tmp_path: Path) -> None:
    first = store.write(tmp_path, draft(TEXTS[:1]))
    before = files_of(tmp_path)
    lexical = InterruptedLexicalIndex.build(["x"])
    with pytest.raises(UserError, match="cannot be written"):
        store.write(tmp_path, replace(draft(), lexical=lexical))
    assert store.load(tmp_path).generation == first
    assert files_of(tmp_path) == before


def test_a_tag_that_is_right_is_not_written_again(tmp_path: Path) -> None:
    # On a full disk it would be emptied and stay so.
    store.write(tmp_path, draft())
    tag = tmp_path / "CACHEDIR.TAG"
    whole, written = tag.read_bytes(), tag.stat().st_mtime_ns
    assert whole.startswith(b"Signature: 8a477f597d28d172789f06886806bc55\n")
    store.write(tmp_path, draft())
    assert tag.stat().st_mtime_ns == written
    tag.write_bytes(b"")
    store.write(tmp_path, draft())
    assert tag.read_bytes() == whole


def test_a_killed_writer_leaves_the_old_index_and_no_lock(tmp_path: Path) -> None:
    first = store.write(tmp_path, draft(TEXTS[:1]))
    doomed = replace(draft(), lexical=KilledLexicalIndex.build(["x"]))
    child = os.fork()
    if child == 0:
        store.write(tmp_path, doomed)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert store.load(tmp_path).generation == first
    second = store.write(tmp_path, draft())
    assert {path.name for path in (tmp_path / "generations").iterdir()} == {first, second}


def test_folders_that_are_no_generations_are_not_removed(tmp_path: Path) -> None:
    (tmp_path / "generations" / "mine").mkdir(parents=True)
    for count in (1, 2, 3):
        store.write(tmp_path, draft(TEXTS[:count]))
    assert (tmp_path / "generations" / "mine").is_dir()


def test_a_second_writer_is_refused_while_one_is_at_work(tmp_path: Path) -> None:
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        with store.writing(tmp_path):
            os.write(write_end, b"!")
            signal.pause()
    try:
        os.read(read_end, 1)
        with pytest.raises(UserError, match="another process is writing"), store.writing(tmp_path, wait_seconds=0.05):
            pass
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(read_end)
        os.close(write_end)
    store.write(tmp_path, draft())


def test_a_reader_needs_no_lock(tmp_path: Path) -> None:
    store.write(tmp_path, draft())
    with store.writing(tmp_path):
        store.load(tmp_path)


def test_a_reader_overtaken_again_and_again_reads_the_last_index(tmp_path: Path) -> None:
    written = [store.write(tmp_path, draft(TEXTS[:1]))]

    def overtake(frame: FrameType, event: str, argument: object) -> None:
        # The manifest was read; before its files are compared with it they are gone, and another generation as well.
        if event == "call" and frame.f_code.co_name == "_check_digests" and len(written) < 9:
            sys.setprofile(None)
            written.extend(store.write(tmp_path, draft(TEXTS[:count])) for count in (1, 2))
            sys.setprofile(overtake)

    sys.setprofile(overtake)
    try:
        generation = store.load(tmp_path).generation
    finally:
        sys.setprofile(None)
    assert (generation, len(written)) == (written[-1], 9)


def test_the_folder_above_need_not_be_readable(tmp_path: Path) -> None:
    tmp_path.chmod(0o300)
    if os.access(tmp_path, os.R_OK):
        pytest.skip("permissions do not bind this user")
    generation = store.write(tmp_path / "index", draft())
    assert store.load(tmp_path / "index").generation == generation


def test_a_folder_that_cannot_be_made_is_an_error_for_the_user(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UserError, match=r"the index folder .*file/index cannot be written \(Not a directory\)"):
        store.write(tmp_path / "file" / "index", draft())


def test_vectors_that_are_not_those_of_the_passages_are_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="passages but"):
        store.write(tmp_path, replace(draft(), passages=draft().passages[:1]))


def test_each_corpus_folder_has_its_own_place_whatever_path_leads_there(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    place = store.default_index_dir(tmp_path)
    assert place.parts[-3:-1] == ("consta", "indexes")
    assert len(place.name) == 16
    assert store.default_index_dir(tmp_path / "link") == place
    assert store.default_index_dir(tmp_path / "other") != place

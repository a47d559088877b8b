"""Several processes at one index: writers one after another, readers beside them, none in the way of the others."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from index import store
from index.generation import StoredIndex
from tests.torture import builds
from tests.torture.builds import DONE
from tests.torture.crowd import (
    Findings,
    editions,
    hold_the_lock,
    publish,
    read_all_the_time,
    torn,
    went_back,
    write_all_the_time,
)
from tests.torture.faults import PATIENCE_SECONDS, Child
from tests.torture.trials import trials

WRITERS, READERS, KILLED = 4, 8, -9


def all_at_once(children: list[Child]) -> list[int]:
    for child in children:
        child.release()
    return [child.status() for child in children]


def test_writers_and_readers_at_once_see_whole_indexes_only(tmp_path: Path, figure: Callable[[str], None]) -> None:
    builds.write_articles(tmp_path / "articles", 1)
    first = builds.build(tmp_path / "articles", tmp_path / "index")
    lives = [write_all_the_time] * WRITERS + [read_all_the_time] * READERS
    names = [f"{'writer' if live is write_all_the_time else 'reader'}{number}" for number, live in enumerate(lives)]
    seconds = trials(3, 60)
    began = [
        Child(live, tmp_path, name, seconds, patience_seconds=seconds + PATIENCE_SECONDS)
        for live, name in zip(lives, names, strict=True)
    ]
    assert all_at_once(began) == [DONE] * len(lives)
    found = [Findings.of(tmp_path / f"{name}.json") for name in names]
    assert [fault for each in found for fault in each.faults] == []
    written = {first.generation: first.manifest.fingerprint}
    for each in found[:WRITERS]:
        written |= each.generations
    for each in found[WRITERS:]:
        assert each.generations.items() <= written.items(), "a reader saw what nobody wrote"
    assert all(each.rounds > 0 for each in found)
    rounds = [sum(each.rounds for each in half) for half in (found[:WRITERS], found[WRITERS:])]
    figure(f"{seconds} s: {len(written)} generations in {rounds[0]} updates, {rounds[1]} readings, 0 torn, 0 errors")


def two_editions(place: Path) -> tuple[StoredIndex, StoredIndex]:
    made = []
    for version in (1, 2):
        builds.write_articles(place / "articles", version)
        made.append(builds.build(place / "articles", place / "index"))
    return made[0], made[1]


def test_the_trial_sees_parts_of_two_indexes(tmp_path: Path) -> None:
    old, new = two_editions(tmp_path)
    assert torn(old) == torn(new) == []
    assert "vectors" in torn(replace(new, dense=old.dense))[0]
    assert "terms" in torn(replace(new, lexical=old.lexical))[0]
    assert "passages" in torn(replace(new, passages=old.passages))[0]
    assert "passages" in torn(replace(new, documents=old.documents))[0]
    mixed = replace(new.documents[0], text=new.documents[0].text + "La edición 7.")
    assert "editions" in torn(replace(new, documents=(mixed, *new.documents[1:])))[0]


def test_the_trial_sees_a_writer_that_undoes_what_another_did(tmp_path: Path) -> None:
    articles, index_dir = tmp_path / "articles", tmp_path / "index"
    articles.mkdir()
    editions_served = []
    for edition in (1, 2):
        publish(articles / "writer0.txt", edition)
        editions_served.append(builds.build(articles, index_dir))
    first, second = editions_served
    store.write(index_dir, builds.draft_of(first))  # what it read before the other wrote
    assert went_back(editions(second), editions(store.load(index_dir))) == ["writer0: 2 before 1"]


def test_a_first_build_by_several_at_once_is_one_index(tmp_path: Path) -> None:
    builds.write_articles(tmp_path / "articles", 1)
    for number in range(trials(2, 30)):
        index_dir = tmp_path / str(number) / "index"
        began = [Child(builds.build_in_process, tmp_path / "articles", index_dir) for _ in range(WRITERS)]
        assert all_at_once(began) == [DONE] * WRITERS
        # The others found it made when it was their turn.
        assert len(builds.names(index_dir)[1]) == 1
        assert torn(store.load(index_dir)) == []


def test_writers_go_on_when_the_one_at_work_dies(tmp_path: Path) -> None:
    builds.write_articles(tmp_path / "articles", 1)
    holder = Child(hold_the_lock, tmp_path)
    holder.release()
    while not (tmp_path / "held").exists():
        time.sleep(0.01)
    waiting = [Child(builds.build_in_process, tmp_path / "articles", tmp_path / "index") for _ in range(WRITERS)]
    for child in waiting:
        child.release()
    assert not store.exists(tmp_path / "index")
    holder.kill()
    assert holder.status() == KILLED
    assert [child.status() for child in waiting] == [DONE] * WRITERS
    assert torn(store.load(tmp_path / "index")) == []

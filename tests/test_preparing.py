"""The reader prepared: made once, in the fastest format, kept whole, and made anew when an input changes."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from qa import preparing
from qa.errors import ModelError
from qa.merging import FORMATS
from qa.model import LlamaModel, file_digest
from qa.preparing import fastest_of, format_of, prepare
from tests.models import THREADS
from tests.tiny_gguf import write_adapter, write_model


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    return write_model(tmp_path / "m.gguf")


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    return write_adapter(tmp_path / "a.gguf")


def never(paths: Sequence[Path]) -> int:
    raise AssertionError("it is there already")


def test_it_is_made_once_for_the_same_two_files(tmp_path: Path, weights: Path, adapter: Path) -> None:
    told: list[str] = []
    first = prepare(weights, adapter, tmp_path / "made", lambda paths: 0, lambda: told.append("once"))
    made = first.stat().st_mtime_ns
    assert prepare(weights, adapter, tmp_path / "made", never, lambda: told.append("twice")) == first
    assert told == ["once"]
    assert first.stat().st_mtime_ns == made
    other = prepare(weights, write_adapter(tmp_path / "b.gguf", seed=2), tmp_path / "made")
    assert other != first
    assert list((tmp_path / "made").iterdir()) == [other]  # one that no version here uses takes no room


@pytest.mark.parametrize("number", range(len(FORMATS)))
def test_the_chosen_format_is_kept_and_named(tmp_path: Path, weights: Path, adapter: Path, number: int) -> None:
    made = prepare(weights, adapter, tmp_path / "made", lambda paths: number)
    assert format_of(made) == FORMATS[number]
    assert file_digest(made)[:32] in made.name
    assert list((tmp_path / "made").iterdir()) == [made]
    assert LlamaModel.open(made, threads=THREADS).vocabulary_size


def test_without_a_choice_it_is_the_first_format(tmp_path: Path, weights: Path, adapter: Path) -> None:
    assert format_of(prepare(weights, adapter, tmp_path / "made")) == FORMATS[0]


def test_a_file_that_does_not_tell_its_format_is_made_anew(tmp_path: Path, weights: Path, adapter: Path) -> None:
    made = prepare(weights, adapter, tmp_path / "made")
    made.rename(made.with_name(made.name.replace("-F16", "")))
    assert prepare(weights, adapter, tmp_path / "made") == made
    assert list((tmp_path / "made").iterdir()) == [made]


def test_what_cannot_be_merged_leaves_nothing_behind(tmp_path: Path, weights: Path, adapter: Path) -> None:
    adapter.write_bytes(weights.read_bytes())
    with pytest.raises(ModelError, match="cannot be merged"):
        prepare(weights, adapter, tmp_path / "made")
    assert list((tmp_path / "made").iterdir()) == []


def test_a_file_that_was_altered_is_made_anew(tmp_path: Path, weights: Path, adapter: Path) -> None:
    merged = prepare(weights, adapter, tmp_path / "made")
    right = merged.read_bytes()
    merged.write_bytes(right[:-1] + bytes([right[-1] ^ 1]))
    assert prepare(weights, adapter, tmp_path / "made") == merged
    assert merged.read_bytes() == right


def test_what_a_killed_process_left_is_removed_and_what_another_is_making_is_not(
    tmp_path: Path, weights: Path, adapter: Path
) -> None:
    made = tmp_path / "made"
    for name, place in (("left", made / "left"), ("left", made / "killed"), ("growing", made / "growing")):
        place.mkdir(parents=True)
        (place / "F16.gguf").write_bytes(b"half")
        if name == "left":
            os.utime(place, (0, 0))
    (made / "old").write_bytes(b"half")
    os.utime(made / "old", (0, 0))
    merged = prepare(weights, adapter, made)
    assert sorted(made.iterdir()) == sorted([merged, made / "growing"])


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [((1.0, 0.95, 1.2), 0), ((1.0, 0.8, 0.7), 2), ((1.0, 0.8, 0.85), 1), ((0.5, 0.8, 0.7), 0)],
)
def test_the_first_gives_way_only_to_what_is_clearly_faster(
    weights: Path, monkeypatch: pytest.MonkeyPatch, seconds: tuple[float, ...], expected: int
) -> None:
    paths = [write_model(weights.with_name(f"{number}.gguf")) for number in range(3)]
    taken = {str(path): time for path, time in zip(paths, seconds, strict=True)}
    monkeypatch.setattr(preparing, "_seconds", lambda model: taken[str(model.path)])
    assert fastest_of(paths, THREADS) == expected


def test_the_time_of_reading_is_taken(weights: Path) -> None:
    assert preparing._seconds(LlamaModel.open(weights, 512, THREADS, branching=True)) > 0

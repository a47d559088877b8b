"""The reader prepared: made once, in the fastest format, kept whole, and made anew when an input changes."""

import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from qa import preparing
from qa.answer import ADAPTER
from qa.errors import ModelError
from qa.merging import FORMATS, Format, merge_adapter
from qa.model import LlamaModel, Logprobs
from qa.model_files import file_digest, find_bundled_model
from qa.preparing import fastest_of, format_of, prepare
from tests.commands import ROOT
from tests.models import THREADS
from tests.tiny_gguf import write_adapter, write_model


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    return write_model(tmp_path / "m.gguf")


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    return write_adapter(tmp_path / "a.gguf")


def files_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.name != ".lock")


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
    assert files_in(tmp_path / "made") == [other]  # one that no version here uses takes no room


@pytest.mark.parametrize("number", range(len(FORMATS)))
def test_the_chosen_format_is_kept_and_named(tmp_path: Path, weights: Path, adapter: Path, number: int) -> None:
    made = prepare(weights, adapter, tmp_path / "made", lambda paths: number)
    assert format_of(made) == FORMATS[number]
    assert file_digest(made)[:32] in made.name
    assert files_in(tmp_path / "made") == [made]
    assert LlamaModel.open(made, threads=THREADS).vocabulary_size


def test_without_a_choice_it_is_the_first_format(tmp_path: Path, weights: Path, adapter: Path) -> None:
    assert format_of(prepare(weights, adapter, tmp_path / "made")) == FORMATS[0]


def test_a_file_that_does_not_tell_its_format_is_made_anew(tmp_path: Path, weights: Path, adapter: Path) -> None:
    made = prepare(weights, adapter, tmp_path / "made")
    made.rename(made.with_name(made.name.replace("-F16", "")))
    assert prepare(weights, adapter, tmp_path / "made") == made
    assert files_in(tmp_path / "made") == [made]


def test_what_cannot_be_merged_leaves_nothing_behind(tmp_path: Path, weights: Path, adapter: Path) -> None:
    adapter.write_bytes(weights.read_bytes())
    with pytest.raises(ModelError, match="cannot be merged"):
        prepare(weights, adapter, tmp_path / "made")
    assert files_in(tmp_path / "made") == []


def test_a_file_that_was_altered_is_made_anew(tmp_path: Path, weights: Path, adapter: Path) -> None:
    merged = prepare(weights, adapter, tmp_path / "made")
    right = merged.read_bytes()
    merged.write_bytes(right[:-1] + bytes([right[-1] ^ 1]))
    assert prepare(weights, adapter, tmp_path / "made") == merged
    assert merged.read_bytes() == right


def test_what_a_killed_process_left_is_removed(tmp_path: Path, weights: Path, adapter: Path) -> None:
    made = tmp_path / "made"
    (made / "killed").mkdir(parents=True)
    (made / "killed" / "F16.gguf").write_bytes(b"half")
    (made / "old.gguf").write_bytes(b"half")
    (made / "elsewhere").symlink_to(tmp_path)
    merged = prepare(weights, adapter, made)
    assert files_in(made) == [merged]
    assert weights.exists()


def test_several_at_once_agree_on_one(tmp_path: Path, weights: Path, adapter: Path) -> None:
    choices = iter(range(len(FORMATS)))

    def another(paths: Sequence[Path]) -> int:
        return next(choices)  # each would choose another format

    with ThreadPoolExecutor(3) as pool:
        found = set(pool.map(lambda _: prepare(weights, adapter, tmp_path / "made", another), range(3)))
    assert len(found) == 1
    assert files_in(tmp_path / "made") == sorted(found)
    assert next(choices) == 1


def test_others_may_not_write_to_it(tmp_path: Path, weights: Path, adapter: Path) -> None:
    before = os.umask(0)
    try:
        assert prepare(weights, adapter, tmp_path / "made").stat().st_mode & 0o777 == 0o600
    finally:
        os.umask(before)


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


def test_a_file_that_does_not_open_is_left_out_but_for_the_first(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, broken = write_model(tmp_path / "fast.gguf"), tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF and no more")
    monkeypatch.setattr(preparing, "_seconds", lambda model: 0.5 if model.path == other else 1.0)
    assert fastest_of([weights, broken, other], THREADS) == 2
    with pytest.raises(ModelError):
        fastest_of([broken, weights], THREADS)


def test_the_time_is_that_of_reading(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = LlamaModel.open(weights, 512, THREADS, branching=True)
    start = model.start

    def slowly(tokens: Sequence[int]) -> Logprobs:
        time.sleep(0.2)
        return start(tokens)

    monkeypatch.setattr(model, "start", slowly)
    assert preparing._seconds(model) > 0.2


@pytest.mark.parametrize("written_in", FORMATS)
def test_no_figure_depends_on_the_number_of_threads(tmp_path: Path, written_in: Format) -> None:
    # The installed model itself: how its matrices are divided among threads is decided by their sizes.
    (path,) = merge_adapter(find_bundled_model(), ROOT / "qa" / ADAPTER, {written_in: tmp_path / "m.gguf"})
    text, paths = list(range(100, 161)), [[200 + number] * (3 + number) for number in range(5)]

    def figures(threads: int) -> list[bytes]:
        with closing(LlamaModel.open(path, 512, threads, branching=True)) as model:
            return [model.start(text).tobytes(), *(rows.tobytes() for rows in model.explore(paths, range(1000)))]

    expected = figures(1)
    assert all(figures(threads) == expected for threads in (2, 3, 4, 7))

"""Two sides by turns, and what is worked out of their values."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from eval.bench.corpus import MadeCorpus
from eval.bench.machine import machine, processor
from eval.bench.pairs import Pairs, alternated, drawn, seconds_of, warmed
from eval.bench.report import record, rounded, table
from eval.bench.rows import Row, Side, least_row, median_row, ratio_row, share_row
from eval.types import Figure

TITLES = ("ours", "the libraries")


class Turns:
    """Two sides that note whose turn it was; each takes a second longer every time."""

    def __init__(self) -> None:
        self.taken = ""
        self._seconds = {"A": 0.0, "B": 100.0}

    def side(self, name: str) -> float:
        self.taken += name
        self._seconds[name] += 1
        return self._seconds[name]

    def ours(self) -> float:
        return self.side("A")

    def bare(self) -> float:
        return self.side("B")


def test_the_sides_take_turns_and_the_order_of_a_pair_changes() -> None:
    turns = Turns()
    pairs = alternated(turns.ours, turns.bare, 4)
    assert turns.taken == "ABBAABBA"
    assert pairs == Pairs((1, 2, 3, 4), (101, 102, 103, 104))


def test_later_pairs_go_on_where_the_earlier_ones_stopped() -> None:
    turns = Turns()
    alternated(turns.ours, turns.bare, 2, begun=1)
    assert turns.taken == "BAAB"


def test_what_warms_up_does_not_count() -> None:
    turns = Turns()
    pairs = warmed(turns.ours, turns.bare, 2)
    assert turns.taken == "ABABBA"
    assert pairs == Pairs((2, 3), (102, 103))


def test_pairs_are_joined_side_by_side() -> None:
    assert Pairs((1,), (2,)) + Pairs((3,), (4,)) == Pairs((1, 3), (2, 4))


def test_seconds_are_those_of_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([10.0, 12.5])
    monkeypatch.setattr("time.perf_counter", lambda: next(clock))
    assert seconds_of(lambda: None) == 2.5


def test_drawing_is_the_same_every_time_and_without_repeats_while_there_are_others() -> None:
    some = drawn(range(10), 7)
    assert some == drawn(range(10), 7) == drawn(range(10), 10)[:7]
    assert len(set(some)) == 7
    assert sorted(drawn(range(3), 7)[:6]) == [0, 0, 1, 1, 2, 2]
    with pytest.raises(ValueError, match="nothing"):
        drawn([], 1)


# --- Rows ---


def test_a_ratio_is_that_of_the_medians() -> None:
    row = ratio_row("r", 0.5, TITLES, Pairs((1.0, 2.0, 90.0), (4.0, 5.0, 3.0)))
    assert row.figure.value == 2.0 / 4.0
    assert row.figure.low <= row.figure.value <= row.figure.high
    assert row.figure.n == 3
    assert row.met


def test_an_interval_resamples_whole_pairs() -> None:
    # Each pair has the same ratio, so that no resample of pairs can have another.
    row = ratio_row("r", 1.0, TITLES, Pairs((1.0, 10.0, 100.0), (2.0, 20.0, 200.0)))
    assert (row.figure.low, row.figure.value, row.figure.high) == (0.5, 0.5, 0.5)


def test_a_target_is_missed_by_a_hair() -> None:
    assert not ratio_row("r", 0.3, TITLES, Pairs((0.30001,), (1.0,))).met
    assert ratio_row("r", 0.3, TITLES, Pairs((0.3,), (1.0,))).met
    assert not least_row("r", 0.999, [1.0, 0.99899]).met
    assert least_row("r", 0.999, [1.0, 0.999]).met
    assert not share_row("r", 1.0, [True] * 199 + [False]).met


def test_median_and_p95_of_a_side() -> None:
    side = Side("s", tuple(float(number) for number in range(1, 102)))
    assert (side.median, side.p95) == (51.0, 96.0)
    assert median_row("r", 2.0, side).figure.value == 51.0


# --- The table ---


def test_the_table_rounds_to_the_worse_side() -> None:
    assert rounded(Figure(1.1001, 1.0009, 1.2001, 3), at_least=False) == ("1.101", "[1.000, 1.201]")
    assert rounded(Figure(1.1, 1.1, 1.1, 3), at_least=False)[0] == "1.100"
    assert rounded(Figure(0.9999999, 0.9, 1.0, 3), at_least=True)[0] == "0.999999"


def test_the_table_says_what_was_met() -> None:
    rows = [ratio_row("fast", 1.0, TITLES, Pairs((1.0,), (2.0,))), least_row("like", 0.9, [0.5, 1.0])]
    head, first, second = table(rows).splitlines()
    assert head.split()[:2] == ["row", "figure"]
    assert first.split() == ["fast", "0.500", "[0.500,", "0.500]", "<=", "1", "yes", "1", "1", "1", "2", "2", "s"]
    assert second.split() == ["like", "0.500000", "[0.500000,", "0.500000]", ">=", "0.9", "NO", "2"]
    assert first.index("yes") + len("yes") == second.index("NO") + len("NO")


# --- The file ---


def test_the_file_holds_enough_to_work_out_every_figure_again() -> None:
    made = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    row = ratio_row("r", 0.5, TITLES, Pairs((1.0, 2.0), (4.0, 4.0)), "MiB", {"of": "what"})
    corpus = MadeCorpus(Path("nowhere"), 5003, {"manpages-es": "1.0"})
    told = json.loads(json.dumps(record([row], made, {"cores": 2}, corpus, 12.34)))
    assert (told["made"], told["seconds"], told["machine"]) == ("2026-01-02T03:04:05+00:00", 12.3, {"cores": 2})
    assert told["corpus"] == {"passages": 5003, "packages": {"manpages-es": "1.0"}}
    (found,) = told["rows"]
    assert found["compared"] == "ours / the libraries"
    assert (found["target"], found["bound"], found["met"], found["details"]) == (0.5, "at most", True, {"of": "what"})
    assert found["figure"]["value"] == 0.375
    ours, bare = found["sides"]
    assert ours == {"title": "ours", "unit": "MiB", "median": 1.5, "p95": 1.95, "runs": 2, "values": [1.0, 2.0]}
    assert bare["values"] == [4.0, 4.0]


def test_a_row_without_sides_and_a_run_without_corpus_are_told() -> None:
    row = Row("r", Figure(1.0, 1.0, 1.0, 3), 1.0, at_least=True)
    told = record([row], datetime.now(UTC), {}, None, 1.0)
    assert told["corpus"] is None
    assert (told["rows"][0]["compared"], told["rows"][0]["sides"], told["rows"][0]["bound"]) == (None, [], "at least")


def test_the_machine_is_described() -> None:
    found = machine()
    assert found["cores"] >= 1
    assert found["libraries"]["llama-cpp-python"]
    assert processor("processor : 0\nvendor_id : Maker\nmodel name : One: two 3 GHz\n") == "One: two 3 GHz"
    assert processor("") != ""

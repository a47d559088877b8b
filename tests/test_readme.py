"""The tables of the README: filled from the committed results, and from a made-up folder of them."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.bench.pairs import Pairs
from eval.bench.report import record
from eval.bench.rows import Side, least_row, median_row, ratio_row
from eval.measures import QUESTION_MEASURES, SET_MEASURES
from eval.readme import README, TABLES, filled
from eval.tables import SIDE_BY_SIDE

MEASURES = {**QUESTION_MEASURES, **SET_MEASURES}
AHEAD = "It is ahead of each in every measure."
PROSE = st.text(st.sampled_from("ab \n|<!-->é\\1")).filter(lambda text: "<!-- " not in text)


def figure(value: float, low: float, high: float, n: int = 8) -> dict[str, Any]:
    return {"value": value, "low": low, "high": high, "n": n}


def system(p50: float, **figures: Any) -> dict[str, Any]:
    return {"figures": figures, "cost": {"seconds": {"total": {"p50": p50, "p95": 9.0}}}}


def alike(value: float) -> dict[str, Any]:
    """A system with the same value of each measure that is compared."""
    return system(0.1, **{name: figure(value, value, value) for name in SIDE_BY_SIDE})


def worst_but(**figures: Any) -> dict[str, Any]:
    """A system that has the worst value of each measure, except for the changes."""
    worst = {name: 0.0 if MEASURES[name].higher_is_better else 1.0 for name in SIDE_BY_SIDE}
    return system(0.1, **{**{name: figure(value, value, value) for name, value in worst.items()}, **figures})


SYSTEMS = {
    "default": system(
        0.346,
        right=figure(0.7143, 0.6, 0.8),
        f1=figure(0.5, 0.4, 0.625),
        refused=figure(0.65, 0.5, 0.8),
        over_refused=figure(0.094, 0.05, 0.15),
        auroc=figure(0.81, 0.7, 0.9),
    ),
    # Another way of being better: it never refuses.
    "best BM25 sentence": system(
        0.004,
        right=figure(0.66, 0.5, 0.75),
        f1=figure(0.5, 0.4, 0.6),
        refused=figure(0.0, 0.0, 0.0),
        over_refused=figure(0.0, 0.0, 0.0),
    ),
}
TYPES = {
    "near_miss": {"correct": figure(0.25, 0.0, 0.5, 4)},
    "person": {"correct": figure(0.75, 0.5, 1.0, 12)},
    "who_says": {"correct": figure(1.0, 1.0, 1.0, 3)},
}
SQUAD = {
    "ids": ["a", "b", "c"],
    "paragraphs": 1439,
    "variants": {
        "pipeline": system(
            0.1, right=figure(0.8, 0.7, 0.9), f1=figure(0.256, 0.2, 0.3), over_refused=figure(0.1, 0, 1)
        ),
        "near_miss": system(0.1, refused=figure(0.5, 0.25, 0.75), auroc=figure(0.75, 0.5, 1.0)),
    },
}


BENCH = record(
    [
        ratio_row("batch", 0.8, ("a", "b"), Pairs((8.001,), (10.0,))),
        median_row("cold_ask_seconds", 2.0, Side("a", (1.0, 1.25, 1.5))),
        least_row("encoder_cosine", 0.999, [0.9999999]),
    ],
    datetime(2026, 1, 2, tzinfo=UTC),
    {},
    None,
    1.0,
)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("results")
    reports = {"comparison": {"systems": SYSTEMS}, "report": {"types": TYPES}, "squad": SQUAD, "bench": BENCH}
    for name, report in reports.items():
        (place / f"{name}.json").write_text(json.dumps(report), encoding="utf-8")
    return place


def compared(place: Path, **systems: Any) -> str:
    """What is said below the table of these systems."""
    (place / "comparison.json").write_text(json.dumps({"systems": systems}), encoding="utf-8")
    return TABLES["comparison"](place).partition("\n\n")[2]


# --- The README itself ---


def test_the_readme_shows_the_committed_results() -> None:
    text = README.read_text(encoding="utf-8")
    for name in TABLES:
        assert text.count(f"<!-- {name} -->\n") == text.count(f"<!-- end of {name} -->\n") == 1, name
    assert filled(text) == text


# --- Blocks ---


def test_blocks_are_filled_and_nothing_else(results: Path) -> None:
    text = (
        "# Title\n\n<!-- types -->\nold | table\n<!-- end of types -->\n"
        "Between: types <!-- a comment -->\n<!-- types -->\n<!-- end of types -->"
    )
    table = TABLES["types"](results)
    assert filled(text, results) == (
        f"# Title\n\n<!-- types -->\n{table}\n<!-- end of types -->\n"
        f"Between: types <!-- a comment -->\n<!-- types -->\n{table}\n<!-- end of types -->"
    )


def test_a_block_that_does_not_end_is_left_as_it_is(results: Path) -> None:
    for text in ("<!-- types -->\nold\n", "<!-- types -->\nold\n<!-- end of squad -->\n", "<!-- types --> no line"):
        assert filled(text, results) == text


def test_a_block_of_no_table_is_a_mistake(results: Path) -> None:
    with pytest.raises(KeyError, match="typos"):
        filled("<!-- typos -->\n<!-- end of typos -->", results)


@given(st.lists(PROSE, min_size=2, max_size=4), st.lists(st.sampled_from(list(TABLES)), min_size=3, max_size=3))
def test_filling_twice_changes_nothing(results: Path, prose: list[str], names: list[str]) -> None:
    blocks = [f"<!-- {name} -->\n{old}\n<!-- end of {name} -->" for name, old in zip(names, prose, strict=False)]
    tables = [
        f"<!-- {name} -->\n{TABLES[name](results)}\n<!-- end of {name} -->"
        for name, _ in zip(names, prose, strict=False)
    ]
    once = filled("\n".join([prose[0], *blocks, prose[-1]]), results)
    # The text around the blocks is as it was.
    assert once == "\n".join([prose[0], *tables, prose[-1]])
    assert filled(once, results) == once


# --- Tables ---


def test_the_table_of_systems(results: Path) -> None:
    assert TABLES["comparison"](results) == COMPARISON


COMPARISON = """\
| measure | default | best BM25 sentence |
| --- | --- | --- |
| right fact in the answer | 71 % [60, 80] | 66 % [50, 75] |
| token F1 | 0.50 [0.40, 0.62] | 0.50 [0.40, 0.60] |
| unanswerable and refused | 65 % [50, 80] | 0 % [0, 0] |
| answerable but not answered (lower is better) | 9 % [5, 15] | 0 % [0, 0] |
| AUROC of the confidence, answerable or not | 0.81 [0.70, 0.90] | – |
| seconds an answer, median | 0.35 | 0.00 |

It is not ahead in: token F1 (level); answerable but not answered."""


def test_the_table_of_types(results: Path) -> None:
    # What the articles do not answer comes last.
    assert TABLES["types"](results) == BY_TYPE


BY_TYPE = """\
| type | questions | right, or rightly refused |
| --- | --- | --- |
| person | 12 | right 75 % [50, 100] |
| who says | 3 | right 100 % [100, 100] |
| near miss | 4 | refused 25 % [0, 50] |"""


def test_the_table_of_public_questions(results: Path) -> None:
    assert TABLES["squad"](results) == PUBLIC


PUBLIC = """\
3 questions, 1439 paragraphs:

| asked | right fact in the answer | token F1 | evidence in the first passage | evidence in five passages \
| answerable but not answered (lower is better) | unanswerable and refused \
| AUROC of the confidence, answerable or not |
| --- | --- | --- | --- | --- | --- | --- | --- |
| retrieve, then read | 80 % [70, 90] | 0.26 [0.20, 0.30] | – | – | 10 % [0, 100] | – | – |
| paragraphs with the answer removed | – | – | – | – | – | 50 % [25, 75] | 0.75 [0.50, 1.00] |"""


def test_the_table_of_speed(results: Path) -> None:
    assert TABLES["speed"](results) == SPEED


SPEED = """\
| measure | figure | target | median | 95th percentile |
| --- | --- | --- | --- | --- |
| a batch of 200 / the same questions one by one | 0.801 [0.800, 0.801] | at most 0.8 **missed** | 8 / 10 s | 8 / 10 s |
| the same in seconds | 1.250 [1.000, 1.500] | at most 2 | 1.25 s | 1.48 s |
| least cosine of a vector with that of sentence-transformers, 1,000 texts | 0.999999 [0.999999, 1.000000] \
| at least 0.999 |  |  |"""


# --- Ahead or not ---


def test_ahead_of_each(tmp_path: Path) -> None:
    best = {name: figure(1.0, 1, 1) if MEASURES[name].higher_is_better else figure(0.0, 0, 0) for name in SIDE_BY_SIDE}
    assert compared(tmp_path, default=system(9.9, **best), one=worst_but(), two=worst_but()) == AHEAD


@pytest.mark.parametrize("measure", SIDE_BY_SIDE)
def test_one_of_several_is_enough_not_to_be_ahead(tmp_path: Path, measure: str) -> None:
    best = {name: figure(0.9, 0, 1) if MEASURES[name].higher_is_better else figure(0.1, 0, 1) for name in SIDE_BY_SIDE}
    # A tie is not ahead.
    for value in (0.9, 1.0) if MEASURES[measure].higher_is_better else (0.1, 0.0):
        other = worst_but(**{measure: figure(value, 0, 1)})
        told = compared(tmp_path, default=system(0.1, **best), one=worst_but(), two=other)
        level = " (level)" if value in (0.9, 0.1) else ""
        assert told == f"It is not ahead in: {MEASURES[measure].title}{level}."


def test_all_alike_are_ahead_in_nothing(tmp_path: Path) -> None:
    titles = "; ".join(f"{MEASURES[name].title} (level)" for name in SIDE_BY_SIDE)
    assert compared(tmp_path, default=alike(0.5), one=alike(0.5)) == f"It is not ahead in: {titles}."


def test_a_measure_that_only_others_have_is_not_one_to_be_ahead_in(tmp_path: Path) -> None:
    default, other = system(0.1, right=figure(0.9, 0, 1)), system(0.1, right=figure(0.5, 0, 1), auroc=figure(0.5, 0, 1))
    told = compared(tmp_path, default=default, one=other)
    assert told == "It is not ahead in: AUROC of the confidence, answerable or not."
    # None that could be measured is as good as none.
    unmeasured = system(0.1, right=figure(0.9, 0, 1), auroc=figure(0.0, 0, 0, n=0))
    assert compared(tmp_path, default=unmeasured, one=system(0.1, right=figure(0.5, 0, 1))) == AHEAD
    assert "AUROC" not in TABLES["comparison"](tmp_path)

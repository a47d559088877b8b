"""What the terminal shows of a report: whole transcripts, at 80 columns and in a pipe."""

import io
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from eval.baseline import Changed, Comparison, Difference, compare
from eval.measures import QUESTION_MEASURES, RETRIEVAL_MEASURES, SET_MEASURES
from eval.rankings import ORIGINS
from eval.summary import cost
from eval.tables import SIDE_BY_SIDE, print_comparison, print_report, print_side_by_side
from eval.types import TYPES, UNANSWERABLE, Figure
from qa.terminal import console
from tests.rows import row

Print = Callable[[Console], None]
SYSTEMS = ("default", "best BM25 sentence", "dense retrieval alone", "naive build")
WAYS = ("pipeline", "reader", "near_miss", "off_topic", "english", "english_reader")


def figure(value: float, n: int = 10, width: float = 0.1) -> dict[str, Any]:
    return {"value": value, "low": value - width, "high": value + width, "n": n}


def costs(search: tuple[float, float], read: tuple[float, float], total: tuple[float, float]) -> dict[str, Any]:
    stages = {"search": search, "read": read, "total": total}
    return {
        "seconds": {stage: {"p50": p50, "p95": p95} for stage, (p50, p95) in stages.items()},
        "prompt_tokens": {"p50": 120.0, "p95": 480.0, "sum": 12345.0},
        "decoded_tokens": {"p50": 0.0, "p95": 3.0, "sum": 67.0},
        "peak_memory_mib": 903.7,
    }


def made_up() -> dict[str, Any]:
    """A report of 12 questions, with little in it."""
    dev = {
        "correct": figure(0.75, 8),
        "f1": figure(0.5, 6),
        "over_refused": figure(0.125, 6),
        "brier": figure(0.1999, 8),
    }
    # What no question of a split can be measured by is not in it.
    test = {"correct": figure(0.5, 4), "f1": figure(0.25, 4), "auroc": figure(0.8, 4)}
    return {
        "ids": [f"q{number}" for number in range(12)],
        "seconds": 61.4,
        "figures": {**dev, **test, "correct": figure(0.6667, 12)},
        "splits": {"dev": dev, "test": test},
        "types": {
            # Of nothing there is no figure.
            "near_miss": {"correct": figure(0.5, 2), "refused": figure(0.5, 2), "found@5": figure(0.0, 0)},
            "who_says": {
                "correct": figure(0.7, 10, 0.25),
                "first_on_evidence": figure(0.6),
                "span_recall": figure(0.54321),
                "found@5": figure(1.0, 10, 0),
                "over_refused": figure(0.1),
            },
        },
        "retrieval": {
            "lexical": {"recall@1": figure(0.8), "recall@5": figure(0.9), "mrr": figure(0.85)},
            "fused": {"recall@1": figure(0.9), "recall@5": figure(0.9), "recall@10": figure(1.0, 10, 0)},
        },
        "forms": {"typo": {"right": 0.5, "plain": 0.75, "difference": figure(-0.25, 4, 0.3)}},
        "cost": costs((0.021, 0.05), (0.024, 2.0149), (0.346, 2.029)),
    }


def terminal(print_it: Print, width: int = 80) -> str:
    """What stands on a terminal of this width, without the spaces at the ends of lines."""
    told = Console(
        file=io.StringIO(),
        width=width,
        force_terminal=True,
        color_system=None,
        highlight=False,
        markup=False,
        emoji=False,
    )
    print_it(told)
    assert isinstance(told.file, io.StringIO)
    assert all(len(line) <= width for line in told.file.getvalue().split("\n"))
    return stripped(told.file.getvalue())


def stripped(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.split("\n"))


@pytest.fixture
def piped(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[Print], str]]:
    """What goes down a pipe, without the spaces at the ends of lines."""

    def shown(print_it: Print) -> str:
        print_it(console())
        return stripped(capsys.readouterr().out)

    yield shown


# --- A report ---

AT_80 = """
 type         n     right or refused   1st cited   cited   found@5   refused
 ───────────────────────────────────────────────────────────────────────────
 who says    10   0.700 [0.45, 0.95]       0.600   0.543     1.000     0.100
 near miss    2   0.500 [0.40, 0.60]                                   0.500


 measure                                               dev                 test
 ──────────────────────────────────────────────────────────────────────────────
 right answer, or rightly refused       0.750 [0.65, 0.85]   0.500 [0.40, 0.60]
 token F1                               0.500 [0.40, 0.60]   0.250 [0.15, 0.35]
 answerable but not answered            0.125 [0.02, 0.23]
 AUROC of the confidence, answerable                         0.800 [0.70, 0.90]
 or not
 Brier score                            0.200 [0.10, 0.30]


 retrieval                         lexical                fused
 ──────────────────────────────────────────────────────────────
 recall@1               0.800 [0.70, 0.90]   0.900 [0.80, 1.00]
 recall@5               0.900 [0.80, 1.00]   0.900 [0.80, 1.00]
 recall@10                                   1.000 [1.00, 1.00]
 mean reciprocal rank   0.850 [0.75, 0.95]
 nDCG@10


 as people write   n   right   plain             difference
 ──────────────────────────────────────────────────────────
 typo              4   0.500   0.750   -0.250 [-0.55, 0.05]

12 questions in 61 s; peak memory 904 MiB
seconds p50/p95: search 0.02/0.05, read 0.02/2.01, total 0.35/2.03
12345 prompt tokens, 67 decoded
"""

IN_A_PIPE = """
 type         n     right or refused   1st cited   cited   found@5   refused
 ───────────────────────────────────────────────────────────────────────────
 who says    10   0.700 [0.45, 0.95]       0.600   0.543     1.000     0.100
 near miss    2   0.500 [0.40, 0.60]                                   0.500


 measure                                                     dev                 test
 ────────────────────────────────────────────────────────────────────────────────────
 right answer, or rightly refused             0.750 [0.65, 0.85]   0.500 [0.40, 0.60]
 token F1                                     0.500 [0.40, 0.60]   0.250 [0.15, 0.35]
 answerable but not answered                  0.125 [0.02, 0.23]
 AUROC of the confidence, answerable or not                        0.800 [0.70, 0.90]
 Brier score                                  0.200 [0.10, 0.30]


 retrieval                         lexical                fused
 ──────────────────────────────────────────────────────────────
 recall@1               0.800 [0.70, 0.90]   0.900 [0.80, 1.00]
 recall@5               0.900 [0.80, 1.00]   0.900 [0.80, 1.00]
 recall@10                                   1.000 [1.00, 1.00]
 mean reciprocal rank   0.850 [0.75, 0.95]
 nDCG@10


 as people write   n   right   plain             difference
 ──────────────────────────────────────────────────────────
 typo              4   0.500   0.750   -0.250 [-0.55, 0.05]

12 questions in 61 s; peak memory 904 MiB
seconds p50/p95: search 0.02/0.05, read 0.02/2.01, total 0.35/2.03
12345 prompt tokens, 67 decoded
"""


def test_a_report_at_80_columns() -> None:
    assert terminal(lambda told: print_report(told, made_up())) == AT_80


def test_a_report_in_a_pipe(piped: Callable[[Print], str]) -> None:
    assert piped(lambda told: print_report(told, made_up())) == IN_A_PIPE


def test_a_report_of_nothing(piped: Callable[[Print], str]) -> None:
    empty: dict[str, Any] = {name: {} for name in ("figures", "splits", "types", "retrieval", "forms")}
    report = {"ids": [], "seconds": 0.04, **empty, "cost": {**cost([]), "peak_memory_mib": None}}
    assert piped(lambda told: print_report(told, report)) == NOTHING


NOTHING = """
 type   n   right or refused   1st cited   cited   found@5   refused
 ───────────────────────────────────────────────────────────────────


 measure   all
 ─────────────

0 questions in 0 s
0 prompt tokens, 0 decoded
"""


# --- Systems side by side ---


def system(value: float, p50: float | None = 0.35) -> dict[str, Any]:
    figures = {"correct": figure(value), "over_refused": figure(0.5), "uncited": figure(0.0, 0)}
    return {"figures": figures, "cost": costs((0, 0), (0, 0), (0.35, 2.03)) if p50 else cost([])}


def test_systems_side_by_side_in_a_pipe(piped: Callable[[Print], str]) -> None:
    measured = {name: system(0.5 + place / 10) for place, name in enumerate(SYSTEMS[:3])}
    # Nothing is known of the third's refusals, and it timed nothing; nobody stated anything.
    measured[SYSTEMS[2]] = system(0.7, None)
    del measured[SYSTEMS[2]]["figures"]["over_refused"]
    assert piped(lambda told: print_side_by_side(told, measured)) == BESIDE_IN_A_PIPE


BESIDE_IN_A_PIPE = """
 measure                                          default   best BM25 sentence   dense retrieval alone
 ─────────────────────────────────────────────────────────────────────────────────────────────────────
 right answer, or rightly refused      0.500 [0.40, 0.60]   0.600 [0.50, 0.70]      0.700 [0.60, 0.80]
 statements without a valid citation
 answerable but not answered           0.500 [0.40, 0.60]   0.500 [0.40, 0.60]
 seconds p50                                         0.35                 0.35
 seconds p95                                         2.03                 2.03

"""


def test_systems_side_by_side_at_80_columns() -> None:
    measured = {name: system(0.5 + place / 10) for place, name in enumerate(SYSTEMS[:3])}
    assert terminal(lambda told: print_side_by_side(told, measured)) == BESIDE_AT_80


BESIDE_AT_80 = """
 measure                                          default   best BM25 sentence
 ─────────────────────────────────────────────────────────────────────────────
 right answer, or rightly refused      0.500 [0.40, 0.60]   0.600 [0.50, 0.70]
 statements without a valid citation
 answerable but not answered           0.500 [0.40, 0.60]   0.500 [0.40, 0.60]
 seconds p50                                         0.35                 0.35
 seconds p95                                         2.03                 2.03


 measure                               dense retrieval alone
 ───────────────────────────────────────────────────────────
 right answer, or rightly refused         0.700 [0.60, 0.80]
 statements without a valid citation
 answerable but not answered              0.500 [0.40, 0.60]
 seconds p50                                            0.35
 seconds p95                                            2.03

"""


@pytest.mark.parametrize("names", [SYSTEMS, WAYS, WAYS[:5], WAYS[:1]])
@pytest.mark.parametrize("width", [60, 80, 100, 140, 300])
def test_no_figure_of_a_system_is_cut(names: tuple[str, ...], width: int) -> None:
    values = {(name, measure): (7 * place + 3 * row) % 100 / 100 for place, name in enumerate(names)
              for row, measure in enumerate(SIDE_BY_SIDE)}  # fmt: skip
    measured = {
        name: {
            "figures": {measure: figure(values[name, measure], 357, 0) for measure in SIDE_BY_SIDE},
            "cost": costs((0, 0), (0, 0), (0.35, 12.03)),
        }
        for name in names
    }
    text = terminal(lambda told: print_side_by_side(told, measured), width)
    assert "…" not in text
    assert sorted(INTERVAL.findall(text)) == sorted(f"{each:.3f} [{each:.2f}, {each:.2f}]" for each in values.values())
    assert text.count("0.35") - sum(f"{each:.2f}" == "0.35" for each in values.values()) * 3 == len(names)
    assert text.count("12.03") == len(names)
    # Every system has its name, spaces for underlines.
    assert all(name.replace("_", " ") in text for name in names)


INTERVAL = re.compile(r"\d\.\d{3} \[\d\.\d{2}, \d\.\d{2}\]")


def test_no_figure_of_a_large_report_is_cut() -> None:
    measures = {name: figure(0.5, 357) for name in (*QUESTION_MEASURES, *SET_MEASURES)}
    ranked = {name: figure(0.5, 357) for name in RETRIEVAL_MEASURES}
    report = made_up() | {
        "figures": measures,
        "splits": {"dev": measures, "test": measures},
        "types": dict.fromkeys((*TYPES, *UNANSWERABLE), measures),
        "retrieval": dict.fromkeys(ORIGINS, ranked),
        "forms": {"name_variant": {"right": 0.5, "plain": 0.75, "difference": figure(-0.25, 42, 0.3)}},
    }
    text = terminal(lambda told: print_report(told, report))
    assert "…" not in text
    # One for each type, measure of each split, measure of each ranking; the difference has a sign.
    expected = len(TYPES) + len(UNANSWERABLE) + 2 * len(measures) + 3 * len(ranked)
    assert text.count("0.500 [0.40, 0.60]") == expected
    assert text.count("-0.250 [-0.55, 0.05]") == 1
    # Beside each type its number and four figures more: two citations, retrieval, refusals.
    lines = re.findall(r" 357   0\.500 \[0\.40, 0\.60\](?: +0\.500){4}$", text, re.MULTILINE)
    assert len(lines) == len(TYPES) + len(UNANSWERABLE)


def test_types_without_an_answer_come_last() -> None:
    text = terminal(lambda told: print_report(told, made_up()))
    assert text.index("who says") < text.index("near miss")


# --- A comparison ---


def test_a_comparison_in_a_pipe(piped: Callable[[Print], str]) -> None:
    comparison = compared()
    timings = [("seconds p50", 0.021, 0.5), ("seconds p95", 2.03, 1.5)]
    assert piped(lambda told: print_comparison(told, comparison, timings)) == COMPARED_IN_A_PIPE


def test_a_comparison_at_80_columns() -> None:
    assert terminal(lambda told: print_comparison(told, compared(), [("seconds p50", 0.021, 0.5)])) == COMPARED_AT_80


def compared() -> Comparison:
    return Comparison(
        (
            Difference("correct", "right answer, or rightly refused", 0.8, 0.6, Figure(-0.2, -0.35, -0.05, 20)),
            Difference("over_refused", "answerable but not answered", 0.3, 0.1, Figure(0.2, 0.1, 0.3, 20)),
            Difference("f1", "token F1", 0.5, 0.4996, Figure(-0.0004, -0.01, 0.0, 20)),
            Difference("auroc", "AUROC of the confidence, answerable or not", 1, 0, Figure(-1, -1, -1, 20)),
        ),
        (
            Changed("who-won", "right", "invented"),
            Changed("who-lost", "refused", "right"),
            Changed("who-drew", "right", "failed"),
        ),
        20,
        3,
    )


COMPARED_IN_A_PIPE = """
 measure                                      before     now     gain      95 % interval
 ────────────────────────────────────────────────────────────────────────────────────────────────
 right answer, or rightly refused              0.800   0.600   -0.200   -0.350 to -0.050    worse
 answerable but not answered                   0.300   0.100   +0.200   +0.100 to +0.300   better
 token F1                                      0.500   0.500   +0.000   -0.010 to +0.000
 AUROC of the confidence, answerable or not    1.000   0.000   -1.000   -1.000 to -1.000    worse
 seconds p50 (not judged)                       0.02    0.50
 seconds p95 (not judged)                       2.03    1.50

better who-lost: refused -> right
worse  who-won: right -> invented
       who-drew: right -> failed
20 questions compared, 3 in one run only
"""

COMPARED_AT_80 = """
 measure                    before     now     gain      95 % interval
 ──────────────────────────────────────────────────────────────────────────────
 right answer, or rightly    0.800   0.600   -0.200   -0.350 to -0.050    worse
 refused
 answerable but not          0.300   0.100   +0.200   +0.100 to +0.300   better
 answered
 token F1                    0.500   0.500   +0.000   -0.010 to +0.000
 AUROC of the confidence,    1.000   0.000   -1.000   -1.000 to -1.000    worse
 answerable or not
 seconds p50 (not judged)     0.02    0.50

better who-lost: refused -> right
worse  who-won: right -> invented
       who-drew: right -> failed
20 questions compared, 3 in one run only
"""


def test_nothing_is_listed_where_nothing_changed() -> None:
    rows = [row("q1", "right"), row("q2", "wrong")]
    text = terminal(lambda told: print_comparison(told, compare(rows, rows), []))
    assert text.endswith("\n2 questions compared, 0 in one run only\n")
    assert "worse" not in text and "better" not in text
    # A gain of nothing has no minus, in whichever direction it is turned.
    assert "-0.000" not in text and "+0.000" in text


# --- Names that come from a question set ---


@given(st.text(st.characters() | st.sampled_from("\x1b\x07\x9b\u202e[]/_: "), max_size=20))
def test_names_cannot_act_on_the_terminal(name: str) -> None:
    report = made_up()
    report["types"] = {name: report["types"]["who_says"]}
    report["splits"] = {name: report["splits"]["dev"]}
    report["forms"] = {name: report["forms"]["typo"]}
    comparison = Comparison((), (Changed(name, "right", "wrong"),), 1, 0)
    text = terminal(lambda told: print_report(told, report), 300)
    text += terminal(lambda told: print_comparison(told, comparison, []), 300)
    assert not set("\x1b\x07\x9b\u202e") & set(text)
    assert "0.700 [0.45, 0.95]" in text and "-0.250 [-0.55, 0.05]" in text


def test_an_id_that_looks_like_markup_is_shown_as_it_is() -> None:
    comparison = Comparison((), (Changed("[bold]q1[/bold] :smile:", "right", "wrong"),), 1, 0)
    assert "worse  [bold]q1[/bold] :smile:: right -> wrong" in terminal(
        lambda told: print_comparison(told, comparison, [])
    )

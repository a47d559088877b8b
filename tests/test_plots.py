"""The plots of a report: what they say, and that nothing in them is in the way of anything else."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib
import pytest
from playwright.sync_api import Browser

from eval.page import page
from eval.plots import Plot, by_type, calibration, embedded, in_seconds, latency, plots, risk_coverage, wilson
from eval.types import TYPES, UNANSWERABLE
from tests.test_page import OVERLAPS, Opened, browser, figure, made_up

__all__ = ["browser"]  # the fixture

REPORT = made_up()


def timed(*seconds: float | None) -> dict[str, Any]:
    return {"rows": [{"record": {"seconds": {"total": each}}} for each in seconds]}


def typed(*kinds: str, value: float = 0.5) -> dict[str, Any]:
    return {"types": {kind: {"refused" if kind in UNANSWERABLE else "right": figure(value, 9)} for kind in kinds}}


def texts(plot: Plot) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", plot.svg)


def test_all_plots_of_a_report() -> None:
    drawn = plots(REPORT)
    assert [plot.name for plot in drawn] == ["types", "risk", "calibration", "latency"]
    for plot in drawn:
        assert plot.svg.startswith("<svg viewBox=")
        assert 'role="img"' in plot.svg and f'aria-label="{plot.title}' in plot.svg
        assert plot.note and plot.label


def test_same_bytes_and_no_trace_of_when_or_by_what() -> None:
    assert plots(REPORT) == plots(made_up())
    assert not re.search(r"metadata|Matplotlib|http|<\?xml|DOCTYPE|<style", "".join(plot.svg for plot in plots(REPORT)))


def test_ids_are_of_one_plot_each_and_all_references_lead_somewhere() -> None:
    ids = [name for plot in plots(REPORT) for name in re.findall(r'\bid="([^"]*)"', plot.svg)]
    assert len(ids) == len(set(ids))
    led = [name for plot in plots(REPORT) for name in re.findall(r'(?:url\(|href=")#([^")]*)', plot.svg)]
    assert led and set(led) <= set(ids)


def test_every_colour_is_the_page_s() -> None:
    for plot in plots(REPORT):
        assert set(re.findall(r"(?:fill|stroke): *([^;\"]+)", plot.svg)) <= {
            "none", "var(--ink)", "var(--muted)", "var(--rule)", "var(--accent)", "var(--second)",
        }  # fmt: skip


def test_settings_of_others_are_left_alone() -> None:
    before = dict(matplotlib.rcParams)
    plots(REPORT)
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize("report", [{}, {"types": {}, "risk_coverage": [], "calibration": [], "rows": []}])
def test_without_data_words_stand_for_the_plot(report: Mapping[str, Any]) -> None:
    for plot in plots(report):
        assert plot.svg == ""
        assert plot.label.endswith(".")


def test_types_without_a_value_are_left_out() -> None:
    assert by_type({"types": {"place": {"right": figure(None, 0)}, "why": {}}}).svg == ""
    one = by_type({"types": {"place": {"right": figure(None, 0)}, "why": {"right": figure(0.25, 4)}}})
    assert "why (4)" in texts(one) and "25%" in texts(one)
    assert not [text for text in texts(one) if "place" in text or "Not in the articles" in text]


def test_types_stand_best_first_and_apart_from_what_has_no_answer() -> None:
    shares = {"why": 0.2, "place": 0.9, "person": 0.5}
    report = {"types": {kind: {"right": figure(share, 9)} for kind, share in shares.items()}}
    report["types"] |= typed("near_miss")["types"]
    names = [text for text in texts(by_type(report)) if "(" in text]
    assert names == ["place (9)", "person (9)", "why (9)", "near miss (9)"]


def test_hostile_name_of_a_type_stays_a_name() -> None:
    plot = by_type(typed('$\\frac{1}</text><script>"&\u202e\x07' + "x" * 200))
    assert "<script" not in plot.svg
    assert not re.search("[\x00-\x08\u202e]", plot.svg)
    assert max(map(len, texts(plot))) < 60


def test_risk_in_words() -> None:
    plot = risk_coverage({"risk_coverage": [[0.25, 0.0], [0.5, 0.1], [1.0, 0.3]]})
    assert plot.note.startswith("Among the surest half 10% are wrong, among all 30%.")


def test_calibration_names_the_sizes_of_its_groups() -> None:
    bins = [{"confidence": 0.2, "right": 0.3, "n": 12}, {"confidence": 0.8, "right": 0.7, "n": 13}]
    plot = calibration({"calibration": [*bins, {"confidence": 0.9, "right": None, "n": 0}]})
    assert "12 to 13 answers" in plot.note
    assert {"0", "13"} <= set(texts(plot))


def test_latency_names_the_median_and_the_slow() -> None:
    plot = latency(timed(*(n / 10 for n in range(1, 21)), None))
    assert plot.note.startswith("Half of the questions took at most 1.0 s, 95% at most 1.9 s.")
    assert {"p50 1.0 s", "p95 1.9 s"} <= set(texts(plot))


@pytest.mark.parametrize(
    "seconds", [[0.0], [0.0205, 0.021], [2.0] * 9, [0.001, 9000.0], [0.03, 0.5], [0.004, 0.02, 45.0]]
)
def test_latency_axis_always_has_some_round_numbers(seconds: list[float]) -> None:
    ticks = [text for text in texts(latency(timed(*seconds))) if re.fullmatch(r"[\d.e+-]+", text)]
    assert 1 <= len(ticks) <= 7


@pytest.mark.parametrize(
    ("seconds", "told"), [(0.0, "0.0000 s"), (0.0312, "0.031 s"), (9.96, "10.0 s"), (75.3, "75 s")]
)
def test_seconds_in_words(seconds: float, told: str) -> None:
    assert in_seconds(seconds) == told


@pytest.mark.parametrize(("share", "n"), [(0.0, 4), (1.0, 4), (0.5, 1), (0.3, 1000)])
def test_wilson_holds_its_share_and_stays_a_share(share: float, n: int) -> None:
    low, high = wilson(share, n)
    assert -1e-9 <= low <= share + 1e-9 and share - 1e-9 <= high <= 1 + 1e-9


def test_embedding_keeps_what_is_no_id() -> None:
    svg = '<?xml?><svg width="9pt" viewBox="0 0 9 9"><style>*{}</style><g id="a"/><use xlink:href="#a"/></svg>'
    assert embedded(svg, "p", 'say "so"') == (
        '<svg viewBox="0 0 9 9" role="img" aria-label="say &#34;so&#34;"><g id="p-a"/><use xlink:href="#p-a"/></svg>'
    )


CROWDED: dict[str, dict[str, Any]] = {
    "every type": typed(*TYPES, *UNANSWERABLE, value=0.97),
    "one type": typed("beyond_time", value=0.0),
    "certain": typed("x" * 80, "why", value=1.0),
    "all at once": timed(*[0.5] * 20),
    "very unlike": timed(*[0.002] * 50, *[500.0] * 50),
    "one late": timed(*[0.02] * 99, 3.0),
    "one early": timed(0.02, *[3.0] * 99),
    "close groups": {"calibration": [{"confidence": 0.5 + n / 500, "right": 0.5, "n": 1000} for n in range(10)]},
    "no risk": {"risk_coverage": [[0.5, 0.0], [1.0, 0.0]]},
    "all wrong": {"risk_coverage": [[0.5, 1.0], [1.0, 1.0]]},
}


@pytest.mark.parametrize("width", [420, 1300])
def test_no_text_covers_another_whatever_the_figures(browser: Browser, tmp_path: Path, width: int) -> None:
    for place, (name, report) in enumerate(CROWDED.items()):
        file = tmp_path / f"{place}.html"
        whole = {"system": name, "figures": {}, "rows": [], **report}
        times = whole.pop("rows")
        rows = [
            {"id": str(n), "answerable": True, "type": "why", "outcome": "right", **each}
            for n, each in enumerate(times)
        ]
        file.write_text(page({**whole, "rows": rows}, {}), encoding="utf-8")
        with Opened(browser, file.as_uri(), width) as shown:
            assert shown.locator(".plot svg").count() == 1
            assert shown.evaluate(OVERLAPS, ".plot svg") == [], name
            inside = """svg => [...svg.querySelectorAll("text")].every(text => {
              const [a, b] = [text.getBoundingClientRect(), svg.getBoundingClientRect()];
              return a.left >= b.left - 1 && a.right <= b.right + 1 && a.top >= b.top - 1 && a.bottom <= b.bottom + 1;
            })"""
            assert shown.locator(".plot svg").evaluate(inside), name

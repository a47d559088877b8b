"""Rows -> the figures of a report, each with its 95 % interval. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from statistics import mean
from typing import Any

from eval import metrics
from eval.intervals import mean_with_interval, paired_difference
from eval.measures import (
    QUESTION_MEASURES,
    RETRIEVAL_MEASURES,
    SET_MEASURES,
    answers,
    columns_of,
    risk_curve,
    set_figure,
)
from eval.rankings import ORIGINS
from eval.types import SPLITS, Figure, Row

_STAGES = ("search", "read", "total")


def figures(rows: Sequence[Row], measures: Sequence[str] = tuple(QUESTION_MEASURES)) -> dict[str, Any]:
    """The mean of each measure over the questions that it applies to; those that apply to none are left out."""
    values = {measure: [row.scores[measure] for row in rows if measure in row.scores] for measure in measures}
    return {measure: _shown(mean_with_interval(found)) for measure, found in values.items() if found}


def set_figures(rows: Sequence[Row]) -> dict[str, Any]:
    """The measures of the set as a whole, with `n` the number of its questions; without those that are undefined."""
    columns = columns_of(rows)
    found = {name: set_figure(name, columns) for name in SET_MEASURES}
    return {name: _shown(figure) for name, figure in found.items() if figure.n}


def all_figures(rows: Sequence[Row]) -> dict[str, Any]:
    """Those of the questions and those of the set."""
    return figures(rows) | set_figures(rows)


def by_split(rows: Sequence[Row]) -> dict[str, Any]:
    """All figures of each split that has questions, the usual ones first; a set of one's own may name others."""
    splits = dict.fromkeys((*SPLITS, *(row.question.split for row in rows)))
    parts = {split: [row for row in rows if row.question.split == split] for split in splits}
    return {split: all_figures(part) for split, part in parts.items() if part}


def by_type(rows: Sequence[Row]) -> dict[str, Any]:
    """The figures of each type, in the order in which the types first occur."""
    types = dict.fromkeys(row.question.type for row in rows)
    return {kind: figures([row for row in rows if row.question.type == kind]) for kind in types}


def retrieval(rows: Sequence[Row]) -> dict[str, Any]:
    """The figures of each ranking; empty where none was measured."""
    found = {}
    for origin in ORIGINS:
        named = figures(rows, [f"{origin}.{measure}" for measure in RETRIEVAL_MEASURES])
        found[origin] = {name.removeprefix(f"{origin}."): figure for name, figure in named.items()}
    return {origin: figure for origin, figure in found.items() if figure}


def forms(rows: Sequence[Row]) -> dict[str, Any]:
    """How many questions of each form are right, beside the plain wordings of the same facts, with the difference.

    A question of several plain ones is right in plain words if all of these are. Where no form is named, the type is.
    """
    by_id = {row.question.id: row for row in rows}
    formed = [row for row in rows if row.question.plain and all(plain in by_id for plain in row.question.plain)]
    found = {}
    for form in [*dict.fromkeys(map(_form, formed)), *(["all"] if formed else [])]:
        chosen = [row for row in formed if form in (_form(row), "all")]
        right = [row.scores["correct"] for row in chosen]
        plain = [min(by_id[each].scores["correct"] for each in row.question.plain) for row in chosen]
        difference = _shown(paired_difference(plain, right))
        found[form] = {"right": mean(right), "plain": mean(plain), "difference": difference}
    return found


def _form(row: Row) -> str:
    return row.question.form or row.question.type


def calibration_table(rows: Sequence[Row]) -> list[dict[str, float]]:
    """The answers in bins of like confidence: its mean, the share right, how many."""
    bins = metrics.calibration_bins(*answers(columns_of(rows)))
    return [{"confidence": confidence, "right": right, "n": count} for confidence, right, count in bins]


def curve(rows: Sequence[Row]) -> list[list[float]]:
    """The risk-coverage curve as pairs."""
    return [[round(coverage, 4), round(risk, 4)] for coverage, risk in risk_curve(columns_of(rows))]


def cost(rows: Sequence[Row]) -> dict[str, Any]:
    """Seconds by stage and tokens a question; failed questions have neither."""
    records = [row.record for row in rows if "error" not in row.record]
    seconds = {stage: _percentiles([record["seconds"][stage] for record in records]) for stage in _STAGES}
    tokens = {kind: [float(record["tokens"][kind]) for record in records] for kind in ("prompt", "decoded")}
    counted = {f"{kind}_tokens": {**_percentiles(found), "sum": sum(found)} for kind, found in tokens.items()}
    return {"seconds": seconds, **counted}


def _percentiles(values: Sequence[float]) -> dict[str, float | None]:
    return {f"p{q}": metrics.percentile(values, q) for q in (50, 95)}


def _shown(figure: Figure) -> Mapping[str, float | int]:
    return {name: value if name == "n" else round(value, 4) for name, value in asdict(figure).items()}

"""Rows -> a table for the terminal, and a record for a file of JSON. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from importlib.metadata import version
from typing import Any

from eval.bench.corpus import MadeCorpus
from eval.bench.rows import Row, Side
from eval.types import Figure

SCHEMA = 1
# What has to be reached comes close to 1.
_STEPS = {False: "0.001", True: "0.000001"}
_HEAD = ("row", "figure", "95 % interval", "target", "met", "n", "median", "p95", "of median", "of p95", "")


def record(
    rows: Sequence[Row], made: datetime, machine: Mapping[str, Any], corpus: MadeCorpus | None, seconds: float
) -> dict[str, Any]:
    """Everything that was measured, with all values, so that each figure can be worked out again.

    `corpus` is None where no row needed one; `seconds` is how long the whole run took.
    """
    return {
        "schema": SCHEMA,
        "made": made.astimezone(UTC).isoformat(timespec="seconds"),
        "version": version("consta"),
        "seconds": round(seconds, 1),
        "machine": dict(machine),
        "corpus": None if corpus is None else {"passages": corpus.passages, "packages": dict(corpus.made_of)},
        "rows": [_row(row) for row in rows],
    }


def _row(row: Row) -> dict[str, Any]:
    return {
        "name": row.name,
        "compared": " / ".join(side.title for side in row.sides) or None,
        "target": row.target,
        "bound": "at least" if row.at_least else "at most",
        "figure": asdict(row.figure),
        "met": row.met,
        "sides": [_side(side) for side in row.sides],
        "details": dict(row.details),
    }


def _side(side: Side) -> dict[str, Any]:
    return {
        "title": side.title,
        "unit": side.unit,
        "median": side.median,
        "p95": side.p95,
        "runs": len(side.values),
        "values": [round(value, 6) for value in side.values],
    }


def table(rows: Sequence[Row]) -> str:
    """The rows one below the other; a figure is rounded to the side of its target that is worse."""
    lines = [_HEAD, *(_line(row) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(_aligned(line, widths) for line in lines)


def _aligned(line: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = (
        cell.rjust(width) if number else cell.ljust(width)
        for number, (cell, width) in enumerate(zip(line, widths, strict=True))
    )
    return "  ".join([first, *others]).rstrip()


def _line(row: Row) -> tuple[str, ...]:
    figure, interval = rounded(row.figure, row.at_least)
    sides = [text for side in (*row.sides, None, None)[:2] for text in _spread(side)]
    unit = row.sides[0].unit if row.sides else ""
    target = f"{'>=' if row.at_least else '<='} {row.target:g}"
    return (row.name, figure, interval, target, "yes" if row.met else "NO", str(row.figure.n), *sides, unit)


def _spread(side: Side | None) -> tuple[str, str]:
    return ("", "") if side is None else (f"{side.median:.4g}", f"{side.p95:.4g}")


def rounded(figure: Figure, at_least: bool) -> tuple[str, str]:
    """A figure and its interval. What misses a target, which is to be reached at least or at most, never looks as if it
    met it: the figure is rounded to the worse side.
    """
    step = _STEPS[at_least]
    low, high = _rounded(figure.low, step, ROUND_FLOOR), _rounded(figure.high, step, ROUND_CEILING)
    return _rounded(figure.value, step, ROUND_FLOOR if at_least else ROUND_CEILING), f"[{low}, {high}]"


def _rounded(value: float, step: str, side: str) -> str:
    return str(Decimal(str(value)).quantize(Decimal(step), side))

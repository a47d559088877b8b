"""Reports -> tables on the terminal."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from eval.baseline import Comparison
from eval.measures import QUESTION_MEASURES, RETRIEVAL_MEASURES, SET_MEASURES
from eval.types import UNANSWERABLE
from qa.render import harmless

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_WIDE = 140
_TITLE_WIDTH, _SYSTEM_WIDTH = 28, 24
_BY_TYPE = {"first_on_evidence": "1st cited", "span_recall": "cited", "found@5": "found@5"}
SIDE_BY_SIDE = (
    "correct", "right", "right_or_quoted", "f1", "first_on_evidence", "span_recall", "span_precision", "file_recall",
    "valid", "uncited", "refused", "over_refused", "found@5", "auroc", "aurc", "calibration_error",
)  # fmt: skip
"""What systems are compared by."""
_TITLES = {name: measure.title for name, measure in {**QUESTION_MEASURES, **SET_MEASURES}.items()}


def print_report(console: "Console", report: Mapping[str, Any]) -> None:
    """The figures of a report by type, then over all, then what it cost."""
    _print(console, _types(report))
    _print(console, _overall(report))
    if report["retrieval"]:
        _print(console, _retrieval(report["retrieval"]))
    if report["forms"]:
        _print(console, _forms(report["forms"]))
    console.print(_cost(report))


def _types(report: Mapping[str, Any]) -> "Table":
    table = _table("type", "n", "right or refused", *_BY_TYPE.values(), "refused")
    rows = sorted(report["types"].items(), key=lambda item: item[0] in UNANSWERABLE)
    for kind, figures in rows:
        refused = figures.get("refused") or figures.get("over_refused")
        shown = [_value(figures.get(name)) for name in _BY_TYPE]
        table.add_row(_name(kind), str(figures["correct"]["n"]), _interval(figures["correct"]), *shown, _value(refused))
    return table


def _overall(report: Mapping[str, Any]) -> "Table":
    parts = report["splits"] or {"all": report["figures"]}
    table = _table("measure", *map(_name, parts))
    for name, title in _TITLES.items():
        if name in report["figures"]:
            table.add_row(title, *(_interval(part.get(name)) for part in parts.values()))
    return table


def _retrieval(found: Mapping[str, Any]) -> "Table":
    table = _table("retrieval", *found)
    for name, measure in RETRIEVAL_MEASURES.items():
        table.add_row(measure.title, *(_interval(figures.get(name)) for figures in found.values()))
    return table


def _forms(forms: Mapping[str, Any]) -> "Table":
    table = _table("as people write", "n", "right", "plain", "difference")
    for form, figures in forms.items():
        shown = (f"{figures['right']:.3f}", f"{figures['plain']:.3f}", _interval(figures["difference"], "+z.3f"))
        table.add_row(_name(form), str(figures["difference"]["n"]), *shown)
    return table


def _cost(report: Mapping[str, Any]) -> str:
    cost, count = report["cost"], len(report["ids"])
    memory = f"; peak memory {cost['peak_memory_mib']:.0f} MiB" if cost["peak_memory_mib"] else ""
    stages = ", ".join(
        f"{stage} {figures['p50']:.2f}/{figures['p95']:.2f}"
        for stage, figures in cost["seconds"].items()
        if figures["p50"] is not None
    )
    seconds = f"seconds p50/p95: {stages}\n" if stages else ""
    tokens = f"{cost['prompt_tokens']['sum']:.0f} prompt tokens, {cost['decoded_tokens']['sum']:.0f} decoded"
    return f"{count} questions in {report['seconds']:.0f} s{memory}\n{seconds}{tokens}"


def print_side_by_side(console: "Console", measured: Mapping[str, Mapping[str, Any]]) -> None:
    """Systems, or ways of asking, beside one another: a row a measure, with intervals.

    Where the terminal is too narrow for all of them, there are several tables with the same rows.
    """
    known = [name for name in SIDE_BY_SIDE if any(name in each["figures"] for each in measured.values())]
    fitting = max(1, (_width(console) - _TITLE_WIDTH) // _SYSTEM_WIDTH)
    count = math.ceil(len(measured) / math.ceil(len(measured) / fitting))
    names = list(measured)
    for first in range(0, len(names), count):
        shown = {name: measured[name] for name in names[first : first + count]}
        table = _table("measure", *map(_name, shown))
        for name in known:
            table.add_row(_TITLES[name], *(_interval(each["figures"].get(name)) for each in shown.values()))
        for name in ("p50", "p95"):
            table.add_row(f"seconds {name}", *(_seconds(each, name) for each in shown.values()))
        _print(console, table)


def print_comparison(console: "Console", comparison: Comparison, timings: Sequence[tuple[str, float, float]]) -> None:
    """What got better and what got worse since an earlier run, measure by measure and question by question."""
    table = _table("measure", "before", "now", "gain", "95 % interval", "")
    for each in comparison.differences:
        interval = f"{each.gain.low:+z.3f} to {each.gain.high:+z.3f}"
        table.add_row(
            each.title, f"{each.before:.3f}", f"{each.after:.3f}", f"{each.gain.value:+z.3f}", interval, each.verdict
        )
    for title, before, after in timings:
        table.add_row(f"{title} (not judged)", f"{before:.2f}", f"{after:.2f}", "", "", "")
    _print(console, table)
    for title, better in (("better", True), ("worse", False)):
        changed = [each for each in comparison.changed if each.better == better]
        for number, change in enumerate(changed):
            console.print(f"{title if not number else '':7}{harmless(change.id)}: {change.before} -> {change.after}")
    plural = "s" * (comparison.paired != 1)
    console.print(f"{comparison.paired} question{plural} compared, {comparison.unpaired} in one run only")


def _table(first: str, *others: str) -> "Table":
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    table.add_column(first, overflow="fold")
    for title in others:
        table.add_column(title, justify="right", no_wrap=True)
    return table


def _print(console: "Console", table: "Table") -> None:
    console.width = _width(console)
    console.print(table)


def _width(console: "Console") -> int:
    """How wide a table may be. A pipe has no width of its own: a table keeps its columns there."""
    return console.width if console.is_terminal else _WIDE


def _name(text: str) -> str:
    """What a question set calls a type, a split or a form, to be shown."""
    return harmless(text.replace("_", " "))


def _value(figure: Mapping[str, Any] | None) -> str:
    return f"{figure['value']:.3f}" if figure and figure["n"] else ""


def _interval(figure: Mapping[str, Any] | None, form: str = ".3f") -> str:
    if not figure or not figure["n"]:
        return ""
    return f"{figure['value']:{form}} [{figure['low']:z.2f}, {figure['high']:z.2f}]"


def _seconds(measured: Mapping[str, Any], name: str) -> str:
    seconds = measured["cost"]["seconds"]["total"][name]
    return "" if seconds is None else f"{seconds:.2f}"

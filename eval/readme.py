"""The tables of README.md, made from the reports in `eval/results/`, so that they cannot say anything else.

    python -m eval.readme

Each table stands between two comments that name it.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from eval import markdown
from eval.bench.report import rounded
from eval.measures import QUESTION_MEASURES, SET_MEASURES, Measure
from eval.tables import SIDE_BY_SIDE
from eval.types import UNANSWERABLE, Figure
from eval.variants import VARIANTS

_ROOT = Path(__file__).resolve().parent.parent
README = _ROOT / "README.md"
RESULTS = _ROOT / "eval" / "results"
_MEASURES: Mapping[str, Measure] = MappingProxyType({**QUESTION_MEASURES, **SET_MEASURES})
_RAW = ("auroc", "aurc", "calibration_error", "brier", "f1")
_SPEED: Mapping[str, str] = MappingProxyType(
    {
        "cold_ask": "`qa ask` in a new process / the same pipeline on SentenceTransformer and Q4_1 with the adapter",
        "cold_ask_seconds": "the same in seconds",
        "memory": "its peak memory / weights, index and key-value cache",
        "warm_ask": "a further question / the same calls of llama.cpp alone",
        "warm_ask_cold_prefixes": "the same with no passage read before",
        "batch": "a batch of 200 / the same questions one by one",
        "search": "search of 5,000 passages / bm25s and FAISS alone",
        "indexing": "indexing 5,000 passages / their `encode` alone",
        "reindexing": "indexing again after 1 % has changed / from nothing",
        "encoder_cosine": "least cosine of a vector with that of sentence-transformers, 1,000 texts",
        "encoder_nearest": "questions with the same ten nearest of 5,000 passages, 200 questions",
    }
)

Report = Mapping[str, Any]


def filled(text: str, results: Path = RESULTS) -> str:
    """The text with every table made anew."""
    return markdown.filled(text, lambda name: TABLES[name](results))


def _read(results: Path, name: str) -> Report:
    report: Report = json.loads((results / f"{name}.json").read_text(encoding="utf-8"))
    return report


def comparison(results: Path) -> str:
    """The assistant beside the baselines, and where it is not ahead of them all."""
    systems: Report = _read(results, "comparison")["systems"]
    measured = [name for name in SIDE_BY_SIDE if any(_has(each, name) for each in systems.values())]
    rows = [
        [_title(name), *(_figure(each["figures"].get(name), name) for each in systems.values())] for name in measured
    ]
    rows.append(["seconds an answer, median", *(_seconds(each) for each in systems.values())])
    places = {name: _lead(name, list(systems.values())) for name in measured}
    behind = [f"{_MEASURES[name].title}{' (level)' * (lead == 0)}" for name, lead in places.items() if lead <= 0]
    told = f"It is not ahead in: {'; '.join(behind)}." if behind else "It is ahead of each in every measure."
    return f"{markdown.table(['measure', *systems], rows)}\n\n{told}"


def _lead(name: str, systems: Sequence[Report]) -> float:
    """How far the first system is ahead of the best of the others in a measure; below zero where it lacks it."""
    values: list[float] = [each["figures"][name]["value"] for each in systems if _has(each, name)]
    if not _has(systems[0], name):
        return -1.0
    first, others = values[0], values[1:] or [-math.inf if _MEASURES[name].higher_is_better else math.inf]
    return first - max(others) if _MEASURES[name].higher_is_better else min(others) - first


def _has(system: Report, name: str) -> bool:
    figure = system["figures"].get(name)
    return bool(figure and figure["n"])


def by_type(results: Path) -> str:
    """The share of right answers, or of right refusals, of each type."""
    types: Report = _read(results, "report")["types"]
    order = sorted(types.items(), key=lambda item: item[0] in UNANSWERABLE)
    rows = []
    for kind, figures in order:
        right, shown = figures["correct"], "refused" if kind in UNANSWERABLE else "right"
        rows.append([kind.replace("_", " "), str(right["n"]), f"{shown} {_figure(right, 'correct')}"])
    return markdown.table(["type", "questions", "right, or rightly refused"], rows)


def squad(results: Path) -> str:
    """The public questions in each way of asking."""
    report = _read(results, "squad")
    names = ("right", "f1", "found@1", "found@5", "over_refused", "refused", "auroc")
    rows = [
        [VARIANTS[way].title, *(_figure(each["figures"].get(name), name) for name in names)]
        for way, each in report["variants"].items()
    ]
    head = ["asked", *(_title(name) for name in names)]
    return f"{len(report['ids'])} questions, {report['paragraphs']} paragraphs:\n\n{markdown.table(head, rows)}"


def speed(results: Path) -> str:
    """The program beside the bare libraries, and what does not reach its target."""
    report = _read(results, "bench")
    rows = []
    for each in report["rows"]:
        at_least = each["bound"] == "at least"
        value, interval = rounded(Figure(**each["figure"]), at_least)
        target = f"{each['bound']} {each['target']:g}{'' if each['met'] else ' **missed**'}"
        spread = (" / ".join(f"{side[name]:.3g}" for side in each["sides"]) for name in ("median", "p95"))
        unit = f" {each['sides'][0]['unit']}" if each["sides"] else ""
        rows.append([_SPEED[each["name"]], f"{value} {interval}", target, *(f"{part}{unit}" for part in spread)])
    return markdown.table(["measure", "figure", "target", "median", "95th percentile"], rows)


TABLES: Mapping[str, Callable[[Path], str]] = MappingProxyType(
    {"comparison": comparison, "types": by_type, "squad": squad, "speed": speed}
)


def _title(name: str) -> str:
    measure = _MEASURES[name]
    return measure.title if measure.higher_is_better else f"{measure.title} (lower is better)"


def _figure(figure: Report | None, name: str) -> str:
    if not figure or not figure["n"]:
        return "–"
    if name in _RAW:
        return f"{figure['value']:.2f} [{figure['low']:.2f}, {figure['high']:.2f}]"
    return f"{100 * figure['value']:.0f} % [{100 * figure['low']:.0f}, {100 * figure['high']:.0f}]"


def _seconds(system: Report) -> str:
    return f"{system['cost']['seconds']['total']['p50']:.2f}"


def main() -> None:
    """Write the tables into README.md."""
    README.write_text(filled(README.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()

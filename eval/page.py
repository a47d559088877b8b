"""A report -> one page for people who would rather look than read.

The page loads nothing: styles, script and plots stand in it, and it says so in its own security policy. Questions,
answers and articles may be hostile: all text passes `qa.render.harmless` and is escaped on its way out.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.resources import files
from itertools import pairwise
from typing import Any

from jinja2 import ChainableUndefined, Environment, FunctionLoader
from markupsafe import Markup

from eval.measures import QUESTION_MEASURES, RETRIEVAL_MEASURES, SET_MEASURES
from eval.plots import in_seconds, plots
from eval.types import UNANSWERABLE
from qa.render import harmless

Record = Mapping[str, Any]
Span = tuple[int, int]
Segment = tuple[int, int, str]

OUTCOMES: Mapping[str, str] = {
    "right": "right",
    "wrong": "wrong",
    "refused": "refused",
    "rightly_refused": "rightly refused",
    "invented": "invented",
    "failed": "failed",
}
"""What may become of a question, in the words of the page and in its order."""

# Measure, name, what it is in words.
_HEADLINES = (
    ("right", "Right", "of what the articles answer, answered rightly"),
    ("refused", "Rightly refused", "of what the articles do not answer, refused"),
    ("over_refused", "Over-refused", "of what the articles answer, refused all the same; less is better"),
    ("valid", "Valid citations", "quotations that stand where they are said to stand"),
    ("span_recall", "Citation recall", "of the gold evidence, what is cited"),
    ("span_precision", "Citation precision", "of what is cited, gold evidence"),
)
_COLUMNS = {
    "right": "Right",
    "right_or_quoted": "Right or quoted",
    "first_on_evidence": "First citation on evidence",
    "found@5": "Retrieved in five",
    "over_refused": "Refused",
}
_STRIPS = (
    ("The articles hold the answer", True, ("right", "wrong", "refused", "failed")),
    ("The articles do not hold it", False, ("rightly_refused", "invented", "failed")),
)
_WORTH = {"right": 3, "rightly_refused": 3, "refused": 2, "wrong": 1, "invented": 1, "failed": 0}
_MEASURES = {**QUESTION_MEASURES, **RETRIEVAL_MEASURES, **SET_MEASURES}
_KINDS = {(True, True): "both", (True, False): "gold", (False, True): "cited", (False, False): ""}
# What could end a script element, start a comment in one, or break a line of script.
_IN_SCRIPT = str.maketrans({each: f"\\u{ord(each):04x}" for each in "<>&\u2028\u2029"})


def page(report: Record, texts: Mapping[str, str]) -> str:
    """The page of a report; `texts` are the articles by file name.

    The same report gives the same page. An article that is missing is left out, its quotations are still shown.
    """
    anchors = _anchors([str(row["id"]) for row in report["rows"]])
    rows = [_question(row, anchor, texts) for row, anchor in zip(report["rows"], anchors, strict=True)]
    return (
        _environment()
        .get_template("report.html.jinja")
        .render(
            report=report,
            rows=rows,
            headlines=[(*each, report["figures"][each[0]]) for each in _HEADLINES if each[0] in report["figures"]],
            strips=[strip for strip in (_strip(rows, *each) for each in _STRIPS) if strip["n"]],
            tables=_tables(report),
            plots=[(plot, Markup(plot.svg)) for plot in plots(report)],
            comparison=_comparison(report, rows),
            outcomes=_counted(rows, tuple(OUTCOMES)),
            kinds=sorted(Counter(row["type"] for row in rows).items()),
            style=Markup(_source("report.css")),
            script=Markup(_source("report.js")),
            data=Markup(_as_script(_data(rows, texts))),
        )
    )


def segments(length: int, gold: Sequence[Span], cited: Sequence[Span]) -> list[Segment]:
    """A text of `length` characters cut into runs that are "gold", "cited", "both" or "" throughout.

    Spans are start and end; what lies outside the text is ignored. The runs follow each other from 0 to `length`, and
    no two neighbours are of one kind.

    >>> segments(10, [(2, 6)], [(4, 8)])
    [(0, 2, ''), (2, 4, 'gold'), (4, 6, 'both'), (6, 8, 'cited'), (8, 10, '')]
    """
    inside = {min(max(edge, 0), length) for span in (*gold, *cited) for edge in span}
    runs: list[Segment] = []
    for start, end in pairwise(sorted({0, length} | inside)):
        kind = _KINDS[_covers(gold, start), _covers(cited, start)]
        if runs and runs[-1][2] == kind:
            start = runs.pop()[0]
        runs.append((start, end, kind))
    return runs


def _covers(spans: Sequence[Span], place: int) -> bool:
    return any(start <= place < end for start, end in spans)


def _question(row: Record, anchor: str, texts: Mapping[str, str]) -> dict[str, Any]:
    """A row as the template shows it."""
    record = row["record"]
    return {
        **row,
        "anchor": anchor,
        "word": OUTCOMES.get(row["outcome"], row["outcome"]),
        "cited": [_citation(each, record, texts) for each in record.get("citations") or ()],
        "history": [turn if isinstance(turn, str) else turn["question"] for turn in row.get("history") or ()],
        "measured": [(_title(name), value) for name, value in (row.get("scores") or {}).items() if name in _MEASURES],
    }


def _citation(citation: Record, record: Record, texts: Mapping[str, str]) -> dict[str, Any]:
    """A citation with its quotation around the answering words, and whether it stands where it says."""
    start, end, quote = citation["start"], citation["end"], citation["quote"]
    first = citation.get("answer_start", start) - start
    last = citation.get("answer_end", end) - start
    return {
        **citation,
        "stands": texts.get(citation["file"], "")[start:end] == quote,
        "parts": (quote[:first], quote[first:last], quote[last:]) if 0 < last - first < len(quote) else (quote, "", ""),
        "in_answer": quote in (record.get("answer") or ""),
    }


def _anchors(ids: Iterable[str]) -> Iterator[str]:
    """Names for links, each only once: of the id where that is a plain word, otherwise of the question's number."""
    taken = set()
    for number, name in enumerate(ids, 1):
        plain = re.fullmatch(r"[\w-]+", name, re.ASCII) and name not in taken
        taken.add(name)
        # The dot keeps numbers apart from ids.
        yield f"question-{name}" if plain else f"question-.{number}"


def _counted(rows: Sequence[Record], outcomes: Sequence[str]) -> list[tuple[str, str, int]]:
    """Outcome, its words, how many; without those that are nobody's."""
    counts = Counter(row["outcome"] for row in rows)
    return [(outcome, OUTCOMES[outcome], counts[outcome]) for outcome in outcomes if counts[outcome]]


def _strip(rows: Sequence[Record], title: str, answerable: bool, outcomes: Sequence[str]) -> dict[str, Any]:
    chosen = [row for row in rows if row["answerable"] == answerable]
    return {"title": title, "answerable": answerable, "n": len(chosen), "parts": _counted(chosen, outcomes)}


def _tables(report: Record) -> dict[str, Any]:
    """The tables by name."""
    types, retrieval = report.get("types") or {}, report.get("retrieval") or {}
    splits = {"all": report["figures"], **(report.get("splits") or {})}
    measures = {_title(name): {each: splits[each].get(name) for each in splits} for name in _names(splits)}
    answerable = {kind: types[kind] for kind in sorted(types) if kind not in UNANSWERABLE}
    unanswerable = {kind: types[kind] for kind in sorted(types) if kind in UNANSWERABLE}
    return {
        "answerable": _table(answerable, _COLUMNS),
        "unanswerable": _table(unanswerable, {"refused": "Rightly refused"}),
        "retrieval": _table(retrieval, {name: _title(name) for name in _names(retrieval)}),
        "measures": _table(measures, {each: each for each in splits}),
    }


def _table(lines: Mapping[str, Record], columns: Mapping[str, str]) -> dict[str, Any]:
    """The columns that any line has a figure for, and the lines as a name, a number and a figure or none a column.

    The number is how many questions the figures of the line speak of, at most.
    """
    known = [name for name in columns if any(figures.get(name) for figures in lines.values())]
    return {
        "columns": [columns[name] for name in known],
        "lines": [
            (line, max((each["n"] for each in figures.values() if each), default=0), [*map(figures.get, known)])
            for line, figures in lines.items()
        ],
    }


def _names(groups: Mapping[str, Record]) -> list[str]:
    """The figures that any group has, in the order in which they come up."""
    return list(dict.fromkeys(name for figures in groups.values() for name in figures))


def _title(name: str) -> str:
    return _MEASURES[name].title if name in _MEASURES else name.replace("_", " ")


def _comparison(report: Record, rows: Sequence[Record]) -> Mapping[str, Sequence[Record]] | None:
    """What changed against a baseline, for better and for worse; None where there is none to compare with."""
    if report.get("comparison") is None:
        return None
    by_id = {row["id"]: row for row in rows}
    changes: dict[str, list[Record]] = {"better": [], "worse": [], "otherwise": []}
    for change in report["comparison"]:
        gain = _WORTH.get(change["after"], 0) - _WORTH.get(change["before"], 0)
        kind = "better" if gain > 0 else "worse" if gain < 0 else "otherwise"
        changes[kind].append({**change, "row": by_id.get(change["id"])})
    return changes


def _data(rows: Sequence[Record], texts: Mapping[str, str]) -> dict[str, Any]:
    """What the script shows on opening a question: every article once, and of each question its runs in them."""
    marked = {row["anchor"]: _runs(row, texts) for row in rows}
    wanted = sorted({file for runs in marked.values() for file, _ in runs})
    place = {file: number for number, file in enumerate(wanted)}
    return {
        "articles": [{"file": harmless(file), "text": _same_length(texts[file])} for file in wanted],
        "questions": {anchor: [[place[file], found] for file, found in runs] for anchor, runs in marked.items()},
    }


def _runs(row: Record, texts: Mapping[str, str]) -> list[tuple[str, list[Segment]]]:
    """The articles that hold something cited or gold, the cited ones first, in runs."""
    cited, gold = row["cited"], row.get("evidence") or ()
    wanted = dict.fromkeys(each["file"] for each in (*cited, *gold))
    return [
        (file, segments(len(texts[file]), _spans(gold, file), _spans(cited, file))) for file in wanted if file in texts
    ]


def _spans(places: Iterable[Record], file: str) -> list[Span]:
    return [(each["start"], each["end"]) for each in places if each["file"] == file]


def _same_length(text: str) -> str:
    """A text made harmless, with every character where it was."""
    return harmless(text.replace("\r\n", " \n"))


def _as_script(data: object) -> str:
    """JSON that no parser of pages mistakes for anything else."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).translate(_IN_SCRIPT)


def _source(name: str) -> str:
    return files("eval").joinpath("templates", name).read_text(encoding="utf-8")


def _environment() -> Environment:
    """Escaping everywhere; what is not there is empty, however deep."""
    environment = Environment(
        loader=FunctionLoader(_source),
        autoescape=True,
        undefined=ChainableUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.filters |= {"percent": "{:.0%}".format, "duration": _duration, "seconds": in_seconds}
    return environment


def _shown(value: object) -> object:
    return harmless(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _duration(seconds: float) -> str:
    """`212.4` -> «3 min 32 s»."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"

"""A report -> its plots, each an SVG element to stand in a page.

Colours are the page's custom properties, so that a plot follows the page into the dark; text stays text. Nothing here
reads the clock or chance: the same report gives the same bytes.
"""

import io
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
from markupsafe import escape
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, NullLocator, PercentFormatter
from matplotlib.transforms import blended_transform_factory

from eval.types import UNANSWERABLE
from qa.render import harmless

Report = Mapping[str, Any]

# matplotlib wants colours it knows: these stand in for the page's own until the SVG is written.
_INK, _MUTED, _RULE, _ACCENT, _SECOND = "#010101", "#010102", "#010103", "#010104", "#010105"
_PROPERTIES = {_INK: "--ink", _MUTED: "--muted", _RULE: "--rule", _ACCENT: "--accent", _SECOND: "--second"}
_WIDTH, _HEIGHT, _ROW = 360, 235, 19  # points; a page 400 pixels wide then shows text at its own size
_NAME_CHARACTERS = 22
_FASTEST = 0.001  # seconds; a logarithmic axis has no zero
_SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.family": "sans-serif",
    "font.size": 11,
    "axes.edgecolor": _RULE,
    "axes.labelcolor": _MUTED,
    "text.color": _INK,
    "xtick.color": _MUTED,
    "ytick.color": _MUTED,
    "grid.color": _RULE,
}
_NO_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot and what it shows in words. `svg` is empty where there is nothing to draw, and `label` says so."""

    name: str
    title: str
    label: str
    note: str = ""
    svg: str = ""


def plots(report: Report) -> list[Plot]:
    """All plots of a report, in the order in which they are shown."""
    return [by_type(report), risk_coverage(report), calibration(report), latency(report)]


def by_type(report: Report) -> Plot:
    """The share answered rightly of each type, and the share refused of what the articles do not answer."""
    name, title = "types", "Scores by type"
    types = report.get("types") or {}
    bars = {
        "In the articles: answered rightly": _ranked(types, "right", lambda kind: kind not in UNANSWERABLE),
        "Not in the articles: refused": _ranked(types, "refused", lambda kind: kind in UNANSWERABLE),
    }
    lines = sum(len(held) + 1 for held in bars.values() if held)
    if not lines:
        return Plot(name, title, "No type has a score.")
    told = "; ".join(f"{kind} {figure['value']:.0%}" for held in bars.values() for kind, figure in held)
    svg = _svg(
        name,
        f"{title}: {told}",
        lambda figure: _draw_bars(_bare(figure.add_subplot(), y=False), bars),
        _ROW * lines + 44,
    )
    return Plot(name, title, told, "Bars are shares, thin lines their 95% intervals.", svg)


def risk_coverage(report: Report) -> Plot:
    """How the share that is wrong grows as less and less sure answers are let through."""
    name, title = "risk", "Risk and coverage"
    curve = [(float(coverage), float(risk)) for coverage, risk in report.get("risk_coverage") or ()]
    if not curve:
        return Plot(name, title, "No confidence was given, so nothing says which answers are surer.")
    half = next((risk for coverage, risk in curve if coverage >= 0.5), curve[-1][1])
    told = f"Among the surest half {half:.0%} are wrong, among all {curve[-1][1]:.0%}."
    svg = _svg(name, f"{title}. {told}", lambda figure: _draw_risk(_bare(figure.add_subplot()), curve))
    return Plot(name, title, told, told + " A curve that rises late is better.", svg)


def calibration(report: Report) -> Plot:
    """Whether answers given with a confidence of, say, 70 % are right 70 % of the time."""
    name, title = "calibration", "Calibration"
    bins = [each for each in report.get("calibration") or () if each["n"] and each["right"] is not None]
    if not bins:
        return Plot(name, title, "No answer came with a confidence.")
    told = "; ".join(f"confidence {each['confidence']:.0%}, right {each['right']:.0%}" for each in bins)
    sizes = sorted({each["n"] for each in bins})
    answers = f"{sizes[0]}" if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"
    note = f"Each dot is a group of {answers} answers with its 95% interval. On the dotted line, confidence is honest."
    svg = _svg(name, f"{title}: {told}", lambda figure: _draw_calibration(figure, bins))
    return Plot(name, title, told, note, svg)


def latency(report: Report) -> Plot:
    """How many questions were answered within so many seconds."""
    name, title = "latency", "Seconds an answer"
    taken = [(row["record"].get("seconds") or {}).get("total") for row in report.get("rows") or ()]
    seconds = sorted(max(float(each), _FASTEST) for each in taken if each is not None)
    if not seconds:
        return Plot(name, title, "No times were measured.")
    marks = {share: seconds[math.ceil(share * len(seconds)) - 1] for share in (0.5, 0.95)}
    told = f"Half of the questions took at most {in_seconds(marks[0.5])}, 95% at most {in_seconds(marks[0.95])}."
    svg = _svg(
        name, f"{title}. {told}", lambda figure: _draw_latency(_bare(figure.add_subplot(), x=False), seconds, marks)
    )
    return Plot(name, title, told, told + " The axis is logarithmic.", svg)


def in_seconds(seconds: float) -> str:
    """A time to two significant digits, or to the second from ten on.

    >>> in_seconds(0.0312), in_seconds(4.26), in_seconds(75.3)
    ('0.031 s', '4.3 s', '75 s')
    """
    digits = 0 if seconds >= 10 else max(0, 1 - math.floor(math.log10(max(seconds, _FASTEST))))
    return f"{seconds:.{digits}f} s"


def wilson(share: float, n: int) -> tuple[float, float]:
    """The 95 % interval of a share of `n` (Wilson).

    >>> [round(bound, 2) for bound in wilson(0.5, 16)]
    [0.28, 0.72]
    """
    z = 1.96
    centre, spread = share + z * z / (2 * n), z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return (centre - spread) / (1 + z * z / n), (centre + spread) / (1 + z * z / n)


def _ranked(types: Mapping[str, Report], measure: str, wanted: Callable[[str], bool]) -> list[tuple[str, Report]]:
    """The wanted types that have the figure, the best first."""
    held = [(kind, types[kind].get(measure) or {}) for kind in sorted(types) if wanted(kind)]
    known = [(kind, figure) for kind, figure in held if figure.get("value") is not None]
    return sorted(known, key=lambda each: -each[1]["value"])


def _bare(axes: Axes, x: bool = True, y: bool = True) -> Axes:
    """Axes with nothing but what must be there, percent along those that are shares."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(length=0, pad=6, which="both")
    axes.tick_params(axis="x", pad=10)  # the zeros of both axes are neighbours
    axes.grid(True, linewidth=0.7)
    axes.set_axisbelow(True)
    for axis in (axes.xaxis,) * x + (axes.yaxis,) * y:
        axis.set_major_formatter(PercentFormatter(1, decimals=0))
    return axes


def _draw_bars(axes: Axes, bars: Mapping[str, Sequence[tuple[str, Report]]]) -> None:
    """From the top down: a heading, the types under it, the next heading."""
    names: list[str] = []
    margin = blended_transform_factory(axes.figure.transSubfigure, axes.transData)
    for (heading, held), color in zip(bars.items(), (_ACCENT, _SECOND), strict=True):
        if held:
            written = axes.text(0.01, len(names), heading, color=_MUTED, va="center", weight="bold", transform=margin)
            written.set_in_layout(False)  # it may stand over the names' column, which is as wide as the names
            names.append("")
        for kind, figure in held:
            _draw_bar(axes, len(names), figure, color)
            names.append(f"{_short(kind)} ({figure['n']})")
    axes.set_yticks(range(len(names)), names)
    axes.set(xlim=(0, 1), ylim=(len(names) - 0.4, -0.6), xticks=[0, 0.25, 0.5, 0.75, 1])
    axes.grid(False, axis="y")
    axes.spines["left"].set_visible(False)


def _draw_bar(axes: Axes, line: int, figure: Report, color: str) -> None:
    axes.barh(line, figure["value"], height=0.6, color=color, alpha=0.68)
    axes.hlines(line, figure["low"], figure["high"], color=_INK, linewidth=1.2)
    axes.text(1.03, line, f"{figure['value']:.0%}", va="center")


def _short(kind: str) -> str:
    words = " ".join(harmless(kind).replace("_", " ").split())
    return words if len(words) <= _NAME_CHARACTERS else words[: _NAME_CHARACTERS - 1] + "…"


def _draw_risk(axes: Axes, curve: Sequence[tuple[float, float]]) -> None:
    coverage, risk = zip(*curve, strict=True)
    axes.fill_between(coverage, risk, color=_ACCENT, alpha=0.15, linewidth=0)
    axes.plot(coverage, risk, color=_ACCENT, linewidth=2)
    axes.plot(coverage[-1:], risk[-1:], "o", color=_ACCENT, markersize=6, clip_on=False)
    axes.set(xlabel="share of questions, the surest first", ylabel="wrong among them")
    axes.set(xlim=(0, 1), ylim=(0, max(0.1, *risk) * 1.1))
    axes.locator_params(axis="y", nbins=5)


def _draw_calibration(figure: Figure, bins: Sequence[Report]) -> None:
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(5, 1))
    confidence, right, sizes = ([float(each[key]) for each in bins] for key in ("confidence", "right", "n"))
    _bare(upper).plot([0, 1], [0, 1], color=_MUTED, linestyle=":", linewidth=1.5)
    for x, y, n in zip(confidence, right, sizes, strict=True):
        upper.vlines(x, *wilson(y, int(n)), color=_ACCENT, alpha=0.45, linewidth=2)
    upper.plot(confidence, right, "o", color=_ACCENT, markersize=7)
    upper.set(xlim=(0, 1), ylim=(-0.04, 1.04), ylabel="right")
    _bare(lower, y=False).vlines(confidence, 0, sizes, color=_SECOND, linewidth=5)
    lower.set(xlabel="confidence", ylabel="answers", ylim=(0, max(sizes) * 1.15))
    lower.set_yticks([0, max(sizes)], ["0", f"{max(sizes):.0f}"])
    figure.align_ylabels()


def _draw_latency(axes: Axes, seconds: Sequence[float], marks: Mapping[float, float]) -> None:
    axes.ecdf(seconds, color=_ACCENT, linewidth=2)
    axes.set_xscale("log")
    low, high = seconds[0] / 1.6, seconds[-1] * 1.6  # a factor of 2.5 holds a round number
    axes.set(xlim=(low, high), ylim=(0, 1.06), xlabel="seconds", ylabel="questions answered")
    for share, taken in marks.items():
        # A curve that rises leaves room above on its left and below on its right.
        left = math.log(taken / low) > 0.5 * math.log(high / low)
        axes.plot([taken], [share], "o", color=_SECOND, markersize=7)
        axes.annotate(
            f"p{share * 100:.0f} {in_seconds(taken)}", (taken, share), (-8, 7) if left else (8, -7),
            textcoords="offset points", va="center", ha="right" if left else "left",
        )  # fmt: skip
    ticks = _ticks(low, high)
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_minor_locator(NullLocator())


def _ticks(low: float, high: float, most: int = 7) -> list[float]:
    """Round numbers between two bounds: 1-2-5 where there is room, otherwise powers of ten, every second, ...

    >>> _ticks(0.03, 0.6)
    [0.05, 0.1, 0.2, 0.5]
    """
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for steps, stride in (((1, 2, 5), 1), ((1, 3), 1), ((1,), 1), ((1,), 2), ((1,), 3)):
        ticks = [float(f"{step}e{decade}") for decade in decades[::stride] for step in steps]
        within = [tick for tick in ticks if low <= tick <= high]
        if len(within) <= most:
            break
    return within


def _svg(name: str, label: str, draw: Callable[[Figure], None], height: float = _HEIGHT) -> str:
    """What `draw` draws, as an element whose ids no other plot of the page has."""
    with matplotlib.rc_context({**_SETTINGS, "svg.hashsalt": name}):
        figure = Figure(figsize=(_WIDTH / 72, height / 72), layout="constrained")
        draw(figure)
        written = io.StringIO()
        figure.savefig(written, format="svg", transparent=True, metadata=_NO_METADATA)
    return embedded(written.getvalue(), name, label)


def embedded(svg: str, name: str, label: str) -> str:
    """An SVG file as an element of a page, named for those who do not see it.

    Its style sheet goes, since it would hold for the whole page, and so does its size.
    """
    element = svg[svg.index("<svg") :]
    element = re.sub(r"<(style|metadata)\b.*?</\1>", "", element, flags=re.DOTALL)
    element = re.sub(r'\bid="', f'id="{name}-', element)
    element = re.sub(r'(url\(|xlink:href=")#', rf"\1#{name}-", element)
    size = re.search(r'viewBox="[^"]*"', element)
    opening = f'<svg {size[0] if size else ""} role="img" aria-label="{escape(harmless(label))}">'
    element = re.sub(r"<svg[^>]*>", lambda _: opening, element, count=1)
    for color, stood_for in _PROPERTIES.items():
        element = element.replace(color, f"var({stood_for})")
    return "\n".join(line.rstrip() for line in element.splitlines())

"""The figures of the data card, `qa/training/data/README.md`, made from the corpus: they cannot say anything else.

Each block of figures stands between two comments that name it.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from eval import markdown
from eval.intervals import mean_with_interval
from qa.training.figures import distributions, table
from qa.training.passages import DATA, KINDS, Passage
from qa.training.second_reader import Reading
from qa.training.telling import auroc_of_wording

CARD = DATA / "README.md"
_SHOWN_VALUES = 20


def filled(text: str, passages: Sequence[Passage], read: Sequence[Reading]) -> str:
    """The text of a card with its figures and the second reader's agreement made anew."""
    telling = ("near misses told by the wording of the question alone, AUROC", f"{auroc_of_wording(passages):.2f}")
    blocks = {"figures": figures(passages, [telling]), "agreement": named(agreement_rows(read))}
    return markdown.filled(text, blocks.__getitem__)


def figures(passages: Sequence[Passage], more: Sequence[tuple[str, str]] = ()) -> str:
    """The figures of passages in Markdown, with further ones at the end of the table."""
    counted = [f"{name}: {', '.join(_counted(counts))}" for name, counts in distributions(passages).items()]
    return "\n\n".join([named([*table(passages), *more]), *counted])


def _counted(counts: Counter[str]) -> Iterator[str]:
    shown = counts.most_common(_SHOWN_VALUES)
    yield from (f"{value} {count}" for value, count in shown)
    if len(counts) > len(shown):
        yield f"and {len(counts) - len(shown)} more"


def agreement_rows(read: Sequence[Reading]) -> list[tuple[str, str]]:
    """A second reader's agreement as names and figures, the latter with 95 % intervals."""
    answerable = [it for it in read if not it.question.is_near_miss]
    near = [it for it in read if it.question.is_near_miss]
    kinds = [(kind, [it for it in answerable if it.question.kind == kind]) for kind in KINDS]
    return [
        (f"F1, all {len(read)} questions", _mean([it.agreement for it in read])),
        (f"F1, {len(answerable)} with an answer", _mean([it.agreement for it in answerable])),
        (f"{len(near)} near misses, not answered by the reader either", _mean([it.agreement for it in near])),
        ("answered, or not, alike", _mean([float(it.agrees_on_answerability) for it in read])),
        *((f"F1, {len(its)} of kind {kind}", _mean([it.agreement for it in its])) for kind, its in kinds),
    ]


def _mean(values: Sequence[float]) -> str:
    figure = mean_with_interval(values)
    return f"{figure.value:.2f} [{figure.low:.2f}, {figure.high:.2f}]" if figure.n else "–"


def named(rows: Iterable[tuple[str, str]]) -> str:
    """Names and figures as a table."""
    return markdown.table(["figure", "value"], rows)

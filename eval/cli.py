"""The `qa eval` command: how good the answers are, on a set of questions."""

import errno
import os
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qa.errors import QuestionsError
from qa.options import (
    CHECK_FAILED,
    HELP_OPTIONS,
    Corpus,
    EmbedderName,
    IndexDir,
    ModelPath,
    Reader,
    TopK,
    assistant_for,
    settings_of,
)
from qa.terminal import console, counting_bar, indexing_bar, print_record

if TYPE_CHECKING:
    from collections.abc import Callable

    from qa.settings import Settings

app = typer.Typer(
    name="eval",
    help="Measure the answers on a set of questions.",
    invoke_without_command=True,
    rich_markup_mode=None,
    context_settings=HELP_OPTIONS,
)
QuestionFile = Annotated[
    Path | None, typer.Option("--questions", help="Question set in JSONL (default: that of the project, on ./seeds).")
]


@app.callback(epilog="Example: qa eval --split test --out report")
def evaluate(
    context: typer.Context,
    questions: QuestionFile = None,
    split: Annotated[str, typer.Option(help="dev, test, or both when empty.")] = "",
    out: Annotated[Path | None, typer.Option(help="Folder for report.json and report.html.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON instead of tables.")] = False,
    baseline: Annotated[
        Path | None, typer.Option(help="An earlier report.json; exit status 4 where a measure got worse.")
    ] = None,
    compare: Annotated[bool, typer.Option("--compare", help="Run simple baselines on the same questions.")] = False,
    squad: Annotated[Path | None, typer.Option(help="A SQuAD-format file, which becomes the corpus.")] = None,
    distractors: Annotated[Path | None, typer.Option(help="With --squad: a file with more paragraphs.")] = None,
    questions_en: Annotated[
        Path | None, typer.Option(help="With --squad: a JSON object of English questions by id.")
    ] = None,
    most: Annotated[int | None, typer.Option("--most", min=1, help="With --squad: ask only so many questions.")] = None,
    corpus: Corpus = None,
    index_dir: IndexDir = None,
    embedder: EmbedderName = None,
    model: ModelPath = None,
    reader: Reader = None,
    top_k: TopK = None,
) -> None:
    """Answer a set of questions and print the figures."""
    if context.invoked_subcommand is not None:
        if any(context.params.values()):
            raise typer.BadParameter(f"options of {context.invoked_subcommand} go behind it")
        return
    _require_fitting(squad, compare, baseline, distractors or questions_en or most)
    if squad and (questions or split or corpus or index_dir):
        raise typer.BadParameter("--squad holds articles and questions: no --questions, --split, --corpus, --index-dir")
    settings = settings_of(corpus, index_dir, embedder, model, reader, top_k)
    if out is not None:
        _require_folder(out)
    if squad is not None:
        files = {"squad": squad, "distractors": distractors, "english": questions_en}
        _run_squad(settings, {role: file for role, file in files.items() if file is not None}, most, as_json, out)
    elif compare:
        _run_comparison(settings, questions, split, as_json, out)
    else:
        _run_default(settings, questions, split, as_json, out, baseline)


def _require_fitting(squad: Path | None, compare: bool, baseline: Path | None, of_squad: object) -> None:
    if sum(map(bool, (squad, compare, baseline))) > 1:
        raise typer.BadParameter("--squad, --compare and --baseline are runs of their own: name one")
    if of_squad and not squad:
        raise typer.BadParameter("--distractors, --questions-en and --most need --squad FILE")


def _require_folder(out: Path) -> None:
    """Makes the folder of a report: that it cannot be written must be known before an hour's run, not after it."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        if not os.access(out, os.W_OK):
            raise OSError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        found = f"{out} cannot be written ({error.strerror})"
        raise QuestionsError(found, "a folder for the report", "name one") from error


def _run_default(
    settings: "Settings", questions: Path | None, split: str, as_json: bool, out: Path | None, baseline: Path | None
) -> None:
    from eval import suite, tables
    from eval.baseline import compare, differences, outcome_changes, require_common, timings
    from eval.report import read_report, rows_of, write_report
    from eval.run import texts_of
    from eval.systems import Pipeline
    from qa.record import dumps

    before = None if baseline is None else read_report(baseline)
    earlier = None if before is None else rows_of(before)
    with assistant_for(settings, at_once=True) as assistant:
        asked = suite.questions_for(assistant, questions, split)
        if earlier is not None:
            require_common(earlier, asked)
        rows, report = suite.evaluate(Pipeline(assistant), assistant, asked, _bar)
        texts = texts_of(assistant)
    comparison = None if earlier is None else compare(earlier, rows)
    if comparison is not None:
        report |= {"comparison": outcome_changes(comparison), "differences": differences(comparison)}
    if out is not None:
        write_report(report, texts, out)
    if as_json:
        print_record(dumps(report))
    else:
        tables.print_report(console(), report)
        if before is not None and comparison is not None:
            tables.print_comparison(console(), comparison, timings(before, report))
    if comparison is not None and comparison.worse:
        raise typer.Exit(CHECK_FAILED)


def _run_comparison(settings: "Settings", questions: Path | None, split: str, as_json: bool, out: Path | None) -> None:
    from eval import suite

    with assistant_for(settings, at_once=True) as assistant:
        report = suite.compare_systems(assistant, suite.questions_for(assistant, questions, split), _bar)
    _tell(report, "systems", as_json, None if out is None else out / "comparison.json")


def _run_squad(settings: "Settings", files: dict[str, Path], most: int | None, as_json: bool, out: Path | None) -> None:
    from eval import suite

    with indexing_bar() as progress:
        report = suite.evaluate_squad(settings, files, most, progress, _bar)
    _tell(report, "variants", as_json, None if out is None else out / "squad.json")


def _tell(report: dict[str, Any], measured: str, as_json: bool, file: Path | None) -> None:
    """Writes and prints a report whose figures stand side by side under one of its keys."""
    from eval import tables
    from eval.report import write_json
    from qa.record import dumps

    if file is not None:
        write_json(report, file)
    if as_json:
        print_record(dumps(report))
    else:
        tables.print_side_by_side(console(), report[measured])


@app.command("new", epilog="Example: qa eval new -o questions.jsonl --corpus noticias")
def write_new(
    output: Annotated[Path, typer.Option("--output", "-o", help="File that the questions are added to.")] = Path(
        "questions.jsonl"
    ),
    corpus: Corpus = None,
    index_dir: IndexDir = None,
    embedder: EmbedderName = None,
    top_k: TopK = None,
) -> None:
    """Write questions of your own: shows the passages found, takes the evidence, computes the offsets."""
    from eval.authoring import run_authoring

    run_authoring(settings_of(corpus, index_dir, embedder, top_k=top_k), output)


def _bar(total: int) -> "AbstractContextManager[Callable[[], None]]":
    return counting_bar("Evaluating", total)

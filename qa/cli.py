"""The `qa` command: flags in, text or JSON out, faults as one line on standard error.

Exit status: 0 done (abstentions included), 1 a fault the user can mend, 2 wrong usage, 4 a check did not hold,
130 interrupted. Heavy modules are imported inside the commands that need them, so that help comes at once.
"""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from eval.cli import app as evaluation
from index.errors import UserError
from qa.guard import guard_outputs
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
from qa.terminal import (
    at_terminal,
    console,
    discard_output,
    note,
    print_record,
    standard_bytes,
    standard_input,
    typed_text,
)

# torch and llama.cpp share one OpenMP library, whose idle threads spin: with anything else running they would starve
# each other. NumPy's do likewise, and gain next to nothing on a single question. Both settings are read when the first
# library is loaded, so they are made before any can be.
os.environ.setdefault("GOMP_SPINCOUNT", "600")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

FAILED = 1
MISUSED = 2

app = typer.Typer(
    name="qa",
    help="Ask a folder of Spanish articles. Every answer quotes the file it stands in; otherwise: no consta.",
    invoke_without_command=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings=HELP_OPTIONS,
)


app.add_typer(evaluation)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"qa (consta) {version('consta')}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Begin a chat where no command is named."""
    if context.invoked_subcommand is not None:
        return
    if not at_terminal():
        print(context.get_help(), file=sys.stderr)
        raise typer.Exit(MISUSED)
    from qa.session import run_chat

    _end(run_chat(settings_of()))


@app.command(epilog='Example: qa ask "¿Qué le regaló Putin a Kim en febrero?"')
def ask(
    question: Annotated[str, typer.Argument(help="The question; - reads it from standard input.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole record as one line of JSON.")] = False,
    corpus: Corpus = None,
    index_dir: IndexDir = None,
    embedder: EmbedderName = None,
    model: ModelPath = None,
    reader: Reader = None,
    top_k: TopK = None,
) -> None:
    """Answer one question with proven quotations."""
    from qa.intent import checked
    from qa.record import to_json
    from qa.render import print_answer

    asked = checked(standard_input() if question == "-" else typed_text(question))
    settings = settings_of(corpus, index_dir, embedder, model, reader, top_k)
    with assistant_for(settings) as assistant:
        answer = assistant.ask(asked)
        files = assistant.files
    if as_json:
        print_record(to_json(answer, files))
        return
    for notice in answer.notices:
        note(notice)
    print_answer(console(), answer, files, settings.corpus)


@app.command(epilog="Example: qa chat --corpus noticias")
def chat(
    corpus: Corpus = None,
    index_dir: IndexDir = None,
    embedder: EmbedderName = None,
    model: ModelPath = None,
    reader: Reader = None,
    top_k: TopK = None,
) -> None:
    """Ask one question after another, with follow-ups; without a terminal, a line at a time."""
    from qa.session import run_chat

    _end(run_chat(settings_of(corpus, index_dir, embedder, model, reader, top_k)))


@app.command(epilog="Example: qa batch questions.jsonl -o answers.jsonl")
def batch(
    questions: Annotated[Path, typer.Argument(help="Questions as JSONL or one a line; - reads standard input.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File for the records; a stopped run goes on in it.")
    ] = None,
    restart: Annotated[bool, typer.Option("--restart", help="Empty the file and begin anew.")] = False,
    follow: Annotated[bool, typer.Option("--follow", help="Show each answer as it comes.")] = False,
    corpus: Corpus = None,
    index_dir: IndexDir = None,
    embedder: EmbedderName = None,
    model: ModelPath = None,
    reader: Reader = None,
    top_k: TopK = None,
) -> None:
    """Answer many questions in their order, one record a line."""
    from qa.batch import require_apart, run_batch
    from qa.questions import lines_of

    target = None if output is None or str(output) == "-" else output
    if target is None and (follow or restart):
        raise typer.BadParameter(f"{'--follow' if follow else '--restart'} needs a file: -o FILE")
    source = None if str(questions) == "-" else questions
    settings = settings_of(corpus, index_dir, embedder, model, reader, top_k)
    if target is not None:
        require_apart(source, target, settings)
    lines = None if source is None else lines_of(source)
    total = None if lines is None else sum(1 for line in lines if line.strip())
    with assistant_for(settings, at_once=True) as assistant:
        failed = run_batch(assistant, standard_bytes() if lines is None else lines, total, target, restart, follow)
    _end(FAILED if failed else 0)


@app.command(epilog='Example: qa search "misiles balísticos" --top-k 3')
def search(
    query: Annotated[str, typer.Argument(help="Words or a question.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per passage.")] = False,
    corpus: Corpus = None,
    index_dir: IndexDir = None,
    embedder: EmbedderName = None,
    top_k: TopK = None,
) -> None:
    """Show the passages found for a query, with their scores and origin."""
    from qa.intent import checked
    from qa.record import dumps, passage_record
    from qa.render import print_hits

    wanted = checked(typed_text(query))
    settings = settings_of(corpus, index_dir, embedder, top_k=top_k)
    with assistant_for(settings) as assistant:
        hits = assistant.search(wanted)
        files = assistant.files
    if as_json:
        for hit in hits:
            print_record(dumps({"rank": hit.rank, **passage_record(hit, files), "text": hit.passage.text}))
        return
    print_hits(console(), hits, files)


@app.command(epilog="Example: qa index --corpus noticias")
def index(
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Begin anew instead of updating.")] = False,
    corpus: Corpus = None,
    index_dir: IndexDir = None,
    embedder: EmbedderName = None,
) -> None:
    """Bring the index of a folder up to date and say what changed."""
    settings = settings_of(corpus, index_dir, embedder)
    with assistant_for(settings) as assistant:
        stored = assistant.index(rebuild)
        changes = assistant.changes
        assert changes is not None  # index() has just updated
    counts = {kind: len(getattr(changes, kind)) for kind in ("added", "changed", "removed", "unchanged")}
    counts["skipped"] = sum(each.files for each in changes.skipped)
    print(", ".join(f"{count} {kind}" for kind, count in counts.items()))
    print(f"{len(stored.passages)} passages, {changes.embedded} embedded, in {assistant.index_dir}")


@app.command(epilog="Example: qa ask --json '¿Quién es Peskov?' > a.jsonl && qa verify a.jsonl")
def verify(
    answers: Annotated[Path, typer.Argument(help="A JSONL file of answers.")],
    corpus: Corpus = None,
) -> None:
    """Check every quotation of an answers file against the articles; exit status 4 if one does not hold."""
    from index.corpus import scan
    from qa.render import harmless
    from qa.verification import check_answers

    settings = settings_of(corpus)
    scan(settings.corpus)  # a folder that is not there must not pass for articles that are gone
    checks = list(check_answers(answers, settings.corpus))
    failed = [check for check in checks if check.verdict != "holds"]
    for check in failed:
        print(harmless(f"line {check.line}: {check.file}: {check.verdict} ({check.question})"))
    print(f"{len(checks) - len(failed)} of {len(checks)} quotations hold")
    _end(CHECK_FAILED if failed else 0)


@app.command(epilog="Example: qa models")
def models(
    embedder: EmbedderName = None,
    model: ModelPath = None,
    reader: Reader = None,
    accept: Annotated[bool, typer.Option("--accept", help="Use the models that are named as they are now.")] = False,
) -> None:
    """Show the models in use: where they lie and their digests."""
    from index.embedder import BUNDLED, open_embedder
    from qa.answer import Assistant
    from qa.ledger import Ledger, state_folder
    from qa.model_files import file_digest
    from qa.opening import model_path
    from qa.render import harmless

    settings = settings_of(embedder=embedder, model=model, reader=reader)
    assistant, ledger = Assistant(settings), Ledger(state_folder())
    opened, path = open_embedder(settings.embedder or BUNDLED), model_path(settings)
    used: list[tuple[str, str, Path, str, str | None]] = [
        ("embedder", opened.name, opened.folder, opened.digest, settings.embedder),
        ("reader", f"{path.name} ({assistant.reader})", path, file_digest(path), settings.model),
    ]
    if assistant.adapter:
        used.append(("adapter", assistant.adapter.name, assistant.adapter, file_digest(assistant.adapter), None))
    if accept and not (settings.embedder or settings.model):
        raise typer.BadParameter("--accept needs a model: --model FILE or --embedder FOLDER")
    for role, name, place, digest, named in used:
        if accept and named:
            ledger.accept(place, digest)
        print(harmless(f"{role:<9} {name}\n  at      {place}\n  sha256  {digest}"))
        if named and ledger.known(place) not in (None, digest):
            print(f"  altered since it was first used, then {ledger.known(place)}")


def _end(status: int) -> None:
    if status:
        raise typer.Exit(status)


def main() -> None:
    """Runs the command line and ends the process with its exit status."""
    guard_outputs()
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Runs one command; gives its exit status. The one place where faults become messages.

    An interruption is among what Typer turns into a status by itself.
    """
    try:
        status = app(arguments, prog_name="qa", standalone_mode=False)
        sys.stdout.flush()
        return status if isinstance(status, int) else 0
    except UserError as error:
        note(str(error))
        return 1
    except typer.TyperException as error:
        return _misused(arguments, error)
    except (BrokenPipeError, SystemExit):
        # Typer and rich end the process where the reader of our output has gone, and do so for nothing else.
        discard_output()
        return 0


def _misused(arguments: list[str], error: typer.TyperException) -> int:
    if not arguments:  # the message is the help itself
        print(error.format_message(), file=sys.stderr)
    else:
        note(f"{error.format_message().rstrip('.')}; see qa --help")
    return error.exit_code

"""The `qa` command: flags in, text or JSON out, faults as one line on standard error.

Exit status: 0 done (abstentions included), 1 a fault the user can mend, 2 wrong usage, 4 a check did not hold,
130 interrupted. Heavy modules are imported inside the commands that need them, so that help comes at once.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from index.errors import UserError
from qa.settings import READERS, Settings, resolve
from qa.terminal import (
    console,
    discard_output,
    indexing_bar,
    note,
    print_record,
    standard_input,
    typed_text,
    use_readable_encodings,
)

# torch and llama.cpp share one OpenMP library, whose idle threads spin: with anything else running they would starve
# each other. It is read when the first of the two is loaded, so it is set before either can be.
os.environ.setdefault("GOMP_SPINCOUNT", "300")

if TYPE_CHECKING:
    from qa.answer import Assistant

CHECK_FAILED = 4

app = typer.Typer(
    name="qa",
    help="Ask a folder of Spanish articles. Every answer quotes the file it stands in; otherwise: no consta.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Corpus = Annotated[str | None, typer.Option("--corpus", "-c", help="Folder of articles (default: ./seeds).")]
IndexDir = Annotated[str | None, typer.Option("--index-dir", help="Where the index lies (default: the user's cache).")]
EmbedderName = Annotated[
    str | None, typer.Option("--embedder", help="Embedding model: a sentence-transformers folder.")
]
ModelPath = Annotated[str | None, typer.Option("--model", help="Reading model: a GGUF file.")]
Reader = Annotated[str | None, typer.Option("--reader", help=f"How answers are made: {', '.join(READERS)}.")]
TopK = Annotated[str | None, typer.Option("--top-k", help="How many passages are retrieved and read (default: 5).")]


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"qa (consta) {version('consta')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Take the options that belong to no command."""


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
    settings = _settings(corpus, index_dir, embedder, model, reader, top_k)
    with _assistant(settings) as assistant:
        answer = assistant.ask(asked)
        files = {document.id: document.file for document in assistant.index().documents}
    if as_json:
        print_record(to_json(answer, files))
        return
    for notice in answer.notices:
        note(notice)
    print_answer(console(), answer, files, settings.corpus)


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
    settings = _settings(corpus, index_dir, embedder, None, None, top_k)
    with _assistant(settings) as assistant:
        hits = assistant.search(wanted)
        files = {document.id: document.file for document in assistant.index().documents}
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
    settings = _settings(corpus, index_dir, embedder, None, None, None)
    with _assistant(settings) as assistant:
        stored = assistant.index(rebuild)
        changes = assistant.changes
        assert changes is not None  # index() has just updated
    counts = {kind: len(getattr(changes, kind)) for kind in ("added", "changed", "removed", "unchanged", "skipped")}
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

    settings = _settings(corpus, None, None, None, None, None)
    scan(settings.corpus)  # a folder that is not there must not pass for articles that are gone
    checks = list(check_answers(answers, settings.corpus))
    failed = [check for check in checks if check.verdict != "holds"]
    for check in failed:
        print(harmless(f"line {check.line}: {check.file}: {check.verdict} ({check.question})"))
    print(f"{len(checks) - len(failed)} of {len(checks)} quotations hold")
    if failed:
        raise typer.Exit(CHECK_FAILED)


@app.command(epilog="Example: qa models")
def models(embedder: EmbedderName = None, model: ModelPath = None, reader: Reader = None) -> None:
    """Show the models in use: where they lie and their digests."""
    from index.embedder import BUNDLED, open_embedder
    from qa.answer import Assistant
    from qa.model import file_digest, find_bundled_model
    from qa.render import harmless

    settings = _settings(None, None, embedder, model, reader, None)
    assistant = Assistant(settings)
    opened = open_embedder(settings.embedder or BUNDLED)
    path = Path(settings.model).expanduser() if settings.model else find_bundled_model()
    used = [
        ("embedder", opened.name, opened.folder, opened.digest),
        ("reader", f"{path.name} ({assistant.reader})", path, file_digest(path)),
    ]
    if assistant.adapter:
        used.append(("adapter", assistant.adapter.name, assistant.adapter, file_digest(assistant.adapter)))
    for role, name, place, digest in used:
        print(harmless(f"{role:<9} {name}\n  at      {place}\n  sha256  {digest}"))


def _settings(
    corpus: str | None,
    index_dir: str | None,
    embedder: str | None,
    model: str | None,
    reader: str | None,
    top_k: str | None,
) -> Settings:
    flags: dict[str, Any] = {
        "corpus": corpus,
        "index_dir": index_dir,
        "embedder": embedder,
        "model": model,
        "reader": reader,
        "top_k": top_k,
    }
    return resolve(flags)


@contextmanager
def _assistant(settings: Settings) -> "Iterator[Assistant]":
    """An assistant that shows a bar while it indexes, and says afterwards which files it could not serve."""
    from qa.answer import Assistant

    with indexing_bar() as progress:
        assistant = Assistant(settings, progress=progress)
        yield assistant
    changes = assistant.changes
    for skipped in changes.skipped if changes else ():
        note(f"skipped {skipped.file}: {skipped.reason}")


def main() -> None:
    """Runs the command line and ends the process with its exit status."""
    use_readable_encodings()
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

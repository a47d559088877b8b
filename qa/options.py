"""The options that commands share, and the assistant that they make of them."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from qa.settings import READERS, Settings, resolve
from qa.terminal import indexing_bar, note

if TYPE_CHECKING:
    from qa.answer import Assistant

CHECK_FAILED = 4
"""Exit status of a command whose check did not hold."""
HELP_OPTIONS = {"help_option_names": ["-h", "--help"]}

Corpus = Annotated[str | None, typer.Option("--corpus", "-c", help="Folder of articles (default: ./seeds).")]
IndexDir = Annotated[str | None, typer.Option("--index-dir", help="Where the index lies (default: the user's cache).")]
EmbedderName = Annotated[
    str | None, typer.Option("--embedder", help="Embedding model: a sentence-transformers folder.")
]
ModelPath = Annotated[str | None, typer.Option("--model", help="Reading model: a GGUF file.")]
Reader = Annotated[str | None, typer.Option("--reader", help=f"How answers are made: {', '.join(READERS)}.")]
TopK = Annotated[str | None, typer.Option("--top-k", help="How many passages are retrieved and read (default: 5).")]


def settings_of(
    corpus: str | None = None,
    index_dir: str | None = None,
    embedder: str | None = None,
    model: str | None = None,
    reader: str | None = None,
    top_k: str | None = None,
) -> Settings:
    """The settings of a command from its flags; None leaves the choice to environment, file and defaults."""
    return resolve(
        {
            "corpus": corpus,
            "index_dir": index_dir,
            "embedder": embedder,
            "model": model,
            "reader": reader,
            "top_k": top_k,
        }
    )


@contextmanager
def assistant_for(settings: Settings, at_once: bool = False) -> "Iterator[Assistant]":
    """An assistant that shows a bar while it indexes, and says which files it could not serve.

    It says so afterwards, below an answer, or with `at_once` before a longer run begins.
    """
    from qa.answer import Assistant

    with indexing_bar() as progress:
        # Not while somebody types, nor into the bar of a batch.
        assistant = Assistant(settings, progress=progress, preparing=None if at_once else _tell_preparing)
        if at_once:
            assistant.index()
            _tell_skipped(assistant)
        yield assistant
    if not at_once:
        _tell_skipped(assistant)


def _tell_preparing() -> None:
    if sys.stderr.isatty():  # like a bar, for who waits
        note("preparing the reading model for this machine, this once; it takes some seconds")


def _tell_skipped(assistant: "Assistant") -> None:
    changes = assistant.changes
    for skipped in changes.skipped if changes else ():
        note(f"skipped {skipped.file}: {skipped.reason}")

"""What the commands share of the terminal: text read from it, records, notes and a progress bar written to it.

Standard output carries data, standard error everything else. Knows streams and encodings, not what is asked.
"""

import codecs
import io
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from qa.errors import QuestionError

if TYPE_CHECKING:
    from rich.console import Console

    from index.build import Progress


def typed_text(argument: str) -> str:
    """An argument as text, whatever the locale took it for; `QuestionError` if it is no UTF-8."""
    try:
        return os.fsencode(argument).decode("utf-8")
    except UnicodeError as error:
        raise QuestionError("a question that is not text", "a question in UTF-8", "convert it first") from error


def standard_input() -> str:
    """All of standard input, decoded like an article; `QuestionError` for bytes that are no text."""
    from index.corpus import NotTextError, decode

    raw = standard_bytes().read()
    try:
        return decode(raw)[0] if raw.strip() else ""
    except NotTextError as error:
        raise QuestionError(f"standard input holds {error}", "a question in UTF-8", "convert it first") from error


def standard_bytes() -> BinaryIO:
    """Standard input; nothing at all where it is closed."""
    return io.BytesIO() if sys.stdin is None else sys.stdin.buffer


def standard_lines() -> "Iterator[str]":
    """The lines of standard input as they come, each decoded like an article; what is no text is told and left out."""
    from index.corpus import NotTextError, decode

    for raw in standard_bytes():
        try:
            yield decode(raw)[0] if raw.strip() else ""
        except NotTextError as error:
            note(f"a line of standard input holds {error}; expected a question in UTF-8; convert it first")


def at_terminal() -> bool:
    """Whether somebody types and reads here."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stdout is not None and sys.stdout.isatty()


def print_record(line: str) -> None:
    """A line of JSON; where the output's encoding cannot hold every character, all but ASCII is escaped."""
    encoding = codecs.lookup(sys.stdout.encoding or "ascii").name
    print(line if encoding == "utf-8" else json.dumps(json.loads(line)))


def note(text: str) -> None:
    """One line on standard error."""
    from qa.render import harmless

    print(harmless(" ".join(f"qa: {text}".split())), file=sys.stderr)


def console() -> "Console":
    """Standard output with colours where it is a terminal that wants them."""
    from rich.console import Console

    made = Console(highlight=False, markup=False, emoji=False)
    # A pipe has no width: lines stay whole for grep and for scripts.
    made.soft_wrap = not made.is_terminal
    return made


@contextmanager
def indexing_bar() -> "Iterator[Progress]":
    """A progress bar on standard error that appears with the first passage embedded; none where that is no terminal."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("Indexing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    task = bar.add_task("")

    def show(done: int, total: int) -> None:
        bar.start()
        bar.update(task, completed=done, total=total)
        if done == total:
            bar.stop()

    try:
        yield show
    finally:
        bar.stop()


@contextmanager
def counting_bar(label: str, total: int | None, done: int = 0) -> "Iterator[Callable[[], None]]":
    """A progress bar on standard error with rate and time left; to be called after each question.

    `total` is None where nobody knows how many there are. Nothing is shown where standard error is no terminal.
    """
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn(label),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]:.0f} a minute"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    began = time.monotonic()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total, completed=done, rate=0.0)

        def advance() -> None:
            bar.advance(task)
            answered = bar.tasks[0].completed - done
            bar.update(task, rate=60 * answered / max(0.001, time.monotonic() - began))

        yield advance


def discard_output() -> None:
    """Sends what is still to be written nowhere: its reader has gone, and a complaint at exit would only confuse."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.__stdout__.fileno() if sys.__stdout__ else 1)

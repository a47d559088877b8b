"""The chat: lines go in, answers with their quotations and what `/help` lists come out.

It knows nothing of keyboards: a terminal, a pipe and a test feed it lines alike (`qa.session`).
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from index.types import Document
from qa.answer import Assistant
from qa.citations import Statement
from qa.errors import ChatError
from qa.inspection import print_articles, print_source, print_why
from qa.intent import checked
from qa.render import harmless, print_evidence, print_statements, print_understood, quoting
from qa.terminal import note
from qa.transcript import to_markdown
from qa.types import Answer, Citation, Turn

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True, slots=True)
class Command:
    """What a line that begins with a slash does. `usage` shows its argument."""

    usage: str
    help: str
    act: Callable[[str], None]


class Leave(Exception):  # not a fault: the user is done
    """The conversation is over."""


class Chat:
    """A conversation about a folder of articles."""

    def __init__(self, assistant: Assistant, console: "Console", wait: Callable[[], None] = lambda: None) -> None:
        """`wait` is called before a question is answered and returns when that can be done."""
        self.answers: list[Answer] = []
        self._assistant = assistant
        self._console = console
        self._wait = wait
        self._turns: list[Turn] = []
        self._files: dict[str, str] = {}
        self.commands: Mapping[str, Command] = {
            "/help": Command("/help", "show this", self._help),
            "/sources": Command("/sources [n]", "show the passage of each citation, or of citation n", self._sources),
            "/why": Command("/why", "show what was retrieved, scored and turned down for the last answer", self._why),
            "/articles": Command("/articles", "list the articles", self._articles),
            "/reset": Command("/reset", "forget what was said", self._reset),
            "/save": Command("/save FILE", "write the conversation to a new Markdown file", self._save),
            "/quit": Command("/quit", "leave", self._quit),
        }

    def respond(self, line: str) -> None:
        """Answers one line. Raises `UserError` kinds for what a user can mend, and `Leave` when they are done."""
        text = line.strip()
        if not text:
            return
        if text.startswith("/"):
            self._obey(text)
        else:
            self._answer(checked(text))
        if self._console.is_terminal:
            self._console.print()

    def _answer(self, question: str) -> None:
        told = _Told(self._console)
        with self._console.status("reading") if self._console.is_terminal else nullcontext():
            self._wait()
            # Kept, for the folder may change while the answer is made, and after it.
            self._files |= self._assistant.files
            answer = self._assistant.ask(question, f"q{len(self.answers) + 1}", self._turns, told)
        self.answers.append(answer)
        self._turns.append(answer.turn)
        for notice in answer.notices:
            note(notice)
        if answer.understood and not told.questions:
            print_understood(self._console, answer.understood)
        rest = answer.text.removeprefix(" ".join(map(str, told.statements))).lstrip()
        if rest:
            print_statements(self._console, quoting(replace(answer, text=rest)))
        print_evidence(self._console, answer, self._files, self._assistant.settings.corpus)

    def _obey(self, text: str) -> None:
        name, *argument = text.split(maxsplit=1)
        command = self.commands.get(name) or self.commands.get({"/exit": "/quit", "/?": "/help"}.get(name, ""))
        if command is None:
            raise ChatError(f"no command {name}", f"one of {', '.join(self.commands)}", "see /help")
        command.act("".join(argument))

    def _help(self, argument: str) -> None:
        width = max(len(command.usage) for command in self.commands.values())
        for command in self.commands.values():
            self._console.print(f"{command.usage:<{width}}  {command.help}")
        self._console.print("Anything else is a question. Alt-Enter begins a new line, Ctrl-R searches earlier ones.")

    def _sources(self, argument: str) -> None:
        citations = self._last().citations
        markers = [str(citation.marker) for citation in citations]
        if not citations or (argument and argument not in markers):
            raise ChatError(
                f"no citation {argument}".rstrip() + " in the last answer",
                f"one of {', '.join(markers)}" if citations else "an answer with citations",
                "ask a question first" if not citations else "name one of these",
            )
        for citation in citations:
            if not argument or argument == str(citation.marker):
                print_source(self._console, citation, self._document(citation), self._assistant.index().passages)

    def _document(self, citation: Citation) -> Document:
        """The article of a citation as it is now; `ChatError` if it is not as it was cited."""
        for document in self._assistant.index().documents:
            if document.file == citation.file and document.sha256 == citation.sha256:
                return document
        raise ChatError(f"{citation.file} has changed since", "the article that was cited", "ask again")

    def _why(self, argument: str) -> None:
        print_why(self._console, self._last(), self._files)

    def _last(self) -> Answer:
        if not self.answers:
            raise ChatError("no answer yet", "a question before it", "ask one")
        return self.answers[-1]

    def _articles(self, argument: str) -> None:
        print_articles(self._console, self._assistant.index().documents)

    def _reset(self, argument: str) -> None:
        self._turns.clear()
        self._console.print("What was said is forgotten.")

    def _save(self, argument: str) -> None:
        if not argument or not self.answers:
            raise ChatError(
                "no file to save to" if self.answers else "nothing to save", "/save FILE after a question", "try again"
            )
        path = Path(argument)
        try:
            path = path.expanduser()
            with path.open("x", encoding="utf-8", errors="replace") as file:
                file.write(to_markdown(self.answers))
        except FileExistsError as error:
            raise ChatError(f"{path} is there already", "a new file", "name another") from error
        except (OSError, ValueError, RuntimeError) as error:  # the last for "~somebody" who has no home here
            raise ChatError(f"{path} cannot be written ({error})", "a writable folder", "name another") from error
        count = len(self.answers)
        self._console.print(f"{count} answer{'s' * (count != 1)} written to {harmless(str(path))}")

    def _quit(self, argument: str) -> None:
        raise Leave


class _Told:
    """What was shown of an answer before it was complete; see `qa.proof.Listener`."""

    def __init__(self, console: "Console") -> None:
        self.questions: list[str] = []
        self.statements: list[Statement] = []
        self._console = console

    def understood(self, question: str) -> None:
        self.questions.append(question)
        print_understood(self._console, question)

    def stated(self, statement: Statement, citations: Sequence[Citation]) -> None:
        self.statements.append(statement)
        print_statements(self._console, str(statement))

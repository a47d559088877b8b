"""A terminal's keyboard: one line or several at a time, with history, search and completion. Knows no questions."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import Completer, Completion, PathCompleter
from prompt_toolkit.document import Document
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings

if TYPE_CHECKING:
    from prompt_toolkit.completion import CompleteEvent
    from prompt_toolkit.key_binding import KeyPressEvent

PROMPT = "> "
_LEAST_NAME_CHARACTERS = 2


def history_file() -> Path:
    """Where questions typed earlier are kept: in the user's state folder."""
    import platformdirs

    return platformdirs.user_state_path("consta") / "history"


def keyboard(commands: Sequence[str], names: Callable[[], Iterable[str]], history: Path) -> Callable[[], str]:
    """A function that reads what is typed up to Enter; Alt-Enter begins a new line.

    `commands` are completed at the beginning of a line, `names` anywhere. Raises `KeyboardInterrupt` and `EOFError`.
    """
    session: PromptSession[str] = PromptSession(
        PROMPT,
        history=_kept(history),
        completer=LineCompleter(commands, names),
        complete_while_typing=False,
        enable_history_search=True,
        key_bindings=_bindings(),
        prompt_continuation="  ",
    )
    return session.prompt


def _kept(path: Path) -> History:
    """The history in a file that only its owner reads, or for this time only where none can be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.open("ab+").close()
    except OSError:
        return InMemoryHistory()
    return _LenientHistory(str(path))


class _LenientHistory(FileHistory):
    """A history in a file; a line that can no longer be written there is kept for this time only."""

    def store_string(self, string: str) -> None:
        """See prompt_toolkit."""
        with suppress(OSError):
            super().store_string(string)


def _bindings() -> KeyBindings:
    bindings = KeyBindings()

    @bindings.add("escape", "enter")
    def _(event: "KeyPressEvent") -> None:
        event.current_buffer.insert_text("\n")

    return bindings


class LineCompleter(Completer):
    """Completes commands, the file of `/save`, and names of articles."""

    def __init__(self, commands: Sequence[str], names: Callable[[], Iterable[str]]) -> None:
        self._commands = commands
        self._names = names
        self._paths = PathCompleter(expanduser=True)

    def get_completions(self, document: Document, complete_event: "CompleteEvent") -> Iterator[Completion]:
        """See prompt_toolkit."""
        text = document.text_before_cursor
        command, space, argument = text.partition(" ")
        if text.startswith("/") and not space:
            yield from (Completion(name, -len(text)) for name in self._commands if name.startswith(text))
        elif command == "/save":
            yield from self._paths.get_completions(Document(argument), complete_event)
        else:
            word = document.get_word_before_cursor(WORD=True)
            if len(word) >= _LEAST_NAME_CHARACTERS:
                yield from (Completion(name, -len(word)) for name in self._names() if name.startswith(word))

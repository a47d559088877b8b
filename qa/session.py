"""A chat from its beginning to its end: at a terminal, or line after line from a pipe."""

import os
import sys
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress

from index.errors import UserError
from qa.answer import Assistant
from qa.chat import Chat, Leave
from qa.options import assistant_for
from qa.settings import Settings
from qa.terminal import at_terminal, console, note, standard_lines

INTERRUPTED = 130
_WAIT_SECONDS = 0.1


def run_chat(settings: Settings) -> int:
    """Holds a conversation about the folder of the settings; gives the exit status."""
    with assistant_for(settings, at_once=True) as assistant:
        if not at_terminal():
            return feed(Chat(assistant, console()), standard_lines())
        from qa.keyboard import history_file, keyboard

        print(f"Consta: {len(assistant.files)} articles in {settings.corpus}. Ask, or see /help.")
        warming = Warming(assistant)
        chat = Chat(assistant, console(), warming.wait)
        status = hold(chat, keyboard(list(chat.commands), lambda: assistant.files.values(), history_file()))
        if warming.is_on:
            # Libraries that are still being loaded end badly when the process is taken from under them in order.
            sys.stdout.flush()
            os._exit(status)
    return status


class Warming:
    """Loads the models while the first question is being typed."""

    def __init__(self, assistant: Assistant) -> None:
        self._assistant = assistant
        self._loaded = threading.Event()
        threading.Thread(target=self._load, daemon=True).start()

    def _load(self) -> None:
        try:
            # What goes wrong here goes wrong again, and is told, when the first question needs it.
            with suppress(UserError):
                self._assistant.prepare()
        finally:
            self._loaded.set()

    @property
    def is_on(self) -> bool:
        """Whether it is still loading."""
        return not self._loaded.is_set()

    def wait(self) -> None:
        """Returns when all is loaded; can be interrupted."""
        # Not a join: an interrupted one may take the thread for dead (https://github.com/python/cpython/issues/90882).
        while self.is_on:
            self._loaded.wait(_WAIT_SECONDS)


def feed(chat: Chat, lines: Iterable[str]) -> int:
    """Answers line after line, from a pipe or a file, to its end; gives the exit status."""
    for line in lines:
        try:
            chat.respond(line)
        except UserError as error:
            note(str(error))
        except Leave:
            break
    return 0


def hold(chat: Chat, read: Callable[[], str]) -> int:
    """Answers what is typed until the user leaves; gives the exit status.

    An interruption stops the answer or the line, a second one in a row leaves with 130; the end of input with 0.
    """
    interrupted = False
    while True:
        try:
            line = read()
            interrupted = interrupted and not line.strip()
            chat.respond(line)
        except UserError as error:
            note(str(error))
        except KeyboardInterrupt:
            if interrupted:
                return INTERRUPTED
            interrupted = True
            note("stopped; Ctrl-C again or Ctrl-D leaves")
        except (EOFError, Leave):
            return 0

"""A chat in a terminal of its own, with the installed models: keys go in, and what stands on the screen is read."""

import codecs
import os
import pty
import re
import select
import signal
import stat
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands import GIFT, QA, ROOT, qa, with_package

SECONDS = 120
"""So long at most may anything take to appear, on the busiest of machines."""
ANSWER = "una limusina rusa de lujo [1]"
PLACE = "[1] 003_6b36a17d40a337a5.txt:11"
QUOTE = "«En febrero, Putin le regaló a Kim una limusina rusa de lujo, contraviniendo las sanciones de la ONU.»"
GREETING = "Consta: 5 articles in seeds. Ask, or see /help."
STOPPED = "qa: stopped; Ctrl-C again or Ctrl-D leaves"
PROMPT = ">"
ENTER, TAB, CTRL_C, CTRL_D = "\r", "\t", "\x03", "\x04"
# A process of a new session takes the terminal as its own, so that Ctrl-C reaches it; then it becomes the command.
IN_ITS_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
)
_SEQUENCE = re.compile(r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b\[[0-?]*[ -/]*[@-~]|\x1b[ -/]*[0-~]")


class Terminal:
    """A command that runs in a pseudo-terminal, and what it has shown so far, without sequences for the terminal."""

    def __init__(self, *command: str, environment: dict[str, str]) -> None:
        self._keys, screen = pty.openpty()
        termios.tcsetwinsize(screen, (50, 200))
        self._process = subprocess.Popen(
            [sys.executable, "-c", IN_ITS_TERMINAL, *command],
            cwd=ROOT,
            env=with_package(environment),
            stdin=screen,
            stdout=screen,
            stderr=screen,
            start_new_session=True,
        )
        os.close(screen)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._raw = ""
        self._read = 0

    @property
    def shown(self) -> str:
        """All that was shown since the beginning."""
        return _SEQUENCE.sub("", self._raw).replace("\r", "")

    def press(self, keys: str) -> None:
        os.write(self._keys, keys.encode())

    def until(self, text: str) -> str:
        """What is shown next up to and with a text; waits for it."""
        deadline = time.monotonic() + SECONDS
        while (place := self.shown.find(text, self._read)) < 0:
            if not self._receive(deadline):
                pytest.fail(f"{text!r} did not appear; shown was {self.shown!r}")
        before, self._read = self._read, place + len(text)
        return self.shown[before : self._read]

    def status(self) -> int:
        """The exit status; waits for the end."""
        deadline = time.monotonic() + SECONDS
        while self._receive(deadline):
            pass
        return self._process.wait(SECONDS)

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
        os.close(self._keys)

    def _receive(self, deadline: float) -> bool:
        """Takes what comes next; false where nothing more comes, or not in time."""
        if not select.select([self._keys], [], [], max(0.0, deadline - time.monotonic()))[0]:
            return False
        try:
            received = os.read(self._keys, 65536)
        except OSError:  # so Linux says that the other side is closed
            return False
        self._raw += self._decoder.decode(received)
        return bool(received)


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A user with folders of their own, who has never asked anything."""
    return {
        "XDG_CACHE_HOME": str(tmp_path_factory.mktemp("cache")),
        "XDG_STATE_HOME": str(tmp_path_factory.mktemp("state")),
        "TERM": "xterm",
        # This terminal does not say where its cursor is.
        "PROMPT_TOOLKIT_NO_CPR": "1",
    }


@pytest.fixture
def terminal(environment: dict[str, str]) -> Iterator[Terminal]:
    opened = Terminal(*QA, environment=environment)
    yield opened
    opened.close()


def test_a_conversation_in_a_terminal(terminal: Terminal, environment: dict[str, str]) -> None:
    terminal.until(GREETING)
    terminal.until(PROMPT)
    terminal.press(f"{GIFT}{ENTER}")
    terminal.until(ANSWER)
    terminal.until(PLACE)
    terminal.until(PROMPT)
    terminal.press(f"¿Y cuándo?{ENTER}")
    terminal.until("¿Y cuándo? (le regaló Putin a Kim en febrero)")
    terminal.until("febrero [1]")
    terminal.until(PROMPT)
    terminal.press(f"/so{TAB}")
    terminal.until("urces")
    terminal.press(f" 1{ENTER}")
    terminal.until("[1] 003_6b36a17d40a337a5.txt, line 11\n  11  Este gesto diplomático")
    terminal.until("la ONU. Kim describió")
    terminal.until(PROMPT)
    terminal.press(f"half a question{CTRL_C}")
    terminal.until(STOPPED)
    terminal.until(PROMPT)
    terminal.press(f"hola{ENTER}")
    terminal.until("Hola. Pregunte algo que puedan decir los artículos")
    terminal.until(PROMPT)
    terminal.press(CTRL_D)
    assert terminal.status() == 0
    assert "Traceback" not in terminal.shown
    history = Path(environment["XDG_STATE_HOME"]) / "consta" / "history"
    typed = [line for line in history.read_text("utf-8").splitlines() if line.startswith("+")]
    assert typed == [f"+{GIFT}", "+¿Y cuándo?", "+/sources 1", "+hola"]
    assert stat.S_IMODE(history.stat().st_mode) == 0o600


def test_an_answer_is_stopped_with_ctrl_c_and_two_in_a_row_leave(terminal: Terminal) -> None:
    terminal.until(PROMPT)
    terminal.press(f"{GIFT}{ENTER}")
    terminal.until("reading")
    terminal.press(CTRL_C)
    terminal.until(STOPPED)
    terminal.until(PROMPT)
    terminal.press(f"hola{ENTER}")
    terminal.until("Hola. Pregunte algo que puedan decir los artículos")
    terminal.until(PROMPT)
    terminal.press(CTRL_C)
    terminal.until(STOPPED)
    terminal.until(PROMPT)
    terminal.press(CTRL_C)
    assert terminal.status() == 130
    assert ANSWER not in terminal.shown
    assert "Traceback" not in terminal.shown


def test_the_user_may_leave_while_the_models_are_being_loaded(terminal: Terminal) -> None:
    greeting = terminal.until(PROMPT)
    terminal.press(CTRL_D)
    assert terminal.status() == 0
    assert GREETING in greeting
    assert "Traceback" not in terminal.shown


def test_without_a_terminal_lines_are_answered_line_by_line(environment: dict[str, str]) -> None:
    done = qa("chat", stdin=f"{GIFT}\n¿Y cuándo?\n".encode(), environment=environment)
    understood = "¿Y cuándo? (le regaló Putin a Kim en febrero)"
    assert done.stdout == f"{ANSWER}\n{PLACE} {QUOTE}\n{understood}\nfebrero [1]\n{PLACE} {QUOTE}\n"
    assert (done.stderr, done.returncode) == ("", 0)


def test_qa_without_a_terminal_shows_the_help_and_ends_with_2(environment: dict[str, str]) -> None:
    done = qa(environment=environment, stdin=GIFT.encode())
    assert (done.stdout, done.returncode) == ("", 2)
    assert done.stderr.startswith("Usage: qa [OPTIONS] COMMAND [ARGS]...\n")
    assert "  chat    Ask one question after another" in done.stderr

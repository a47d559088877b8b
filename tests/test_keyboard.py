"""What is typed, key by key: lines, several lines in one, history with search, completion."""

import os
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output import DummyOutput

from qa.keyboard import LineCompleter, history_file, keyboard

COMMANDS = ["/help", "/sources", "/why", "/articles", "/reset", "/save", "/quit"]
NAMES = ["003_6b36.txt", "004_2232.txt", "ñandú.md", "notas/ríos.txt"]
ENTER, ALT_ENTER, TAB, UP, LEFT = "\r", "\x1b\r", "\t", "\x1b[A", "\x1b[D"
CTRL_C, CTRL_D, CTRL_E, CTRL_R = "\x03", "\x04", "\x05", "\x12"


@pytest.fixture
def keys() -> Iterator[PipeInput]:
    """A keyboard without anybody at it, and a screen that nobody sees."""
    with create_pipe_input() as pipe, create_app_session(input=pipe, output=DummyOutput()):
        yield pipe


@pytest.fixture
def history(tmp_path: Path) -> Path:
    return tmp_path / "state" / "consta" / "history"


class Keyboard:
    """Somebody types; a line is read at a time."""

    def __init__(self, pipe: PipeInput, history: Path) -> None:
        self._pipe = pipe
        self._read = reading(history)

    def typed(self, *keys: str | bytes) -> str:
        """The line that some keys make."""
        for key in keys:
            self._pipe.send_bytes(key if isinstance(key, bytes) else key.encode())
        return self._read()


def reading(history: Path) -> Callable[[], str]:
    return keyboard(COMMANDS, lambda: NAMES, history)


@pytest.fixture
def somebody(keys: PipeInput, history: Path) -> Keyboard:
    return Keyboard(keys, history)


# --- lines


def test_a_line_ends_with_enter(somebody: Keyboard) -> None:
    assert somebody.typed("¿Quién es Peskov?", ENTER) == "¿Quién es Peskov?"
    assert somebody.typed("/help", ENTER) == "/help"
    assert somebody.typed(ENTER) == ""


def test_what_is_typed_ahead_is_not_lost(somebody: Keyboard) -> None:
    assert somebody.typed("uno", ENTER, "dos", ENTER) == "uno"
    assert somebody.typed() == "dos"


def test_alt_enter_begins_a_new_line(somebody: Keyboard) -> None:
    assert somebody.typed("¿Quién", ALT_ENTER, "es", ALT_ENTER * 2, "Peskov?", ENTER) == "¿Quién\nes\n\nPeskov?"


def test_what_is_pasted_in_several_lines_is_one_question(somebody: Keyboard) -> None:
    assert somebody.typed("\x1b[200~¿Quién\r\nes\nPeskov?\x1b[201~", ENTER) == "¿Quién\nes\nPeskov?"


def test_ctrl_c_is_an_interruption_and_ctrl_d_the_end(somebody: Keyboard) -> None:
    with pytest.raises(KeyboardInterrupt):
        somebody.typed("half a quest", CTRL_C)
    with pytest.raises(EOFError):
        somebody.typed(CTRL_D)
    assert somebody.typed("ab", LEFT, CTRL_D, "c", ENTER) == "ac"  # within a line Ctrl-D deletes


def test_bytes_that_are_no_text_do_not_end_the_session(somebody: Keyboard) -> None:
    assert somebody.typed(b"caf\xe9 \xff", ENTER) == "caf\udce9 \udcff"
    assert somebody.typed("otra", ENTER) == "otra"


# --- history


def test_earlier_lines_come_back_with_the_up_key(somebody: Keyboard) -> None:
    somebody.typed("uno", ENTER)
    somebody.typed("dos", ENTER)
    assert somebody.typed(UP, UP, ENTER) == "uno"


def test_ctrl_r_searches_earlier_lines(somebody: Keyboard) -> None:
    for line in ("¿Quién es Peskov?", "¿Quién es Kim?", "¿Y Shoigu?"):
        somebody.typed(line, ENTER)
    assert somebody.typed(CTRL_R, "Pesk", ENTER, ENTER) == "¿Quién es Peskov?"
    assert somebody.typed(CTRL_R, "Quién", CTRL_R, ENTER, CTRL_E, " (2)", ENTER) == "¿Quién es Kim? (2)"
    assert somebody.typed(CTRL_R, "no such line", ENTER, ENTER) == ""


def test_a_new_session_finds_the_lines_of_the_one_before(somebody: Keyboard, keys: PipeInput, history: Path) -> None:
    somebody.typed("¿Quién", ALT_ENTER, "es Peskov?", ENTER)
    somebody.typed("/help", ENTER)
    kept = [line for line in history.read_text("utf-8").splitlines() if line.startswith("+")]
    assert kept == ["+¿Quién", "+es Peskov?", "+/help"]
    assert Keyboard(keys, history).typed(CTRL_R, "Pesk", ENTER, ENTER) == "¿Quién\nes Peskov?"


def test_only_the_owner_reads_the_history(history: Path) -> None:
    before = os.umask(0)
    try:
        reading(history)
    finally:
        os.umask(before)
    assert stat.S_IMODE(history.stat().st_mode) == 0o600


def test_what_is_in_the_history_stays_in_it(keys: PipeInput, history: Path) -> None:
    earlier = b"\n# 2024-09-14\n+antes \xff\n"
    history.parent.mkdir(parents=True)
    history.write_bytes(earlier)
    assert Keyboard(keys, history).typed(CTRL_R, "antes", ENTER, ENTER) == "antes \ufffd"
    assert history.read_bytes().startswith(earlier)


@pytest.mark.parametrize("folder_in_its_place", [True, False])
def test_without_a_history_file_lines_are_kept_for_this_time(
    keys: PipeInput, history: Path, folder_in_its_place: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    if folder_in_its_place:
        history.mkdir(parents=True)
    else:  # a file where its folder should be
        history.parent.parent.write_text("no folder")
    somebody = Keyboard(keys, history)
    assert [somebody.typed("uno", ENTER), somebody.typed("dos", ENTER)] == ["uno", "dos"]
    assert somebody.typed(UP, UP, ENTER) == "uno"
    assert not history.is_file()
    assert capsys.readouterr() == ("", "")


def test_a_history_file_that_goes_away_ends_nothing(
    somebody: Keyboard, history: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert somebody.typed("uno", ENTER) == "uno"
    shutil.rmtree(history.parent)
    assert somebody.typed("dos", ENTER) == "dos"
    assert somebody.typed(UP, UP, ENTER) == "uno"
    assert capsys.readouterr() == ("", "")


def test_the_history_lies_in_the_users_state_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert history_file() == tmp_path / "consta" / "history"
    assert not history_file().parent.exists()


# --- completion


def completed(text: str, names: Callable[[], list[str]] = lambda: NAMES) -> list[str]:
    """What a text before the cursor may be completed to."""
    found = LineCompleter(COMMANDS, names).get_completions(Document(text), CompleteEvent(completion_requested=True))
    return [text[: len(text) + each.start_position] + each.text for each in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/", COMMANDS),
        ("/s", ["/sources", "/save"]),
        ("/sav", ["/save"]),
        ("/save", ["/save"]),
        ("/x", []),
        ("/S", []),
        ("resume /s", []),
        (" /s", []),
    ],
)
def test_commands_are_completed_at_the_beginning_of_a_line(text: str, expected: list[str]) -> None:
    assert completed(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("00", ["003_6b36.txt", "004_2232.txt"]),
        ("resume 003", ["resume 003_6b36.txt"]),
        ("¿Qué dice 004_", ["¿Qué dice 004_2232.txt"]),
        ("resume\n003", ["resume\n003_6b36.txt"]),
        ("resume ña", ["resume ñandú.md"]),
        ("resume notas/r", ["resume notas/ríos.txt"]),
        ("resume ríos", []),
        ("resume 0", []),
        ("resume ", []),
        ("", []),
        ("resume 003 y", []),
        ("/sources 00", ["/sources 003_6b36.txt", "/sources 004_2232.txt"]),
    ],
)
def test_names_of_articles_are_completed_anywhere_from_two_characters_on(text: str, expected: list[str]) -> None:
    assert completed(text) == expected


def test_names_are_asked_for_when_they_are_needed() -> None:
    names: list[str] = []
    assert completed("fa", lambda: names) == []
    names.append("faro.txt")
    assert completed("fa", lambda: names) == ["faro.txt"]


def test_the_file_to_save_to_is_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "charla.md").touch()
    (tmp_path / "charlas").mkdir()
    (tmp_path / "charlas" / "mi charla.md").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert completed("/save cha") == ["/save charla.md", "/save charlas"]
    assert completed("/save charlas/m") == ["/save charlas/mi charla.md"]
    assert completed("/save charlas/mi ch") == ["/save charlas/mi charla.md"]
    assert completed("/save ~/charla.") == ["/save ~/charla.md"]
    assert completed(f"/save {tmp_path}/charla.") == [f"/save {tmp_path}/charla.md"]
    assert completed("/save 00") == []


def test_tab_completes_what_is_typed(keys: PipeInput, history: Path) -> None:
    def names() -> list[str]:
        keys.send_text(ENTER)  # pressed when the completions have been asked for, and read after they came
        return NAMES

    keys.send_text(f"resume ñ{TAB}an{TAB}")
    assert keyboard(COMMANDS, names, history)() == "resume ñandú.md"

"""Nothing that a terminal acts on comes out of standard output or standard error.

Whatever stands in articles, file names, questions or files of answers, and however it is cut into pieces.
"""

import io
import json
import re
import subprocess
import sys
import unicodedata
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa.guard import GuardedOutput
from tests.commands import ROOT, qa
from tests.torture.trials import TORTURE, trials

SEQUENCES = (
    "\x1b[2J",  # clears the screen
    "\x1b]0;title\x07",
    "\x1b]52;c;cm0gLXJm\x07",  # writes the clipboard
    "\x1b]8;;https://example.org\x1b\\click\x1b]8;;\x1b\\",
    "\x1bP1$r\x1b\\",
    "\x1b[6n",  # has the terminal type an answer
    "\x1b[31mred",
    "\x9b31m",
    "\x90q\x9c",
    "\x85\u2028\u2029",
    "\x07\x08\x0b\x0c\x7f\r",
    "\u202eesrever\u202c",
    "\u2066\u2069\u200f\u061c\ufeff",
)
SPECIAL = "\x1b\x07\r\x08\x9b\x9d\x90\u202e\u2066\ufeff\\[]mPK;?0123456789"
TEXTS = st.lists(
    st.one_of(st.sampled_from(SEQUENCES), st.text(st.sampled_from(SPECIAL), max_size=8), st.text(max_size=8)),
    max_size=8,
).map("".join)
CUTS = st.lists(st.integers(0, 60), max_size=6)
MARKS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff\u2028\u2029")
OURS = re.compile(
    r"\x1b\[[0-9;]*m|\x1b\[[0-9]*[AK]|\x1b\[\?25[hl]|\x1b\]8;[^;\x00-\x1f\x7f]*;[^\x00-\x1f\x7f]*\x1b\\|\r"
)


class Terminal(io.BytesIO):
    """Bytes that say they are a terminal's."""

    def isatty(self) -> bool:
        return True


def active(text: str) -> list[str]:
    """The characters that a terminal would act on."""
    return [each for each in text if each in MARKS or (unicodedata.category(each) == "Cc" and each not in "\n\t")]


def pieces(text: str, cuts: list[int]) -> Iterator[str]:
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    yield from (text[begin:end] for begin, end in pairwise(places))


def through(target: io.BytesIO, text: str, cuts: list[int]) -> str:
    stream = GuardedOutput(target, "utf-8", "replace")
    assert sum(stream.write(piece) for piece in pieces(text, cuts)) == len(text)
    stream.flush()
    return target.getvalue().decode()


@settings(max_examples=trials(100, 5000))
@given(TEXTS, CUTS)
def test_nothing_acts_where_there_is_no_terminal(text: str, cuts: list[int]) -> None:
    shown = through(io.BytesIO(), text, cuts)
    assert active(shown) == []
    assert shown == through(io.BytesIO(), text, [])
    assert shown.replace("\ufffd", "") == "".join(each for each in text if not active(each)).replace("\ufffd", "")


@settings(max_examples=trials(100, 5000))
@given(TEXTS, CUTS)
def test_a_terminal_gets_styles_and_links_and_nothing_else_that_acts(text: str, cuts: list[int]) -> None:
    shown = through(Terminal(), text, cuts)
    assert active(OURS.sub("", shown)) == []


def test_without_the_guard_it_would_act() -> None:
    target = io.BytesIO()
    stream = io.TextIOWrapper(target, "utf-8")
    stream.write("".join(SEQUENCES))
    stream.flush()
    assert len(active(target.getvalue().decode())) > 20


def test_a_traceback_acts_on_nothing() -> None:
    code = "from qa.guard import guard_outputs; guard_outputs(); raise RuntimeError('\\x1b]0;x\\x07\\x9b2J\\u202e')"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == 1
    assert active(done.stderr.decode()) == []
    assert "RuntimeError: \ufffd]0;x" in done.stderr.decode()


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with articles, names and a file of answers that try to act on a terminal."""
    folder = tmp_path_factory.mktemp("hostile")
    for number, sequence in enumerate(SEQUENCES):
        text = f"El alcalde {sequence} de Cuenca abrió{sequence}el puente número {number} el 3 de mayo.\n"
        (folder / f"{number}.txt").write_text(text, encoding="utf-8", newline="")
    (folder / "\u202etxt.evil").write_text("La alcaldesa de Cuenca cerró el puente.\n")
    (folder / "a\x1b[2J.txt").write_text("El puente.\n")
    (folder / "b\n\x9bc.txt").write_text("El puente.\n")
    forged = {"file": "\x1b[2Jx\u202e", "sha256": "0" * 64, "encoding": "utf-8", "start": 0, "end": 1, "quote": "E"}
    record = {"question": "".join(SEQUENCES), "citations": [forged]}
    (folder / "answers.jsonl").write_text(json.dumps(record) + "\n")
    return folder


def commands(folder: Path) -> Iterator[tuple[list[str], bytes]]:
    """Command lines with their standard input."""
    asked = "¿Quién abrió " + "".join(SEQUENCES).replace("\0", "") + " el puente de Cuenca?"
    place = ["--corpus", str(folder), "--index-dir", str(folder / "index")]
    yield ["index", *place], b""
    yield ["search", asked, *place], b""
    yield ["verify", str(folder / "answers.jsonl"), "--corpus", str(folder)], b""
    yield ["search", "puente", "--corpus", str(folder / "no\x1b[2J\u202efolder")], b""
    yield [asked, "--no\x1b[2J"], b""
    if TORTURE:
        yield ["search", "--json", asked, *place], b""
        yield ["ask", asked, *place], b""
        yield ["ask", "--json", asked, *place], b""
        yield ["ask", "resume el artículo 3", *place], b""
        lines = "".join(f"{line}\n" for line in (asked, "/sources", "/why", "/articles", "/help", "/\x1b[2J")).encode()
        yield ["chat", *place], lines
        yield ["batch", "-", *place], asked.encode() + b"\n\xff\xfe\x00\n{\x1b[2J\n"
        yield ["ask", asked, *place, "--model", str(folder / "m\x1b[2J\u202e.gguf")], b""


def test_no_command_lets_a_control_character_out(hostile: Path, figure: Callable[[str], None]) -> None:
    count = 0
    for arguments, given_input in commands(hostile):
        done = qa(*arguments, stdin=given_input)
        assert done.stdout or done.stderr
        assert active(done.stdout + done.stderr) == [], arguments
        assert "Traceback" not in done.stderr
        count += 1
    figure(f"{count} commands over {len(SEQUENCES)} hostile articles: 0 raw control characters")

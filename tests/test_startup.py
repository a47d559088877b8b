"""Help comes at once: nothing heavy is imported for it, and it costs little more than Typer itself."""

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.commands import QA, ROOT, with_package

HEAVY = {"torch", "transformers", "sentence_transformers", "faiss", "llama_cpp", "bm25s", "numpy", "rich"}
MOST_TIMES_TYPER = 1.5
RUNS = 7
# Without rich, which Typer would otherwise load for its help: the harder comparison.
THREE_COMMANDS = '''
from typing import Annotated
import typer
app = typer.Typer(rich_markup_mode=None)
@app.command()
def one(name: Annotated[str, typer.Argument(help="A name.")], loud: bool = False) -> None:
    """Do one thing."""
@app.command()
def two(name: Annotated[str, typer.Argument(help="A name.")], loud: bool = False) -> None:
    """Do two things."""
@app.command()
def three(name: Annotated[str, typer.Argument(help="A name.")], loud: bool = False) -> None:
    """Do three things."""
app()
'''


def imported_by(*arguments: str) -> tuple[int, set[str]]:
    """The exit status of a command run in a fresh interpreter, and the top names of all modules it imported."""
    script = (
        "import json, sys; from qa.cli import run; status = run(sys.argv[1:]);"
        "names = sorted({name.split('.')[0] for name in sys.modules});"
        "print(json.dumps([status, names]), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], cwd=ROOT, env=with_package({}), capture_output=True, check=True
    )
    status, names = json.loads(done.stderr.splitlines()[-1])
    return status, set(names)


@pytest.mark.parametrize("arguments", [("--help",), ("ask", "--help"), ("models", "--help")])
def test_help_imports_nothing_heavy(arguments: tuple[str, ...]) -> None:
    status, names = imported_by(*arguments)
    assert status == 0
    assert "typer" in names
    assert names & HEAVY == set()


def test_verifying_imports_nothing_heavy(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"question": "x", "citations": []}\n')
    status, names = imported_by("verify", str(tmp_path / "a.jsonl"))
    assert status == 0
    assert names & HEAVY == set()


@pytest.mark.parametrize(
    ("command", "unused"),
    [
        ("search", {"torch", "transformers", "sentence_transformers", "llama_cpp", "bm25s", "scipy", "jinja2", "gguf"}),
        ("ask", {"torch", "transformers", "sentence_transformers", "bm25s", "scipy", "gguf"}),
    ],
)
def test_a_question_imports_nothing_that_it_does_not_use(command: str, unused: set[str]) -> None:
    question = "¿Qué le regaló Putin a Kim en febrero?"
    imported_by(command, question)  # the index and the reader are prepared by now
    status, names = imported_by(command, question)
    assert status == 0
    assert {"numpy", "faiss", "tokenizers"} <= names
    assert names & unused == set()


def ratio_to_typer(script: Path) -> float:
    """The median time of `qa --help` over that of the other program, run by turns so that both meet the same load."""
    commands = {"qa": [*QA, "--help"], "typer": [sys.executable, str(script), "--help"]}
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(RUNS):
        for name, command in commands.items():
            began = time.perf_counter()
            subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, check=True)
            seconds[name].append(time.perf_counter() - began)
    return statistics.median(seconds["qa"]) / statistics.median(seconds["typer"])


def test_help_takes_at_most_half_as_long_again_as_that_of_a_small_typer_program(tmp_path: Path) -> None:
    script = tmp_path / "three.py"
    script.write_text(THREE_COMMANDS)
    ratio = ratio_to_typer(script)
    if ratio > MOST_TIMES_TYPER:  # other work on the machine can hit one of the two harder
        ratio = ratio_to_typer(script)
    print(f"qa --help takes {ratio:.2f} times as long")
    assert ratio <= MOST_TIMES_TYPER

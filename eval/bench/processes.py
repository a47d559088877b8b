"""Commands as processes of their own: what they print, their seconds, and the most memory they held."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from index.errors import UserError

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True, slots=True)
class Finished:
    """A command that ended well: seconds from its start to its end, peak of resident memory in bytes, its output."""

    seconds: float
    peak: int
    output: str


def run(module: str, *arguments: str) -> Finished:
    """Runs `python -m MODULE ARGUMENTS` in the project's folder, without the user's settings of `qa`.

    Raises `UserError` where it does not end well.
    """
    command = [sys.executable, "-m", module, *arguments]
    launched = [sys.executable, "-m", "eval.bench.launching", *command]
    done = subprocess.run(launched, cwd=ROOT, env=_environment(ROOT), capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    if told["status"] != 0:
        raise UserError(
            f"{module} {_first(arguments)} ended with {told['status']} ({told['errors'].strip()[-300:]})",
            "an answer",
            "run it by itself",
        )
    return Finished(told["seconds"], told["peak"], told["output"])


def _environment(root: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("QA_")}
    return {**kept, "PYTHONPATH": str(root)}


def _first(arguments: Sequence[str]) -> str:
    return arguments[0] if arguments else ""

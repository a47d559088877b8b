"""The command line as tests call it: as a process of its own, in a folder and an environment of their choosing."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SEEDS = ROOT / "seeds"
QA = (sys.executable, "-m", "qa")
GIFT = "¿Qué le regaló Putin a Kim en febrero?"
"""A question whose answer stands in line 11 of the article `003`."""


def qa(
    *arguments: str,
    folder: Path = ROOT,
    stdin: bytes = b"",
    environment: Mapping[str, str] | None = None,
    under: tuple[str, ...] = (),
) -> subprocess.CompletedProcess[str]:
    """Runs `qa` in the folder, under another program if one is named; its output is decoded as UTF-8."""
    done = subprocess.run(
        [*under, *QA, *arguments],
        cwd=folder,
        input=stdin,
        capture_output=True,
        env=with_package(environment or {}),
        timeout=120,
        check=False,
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def with_package(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of this process and more, in which `qa` is found from every folder."""
    return {**os.environ, "PYTHONPATH": str(ROOT), **environment}

"""One run of every command with the installed models, watched from inside and outside; made once for all tests.

Nothing enters but the project's own articles. What leaves: how each command ended and what it printed, what `audit` saw
the interpreter do, and which system calls `strace` saw, where there is one. Does not know what is allowed.
"""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from index.embedder import BUNDLED, find_model
from tests.commands import GIFT, ROOT, SEEDS, with_package

MOST_SECONDS = 280
FAILED = 1
EXPECTED = [
    ("search", FAILED),  # of which the embedding model is on no machine
    *((name, 0) for name in ("index", "index", "models", "search", "ask", "batch", "verify", "chat", "eval")),
]
"""The statuses of the commands where all is well."""
CHAT = "Hola\n¿Qué le regaló Putin a Kim en febrero?\n¿Y en qué mes fue eso?\n"
SYSTEM_CALLS = "connect,sendto,sendmsg,sendmmsg,execve"


@dataclass(frozen=True)
class Watched:
    """`statuses` has name and exit status of each command, in order.

    `calls` holds the system calls, a line each, None where nothing could trace them.
    """

    statuses: list[tuple[str, int]]
    printed: str
    seen: dict[str, dict[str, int]]
    imported: frozenset[str]
    calls: str | None


def commands(folder: Path) -> list[list[str]]:
    """Every command there is, on one index and with files in the folder."""
    answers, questions = folder / "answers.jsonl", folder / "questions.txt"
    questions.write_text(f"{GIFT}\nresume el artículo 3\n", encoding="utf-8")
    own = (ROOT / "eval" / "questions.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "set.jsonl").write_bytes(b"".join(own[:2]))
    place = ["--corpus", str(SEEDS), "--index-dir", str(folder / "index")]
    return [
        # A name of no folder is looked up among the models downloaded earlier: here, before anything else was imported.
        ["search", "limusina", *place, "--embedder", "nobody/nothing"],
        ["index", *place],
        # By sentence-transformers, as any model that is named.
        ["index", *place[:2], "--index-dir", str(folder / "other"), "--embedder", str(find_model(BUNDLED))],
        ["models"],
        ["search", "limusina rusa de lujo", *place],
        ["ask", GIFT, *place],
        ["batch", str(questions), "-o", str(answers), *place],
        ["verify", str(answers), "--corpus", str(SEEDS)],
        ["chat", *place],
        ["eval", "--questions", str(folder / "set.jsonl"), "--out", str(folder / "report"), *place],
    ]


def tracer(log: Path) -> tuple[str, ...]:
    """The program that writes the system calls of another into the log; nothing where there is none or it may not."""
    trace = ("strace", "-f", "-qq", "--seccomp-bpf", "-e", f"trace={SYSTEM_CALLS}", "-o", str(log))
    if not shutil.which("strace"):
        return ()
    return trace if subprocess.run([*trace, "true"], capture_output=True, check=False).returncode == 0 else ()


def audited(commands: Any, folder: Path, under: tuple[str, ...] = ()) -> tuple[dict[str, Any], str]:
    """What `audit` writes down of commands, and what they printed."""
    log = folder / "log.json"
    done = subprocess.run(
        [*under, sys.executable, "-m", "tests.torture.audit", str(log), json.dumps(commands)],
        cwd=ROOT,
        env=with_package({"XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", str(folder / "cache"))}),
        input=CHAT.encode(),
        capture_output=True,
        timeout=MOST_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(log.read_bytes()), done.stdout.decode()


@cache
def every_command() -> Watched:
    """All commands of `commands`, in one process."""
    with TemporaryDirectory(prefix="consta-") as name:
        folder = Path(name)
        trace = tracer(folder / "calls")
        every = commands(folder)
        log, printed = audited(every, folder, trace)
        calls = (folder / "calls").read_text() if trace else None
    statuses = [(arguments[0], status) for arguments, status in zip(every, log["statuses"], strict=True)]
    return Watched(statuses, printed, log["seen"], frozenset(log["imported"]), calls)

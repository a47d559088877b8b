"""A process that runs commands of ours one after another and writes down what the interpreter was told to do for them.

A script, run as `python -m tests.torture.audit LOG COMMANDS`, the commands as JSON: a list of lists of arguments of
`qa`, or the one text "faults" for doing on purpose everything that is looked for. Standard input is the chat's. LOG
becomes one JSON object: the `statuses` of the commands, under `seen` how often each thing was done, by kind, and what
was `imported`.
Nothing but the standard library is imported before the watching begins.
"""

import json
import pickle
import sys
import sysconfig
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import CodeType
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
OURS = tuple(f"{ROOT / name}/" for name in ("qa", "index", "eval", "prompts"))
# Where code may come from: this project, the interpreter and what is installed for it; anything else is foreign.
INSTALLED = (*OURS, f"{ROOT / 'tests'}/", *(f"{path}/" for path in {*sysconfig.get_paths().values(), sys.base_prefix}))
PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib")
KINDS = {
    "pickle.find_class": "unpickled a global",
    "sqlite3.connect": "opened a database",
    **dict.fromkeys(("socket.connect", "socket.sendto", "socket.sendmsg"), "sent to a network"),
    **dict.fromkeys(("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"), "asked for an address"),
    **dict.fromkeys(("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn"), "started a program"),
    **dict.fromkeys(("os.fork", "os.forkpty", "pty.spawn"), "forked"),
}
seen: Counter[tuple[str, str]] = Counter()


def caller(depth: int) -> str:
    """The file of the code so many calls up."""
    return sys._getframe(depth + 1).f_code.co_filename


def watch(event: str, arguments: tuple[Any, ...]) -> None:
    """An audit hook: counts what is of interest."""
    if event == "exec":
        _watch_code(arguments[0], caller(1))
    elif event == "open":
        if str(arguments[0]).endswith(PICKLED):
            seen["opened a file that may be pickled", str(arguments[0])] += 1
    elif event in KINDS:
        seen[KINDS[event], f"{event} {arguments} by {caller(1)}"] += 1


def _watch_code(code: CodeType, by: str) -> None:
    name = code.co_filename
    if by.startswith(OURS):
        seen["ran code made by ours", f"{name} by {by}"] += 1
    if not name.startswith(("<", *INSTALLED)):
        seen["ran foreign code", f"{name} by {by}"] += 1


def watch_unpickling() -> None:
    """Counts whoever unpickles anything: the interpreter reports only what names a global."""

    def watched(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **options: Any) -> Any:
            by = caller(1)
            seen["unpickled by ours" if by.startswith(OURS) else "unpickled", f"{name} by {by}"] += 1
            return function(*arguments, **options)

        return counted

    class Unpickler(pickle.Unpickler):
        __init__ = watched("Unpickler", pickle.Unpickler.__init__)

    for name in ("load", "loads"):
        setattr(pickle, name, watched(name, getattr(pickle, name)))
    pickle.Unpickler = Unpickler  # type: ignore[misc]


def do_everything_looked_for() -> None:
    """What no command may do, as a module of ours would do it."""
    faults = """
import os, pathlib, pickle, socket, subprocess, sys, tempfile
import diskcache
with tempfile.TemporaryDirectory() as folder:
    diskcache.Cache(folder).close()
    subprocess.run(["true"])
    pathlib.Path(folder, "weights.bin").write_bytes(pickle.dumps(pathlib.Path("x")))
    pickle.load(open(pathlib.Path(folder, "weights.bin"), "rb"))
    pickle.loads(pickle.dumps(1))
    pathlib.Path(folder, "foreign.py").write_text("import pickle; pickle.loads(pickle.dumps(1))")
    sys.path.insert(0, folder)
    import foreign
with socket.socket() as unconnected:
    unconnected.connect_ex(("127.0.0.1", 1))
socket.getaddrinfo("127.0.0.1", 1)
exec("1")
if os.fork() == 0:
    os._exit(0)
os.wait()
"""
    exec(compile(faults, f"{OURS[0]}made_up.py", "exec"), {})


def main(log: Path, commands: Any) -> None:
    """Runs the commands and writes the log."""
    sys.addaudithook(watch)
    watch_unpickling()
    statuses = []
    if commands == "faults":
        do_everything_looked_for()
    else:
        from qa.cli import run

        statuses = [run(arguments) for arguments in commands]
    found: dict[str, dict[str, int]] = {}
    for (kind, detail), count in list(seen.items()):
        found.setdefault(kind, {})[detail] = count
    imported = sorted({name.split(".")[0] for name in sys.modules})
    log.write_text(json.dumps({"statuses": statuses, "seen": found, "imported": imported}, indent=1))


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(sys.argv[2]))

"""A process that has everything ready for a batch and forks one whenever it is told to: a trial can kill it at once.

A script, run as `python -m tests.torture.batch_server PLACE`. Enter, a line of JSON each: `{"output": path}` begins a
batch over `PLACE/questions.jsonl`, with `"way"` in one of `WAYS` and with `"room"` for a file of so many bytes only;
`{"wait": pid}` waits for one. Leave, a line each: "ready", the process id of a batch begun, the exit status of one
waited for. What batches say is appended to `PLACE/said`. Embedder and model are fakes.
"""

import json
import os
import resource
import signal
import sys
import traceback
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

from index.errors import UserError
from qa.answer import Assistant
from qa.batch import answer_all, run_batch
from qa.questions import lines_of, read_questions
from tests.test_answer import Setting

CRASHED = 70
INTERRUPTED = 130


def careful(assistant: Assistant, questions: Path, output: Path) -> None:
    """The batch of the program, two questions at a time."""
    lines = lines_of(questions)
    run_batch(assistant, lines, sum(1 for line in lines if line.strip()), output)


def careless(assistant: Assistant, questions: Path, output: Path) -> None:
    """A batch that is wrong on purpose: it ends a line when the next begins, counts lines to go on, locks nothing."""
    with output.open("a", encoding="utf-8") as file:
        lines = output.read_bytes().count(b"\n")
        for done in answer_all(assistant, islice(read_questions(lines_of(questions)), lines, None)):
            file.write(f"\n{done.record}" if file.tell() else done.record)
            file.flush()
        file.write("\n")


WAYS: dict[str, Callable[[Assistant, Path, Path], None]] = {"careful": careful, "careless": careless}


def batch(assistant: Assistant, questions: Path, request: dict[str, Any]) -> int:
    """One batch in this process; gives the exit status that the command line would give a fault or an interruption."""
    for each in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if "room" in request:
        resource.setrlimit(resource.RLIMIT_FSIZE, (request["room"], resource.RLIM_INFINITY))
    try:
        WAYS[request.get("way", "careful")](assistant, questions, Path(request["output"]))
    except UserError as error:
        print(f"qa: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception:
        traceback.print_exc()
        return CRASHED
    return 0


def main(place: Path) -> None:
    """Gets ready, then does as the lines say until there are no more."""
    assistant = Setting(place).assistant(threads=2)
    assistant.prepare()
    os.dup2(os.open(place / "said", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), sys.stderr.fileno())
    print("ready", flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        if "wait" in request:
            print(os.waitstatus_to_exitcode(os.waitpid(request["wait"], 0)[1]), flush=True)
            continue
        pid = os.fork()
        if pid == 0:
            os._exit(batch(assistant, place / "questions.jsonl", request))
        print(pid, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

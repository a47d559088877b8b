"""Runs a command and prints what it took: `python -m eval.bench.launching COMMAND ...`.

A process of its own, and a small one: Linux counts to a child's peak what its parent held when it was started.
"""

import json
import os
import subprocess
import sys
import tempfile
import time


def main(command: list[str]) -> None:
    """Prints one JSON object: exit status, seconds, peak of resident memory in bytes, standard output and error."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        began = time.perf_counter()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=errors)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        told: dict[str, int | float | str] = {"status": process.returncode, "seconds": seconds}
        told["peak"] = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        for name, file in (("output", output), ("errors", errors)):
            file.seek(0)
            told[name] = file.read().decode("utf-8", "replace")
    print(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1:])

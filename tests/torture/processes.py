"""Work done in a process of its own, so that it can hang, change its user or be ended without harm to the tests."""

import importlib
import multiprocessing
import os
import signal
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

HANGING_SECONDS = 120.0
_IMPORTED_WITHIN_FUNCTIONS = "bm25s", "faiss", "filelock"

# Forked from a process that has imported everything and has no threads: a child takes milliseconds.
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["tests.torture.trees", "index.build", *_IMPORTED_WITHIN_FUNCTIONS])


def in_process(work: Callable[..., Any], *arguments: object, seconds: float = HANGING_SECONDS) -> Any:
    """What the work returns, done in a process of its own; `TimeoutError` if it does not come to an end."""
    ours, theirs = _PROCESSES.Pipe()
    process = _PROCESSES.Process(target=_send, args=(theirs, work, arguments))
    process.start()
    try:
        if not ours.poll(seconds):
            raise TimeoutError(f"{work.__name__} hangs")
        result, error = ours.recv()
    finally:
        process.kill()
        process.join()
    assert not error, error
    return result


def _send(connection: Connection, work: Callable[..., Any], arguments: tuple[object, ...]) -> None:
    # No part of the time that is measured, and not to be read by every user.
    for name in _IMPORTED_WITHIN_FUNCTIONS:
        importlib.import_module(name)
    try:
        connection.send((work(*arguments), ""))
    except Exception:
        connection.send((None, traceback.format_exc()))


@contextmanager
def meanwhile(work: Callable[[], object]) -> Iterator[None]:
    """Has a further process do the work over and over while the block runs. For processes without threads."""
    parent, child = os.getpid(), os.fork()
    if child == 0:
        try:
            # If its parent is ended, it ends as well.
            while os.getppid() == parent:
                work()
        finally:
            os._exit(1)
    try:
        yield
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)

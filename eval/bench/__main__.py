"""Measures and prints how fast the program is: `python -m eval.bench`, or `make bench`. Takes its time.

Nothing else should run on the machine meanwhile.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

from eval.bench.batches import batch
from eval.bench.cold import cold_ask, memory
from eval.bench.ground import PASSAGES, Ground
from eval.bench.indexing import indexing, reindexing
from eval.bench.machine import machine
from eval.bench.processes import ROOT
from eval.bench.report import record, table
from eval.bench.rows import Row
from eval.bench.searching import searching
from eval.bench.vectors import encoder
from eval.bench.warm import warm_ask
from eval.report import write_json
from index.errors import UserError

MEASURES: Mapping[str, Callable[[Ground], list[Row]]] = MappingProxyType(
    {
        "cold_ask": cold_ask,
        "memory": memory,
        "warm_ask": warm_ask,
        "batch": batch,
        "search": searching,
        "indexing": indexing,
        "reindexing": reindexing,
        "encoder": encoder,
    }
)
"""What is measured, in this order: new processes before this one holds anything."""
_ON_CORPUS = frozenset({"search", "indexing", "reindexing", "encoder"})
RESULTS = ROOT / "eval" / "results" / "bench.json"
FOLDER = ROOT / "build" / "bench"


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0, or 1 where something is wrong that a user can mend."""
    given = _given(arguments)
    os.environ["HF_HUB_OFFLINE"] = "1"
    try:
        _measure(given)
    except UserError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    return 0


def _given(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m eval.bench", description="How fast the program is.")
    parser.add_argument("--only", action="append", choices=MEASURES, help="measure this row; may be repeated")
    parser.add_argument("--runs", type=_count, help="pairs of every row, in place of each row's own number")
    parser.add_argument("--passages", type=_count, default=PASSAGES, help="passages of the large corpus")
    parser.add_argument("--out", type=Path, help=f"JSON file (default for a whole run: {RESULTS.relative_to(ROOT)})")
    return parser.parse_args(arguments)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 on")
    return int(text)


def _measure(given: argparse.Namespace) -> None:
    began, made, described = time.monotonic(), datetime.now(UTC), machine()
    ground = Ground(FOLDER, given.passages, given.runs)
    ground.clear()
    names = [name for name in MEASURES if not given.only or name in given.only]
    # First: without it, an hour's measuring would be lost.
    corpus = ground.corpus if _ON_CORPUS & set(names) else None
    rows: list[Row] = []
    for name in names:
        print(f"bench: measuring {name}", file=sys.stderr, flush=True)
        rows += MEASURES[name](ground)
    print(table(rows))
    out = destination(given)
    if out is not None:
        write_json(record(rows, made, described, corpus, time.monotonic() - began), out)


def destination(given: argparse.Namespace) -> Path | None:
    """Where the figures are written: those of part of a run, or of a smaller one, only where a file is named."""
    whole = not given.only and given.runs is None and given.passages == PASSAGES
    return given.out or (RESULTS if whole else None)


if __name__ == "__main__":
    sys.exit(main())

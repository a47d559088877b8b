"""A run -> `report.json`: every figure and record, and the digests of all that they depend on; and its reading back."""

import hashlib
import json
import os
import platform
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, fields
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, get_args

from eval import summary
from eval.page import page
from eval.types import Evidence, Outcome, Question, Row
from qa.answer import Assistant
from qa.errors import QuestionsError
from qa.model_files import file_digest
from qa.opening import model_path
from qa.record import dumps

SCHEMA = 1
REPORT, PAGE = "report.json", "report.html"
_ROOT = Path(__file__).resolve().parent.parent
# What the answers and the figures come from; prompts have a digest of their own.
_CODE = ("qa/*.py", "qa/*.json", "index/*.py", "index/*.txt", "eval/*.py")


def make_report(
    system: str, rows: Sequence[Row], assistant: Assistant, seconds: float, made: datetime
) -> dict[str, Any]:
    """The whole report of one run. `seconds` is its wall-clock time; peak memory is that of the process so far."""
    return {
        "schema": SCHEMA,
        "system": system,
        "made": made.astimezone(UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds, 1),
        "version": version("consta"),
        "digests": digests(assistant, [row.question for row in rows]),
        "settings": {name: str(value) for name, value in asdict(assistant.settings).items() if value},
        "machine": {
            "python": platform.python_version(),
            "platform": f"{platform.system()} {platform.machine()}",
            "cores": os.cpu_count(),
        },
        "ids": [row.question.id for row in rows],
        **figures_of(rows),
        "rows": [row_record(row) for row in rows],
    }


def figures_of(rows: Sequence[Row]) -> dict[str, Any]:
    """The figures alone."""
    return {
        "figures": summary.all_figures(rows),
        "splits": summary.by_split(rows),
        "types": summary.by_type(rows),
        "retrieval": summary.retrieval(rows),
        "forms": summary.forms(rows),
        "risk_coverage": summary.curve(rows),
        "calibration": summary.calibration_table(rows),
        "cost": {**summary.cost(rows), "peak_memory_mib": peak_memory_mib()},
    }


def digests(assistant: Assistant, questions: Iterable[Question], root: Path = _ROOT) -> dict[str, str | None]:
    """SHA-256 of what the answers depend on; code and prompts are those below `root`."""
    index = assistant.index()
    return {
        "code": digest_of(path for pattern in _CODE for path in sorted(root.glob(pattern))),
        "prompts": digest_of(sorted(root.glob("prompts/*.txt"))),
        "questions": _digest([json.dumps(asdict(question), sort_keys=True) for question in questions]),
        "corpus": _digest([f"{document.file} {document.sha256}" for document in index.documents]),
        "index": index.manifest.fingerprint,
        "embedder": assistant.embedder.digest,
        "reader": file_digest(model_path(assistant.settings)),
        "adapter": file_digest(assistant.adapter) if assistant.adapter else None,
    }


def digest_of(paths: Iterable[Path]) -> str:
    """One digest for several files, names included."""
    return _digest([f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}" for path in paths])


def _digest(lines: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def peak_memory_mib() -> float | None:
    """The most memory that this process has held, in MiB; None where the system does not tell."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20, 1)


def row_record(row: Row) -> dict[str, Any]:
    """One question of a report: the question, what became of it, its scores and its record.

    Scores stay as they are: rounded, they would differ from those of the same run measured again.
    """
    return {
        **asdict(row.question),
        "outcome": row.outcome,
        "scores": dict(row.scores),
        "record": row.record,
    }


def rows_of(report: Mapping[str, Any]) -> list[Row]:
    """The rows of a report that was read; `QuestionsError` where they are not rows."""
    try:
        return [_row(record) for record in report["rows"]]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        found = f"a report with rows of another form ({error})"
        raise QuestionsError(found, f"a {REPORT} of `qa eval`", "name one") from error


def _row(record: Mapping[str, Any]) -> Row:
    names = {field.name for field in fields(Question)}
    known = {name: value for name, value in record.items() if name in names}
    question = Question(
        **known
        | {
            "answers": tuple(map(tuple, record["answers"])),
            "evidence": tuple(Evidence(**each) for each in record["evidence"]),
            "history": tuple(record["history"]),
            "plain": tuple(record["plain"]),
        }
    )
    scores = {name: float(value) for name, value in record["scores"].items()}
    outcome, answer = record["outcome"], record["record"]
    if outcome not in get_args(Outcome) or not isinstance(answer, dict) or not isinstance(question.id, str):
        raise ValueError(f"no outcome and record of a question: {outcome}")
    return Row(question, answer, outcome, scores)


def write_report(report: Mapping[str, Any], texts: Mapping[str, str], folder: Path) -> None:
    """Writes `report.json`, a line a question so that two can be compared as texts, and `report.html` beside it."""
    head = {name: value for name, value in report.items() if name != "rows"}
    rows = ",\n".join(dumps(row) for row in report["rows"])
    text = json.dumps(head, ensure_ascii=False, indent=1).removesuffix("\n}")
    _write(folder / REPORT, f'{text},\n "rows": [\n{rows}\n]}}\n')
    _write(folder / PAGE, page(report, texts))


def write_json(report: Mapping[str, Any], path: Path) -> None:
    """Writes a report that has no rows."""
    _write(path, json.dumps(report, ensure_ascii=False, indent=1) + "\n")


def _write(path: Path, text: str) -> None:
    """Whole or not at all; `QuestionsError` where nothing can be written.

    Half a character, from a file name that is no UTF-8, is written as JSON escapes it.
    """
    aside = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside.write_text(text, encoding="utf-8", errors="backslashreplace")
        aside.replace(path)
    except OSError as error:
        with suppress(OSError):
            aside.unlink(missing_ok=True)
        found = f"{path} cannot be written ({error.strerror})"
        raise QuestionsError(found, "a folder for the report", "name one") from error


def read_report(path: Path) -> dict[str, Any]:
    """A report that was written; `QuestionsError` for anything else."""
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise QuestionsError(f"{path} cannot be read as a report ({error})", f"a {REPORT}", "name one") from error
    if not isinstance(report, dict) or report.get("schema") != SCHEMA or not {"rows", "cost"} <= report.keys():
        raise QuestionsError(f"{path} is no report of this version", f"a {REPORT} of `qa eval`", "name one")
    return report

"""Articles in a folder, records of answers about them, and what is found when those are checked.

What the trials of quotations share. A record is made as a question would leave it and checked as `qa verify` does.
"""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from index import corpus
from index.errors import CorpusError
from index.types import Document
from qa.proof import Found, proven
from qa.reader import Reading
from qa.record import to_json
from qa.types import Answer, Draft, Part, Span
from qa.verification import Verdict, check_answers
from tests.commands import SEEDS

QUESTION = "¿Qué dice [4]?"


def served(root: Path, contents: Mapping[str, bytes]) -> dict[str, Document]:
    """The articles that can be served, by their ids, as they are read from the folder."""
    for file, raw in contents.items():
        (root / file).parent.mkdir(exist_ok=True)
        (root / file).write_bytes(raw)
    try:
        return {document.id: document for document in corpus.load(root).documents}
    except CorpusError:
        return {}


def record(found: Found) -> str:
    """The line that a question would leave in a file of answers."""
    made = Answer(
        "q1", QUESTION, None, found.verified.text, False, None, 0.5, found.verified.citations, (), (), "fake", "0" * 16
    )
    return to_json(made, {})


def verdicts(root: Path, line: str) -> list[Verdict]:
    """What `qa verify` says of each quotation of a record."""
    path = root.parent / "answers.jsonl"
    path.write_text(line + "\n", encoding="utf-8")
    return [check.verdict for check in check_answers(path, root)]


def cited(root: Path) -> tuple[Path, dict[str, Any], str]:
    """An article of the examples alone in a folder, a true citation in it, and the record of an answer with that."""
    name = sorted(path.name for path in SEEDS.glob("003*"))[0]
    documents = served(root, {name: (SEEDS / name).read_bytes()})
    [document] = documents.values()
    words = "una limusina rusa de lujo"
    start = document.text.index(words)
    said = Draft((Part(words, (Span(document.id, start, start + len(words)),), copied=True),), 0.5)
    found = proven(Reading(said, said), documents, ())
    return root / name, asdict(found.verified.citations[0]), record(found)

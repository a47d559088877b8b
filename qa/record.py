"""Answers as JSON: the format that scripts rely on, and its reading back for verification."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from index.types import Hit
from qa.types import Answer

SCHEMA = 1
# Characters that a terminal may act on and JSON does not escape by itself: DEL, C1 controls, bidirectional marks.
_ACTIVE = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def to_json(answer: Answer, documents: Mapping[str, str]) -> str:
    """One line of JSON. `documents` gives the file name of each document id.

    What a terminal might act on is written as `\\uXXXX`, so that the line is safe to print and reads back the same.
    """
    record = {
        "schema": SCHEMA,
        "id": answer.id,
        "question": answer.question,
        "understood": answer.understood,
        "answer": answer.text,
        "abstained": answer.abstained,
        "reason": answer.reason,
        "confidence": answer.confidence,
        "citations": [asdict(citation) for citation in answer.citations],
        "rejected": [asdict(rejected) for rejected in answer.rejected],
        "passages": [passage_record(hit, documents) for hit in answer.hits],
        "notices": list(answer.notices),
        "model": answer.model,
        "index": answer.index,
        "seconds": answer.seconds,
    }
    return dumps(record)


def passage_record(hit: Hit, documents: Mapping[str, str]) -> dict[str, Any]:
    """Where a passage stands and how it was found, as it appears in records."""
    passage = hit.passage
    return {
        "file": documents[passage.document_id],
        "start": passage.start,
        "end": passage.end,
        "score": round(hit.score, 4),
        "origin": hit.origin,
    }


def dumps(record: Mapping[str, Any]) -> str:
    """JSON on one line with nothing in it that a terminal acts on.

    >>> dumps({"a": "é\\x9b"})
    '{"a": "é\\\\u009b"}'
    """
    text = json.dumps(record, ensure_ascii=False)
    return _ACTIVE.sub(lambda found: f"\\u{ord(found.group()):04x}", text)

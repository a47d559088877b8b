import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

from qa.errors import AnswersError
from qa.verification import Check, Verdict, check_answers, judge

TEXT = "Kim recibió a Putin.\r\nLe regaló una limusina 🚗 de lujo.\n"
QUOTE = "Le regaló una limusina 🚗 de lujo."


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "artículos"
    folder.mkdir()
    (folder / "a.txt").write_bytes(TEXT.encode())
    return folder


def citation(**changes: object) -> dict[str, Any]:
    """A true citation of a.txt, except for the changes."""
    start = TEXT.index(QUOTE)
    true = {
        "file": "a.txt",
        "sha256": hashlib.sha256(TEXT.encode()).hexdigest(),
        "encoding": "utf-8",
        "start": start,
        "end": start + len(QUOTE),
        "quote": QUOTE,
    }
    return {**true, **changes}


def test_a_true_quotation_holds(root: Path) -> None:
    assert judge(citation(), root) == "holds"


def test_line_marker_and_answering_words_hold_where_they_are_true(root: Path) -> None:
    assert judge(citation(marker=1, line=2, answer_start=32, answer_end=55), root) == "holds"


@pytest.mark.parametrize(
    ("raw", "encoding"), [(TEXT.encode("utf-8-sig"), "utf-8-sig"), (TEXT.replace("🚗", "€").encode("cp1252"), "cp1252")]
)
def test_offsets_count_characters_of_the_decoded_text(root: Path, raw: bytes, encoding: str) -> None:
    (root / "b.txt").write_bytes(raw)
    quote = QUOTE if encoding == "utf-8-sig" else QUOTE.replace("🚗", "€")
    true = citation(file="b.txt", sha256=hashlib.sha256(raw).hexdigest(), encoding=encoding, quote=quote)
    assert judge(true, root) == "holds"


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"quote": QUOTE.replace("una", "dos")}, "never stood there"),
        ({"quote": QUOTE.replace("ó", "o")}, "never stood there"),
        ({"quote": QUOTE[:-1]}, "never stood there"),
        ({"start": 0, "end": len(QUOTE)}, "never stood there"),
        ({"end": 10_000}, "never stood there"),
        ({"encoding": "cp1252"}, "never stood there"),
        ({"encoding": "no such"}, "never stood there"),
        ({"encoding": "a\0b"}, "never stood there"),
        ({"encoding": "undefined"}, "never stood there"),
        ({"encoding": "UTF-8"}, "never stood there"),
        ({"line": 1}, "never stood there"),
        ({"line": None}, "not a citation"),
        ({"answer_start": 21}, "never stood there"),
        ({"answer_end": 56}, "never stood there"),
        ({"answer_start": 30, "answer_end": 30}, "never stood there"),
        ({"answer_end": True}, "not a citation"),
        ({"marker": "1"}, "not a citation"),
        ({"sha256": "0" * 64}, "file changed"),
        ({"file": "b.txt"}, "file missing"),
        ({"file": "."}, "file missing"),
        ({"file": "a\0b"}, "file missing"),
        ({"file": "a" * 5000}, "file missing"),
        ({"file": 1}, "not a citation"),
        ({"quote": ""}, "not a citation"),
        ({"quote": None}, "not a citation"),
        ({"start": -5}, "not a citation"),
        ({"start": 56, "end": 56}, "not a citation"),
        ({"start": 22.0}, "not a citation"),
        ({"start": False}, "not a citation"),
        ({"end": True}, "not a citation"),
        ({"end": "56"}, "not a citation"),
    ],
    ids=str,
)
def test_what_does_not_hold_is_told_apart(root: Path, changes: dict[str, object], verdict: Verdict) -> None:
    assert judge(citation(**changes), root) == verdict


@pytest.mark.parametrize("value", [None, "a.txt", [], {}, 5])
def test_what_is_no_citation_is_told(root: Path, value: object) -> None:
    assert judge(value, root) == "not a citation"


@pytest.mark.parametrize("key", sorted(citation()))
def test_a_citation_has_all_its_fields(root: Path, key: str) -> None:
    assert judge({name: value for name, value in citation().items() if name != key}, root) == "not a citation"


def test_a_file_that_changed_since_is_told_from_a_false_quotation(root: Path) -> None:
    (root / "a.txt").write_bytes(TEXT.encode() + b"Y algo nuevo.")
    assert judge(citation(), root) == "file changed"


@pytest.mark.parametrize("place", ["../fuera.txt", "{absolute}", "enlace.txt"])
def test_nothing_outside_the_folder_is_read(root: Path, place: str) -> None:
    outside = root.parent / "fuera.txt"
    outside.write_bytes(TEXT.encode())
    (root / "enlace.txt").symlink_to(outside)
    assert judge(citation(file=place.format(absolute=outside)), root) == "file missing"


def test_a_pipe_is_not_waited_for(root: Path) -> None:
    os.mkfifo(root / "b.txt")
    assert judge(citation(file="b.txt"), root) == "file missing"


def test_a_marker_without_a_citation_is_told(root: Path, tmp_path: Path) -> None:
    answers = tmp_path / "a.jsonl"
    record = {
        "question": "¿Y [7]?",
        "answer": "Una [1] · dos [2][3] · [7] · tres [2]",
        "citations": [citation(marker=1)],
    }
    answers.write_text(json.dumps(record))
    assert [(check.file, check.verdict) for check in check_answers(answers, root)] == [
        ("a.txt", "holds"),
        ("[2]", "no citation"),
        ("[3]", "no citation"),
    ]


def test_what_looks_like_a_marker_may_be_the_article_s(root: Path, tmp_path: Path) -> None:
    raw = b"Lo dice un informe [3] de 2000."
    (root / "b.txt").write_bytes(raw)
    true = citation(file="b.txt", sha256=hashlib.sha256(raw).hexdigest(), start=0, end=len(raw), quote=raw.decode())
    answers = tmp_path / "a.jsonl"
    answers.write_text(json.dumps({"answer": "un informe [3] de 2000 [1]", "citations": [{**true, "marker": 1}]}))
    assert [check.verdict for check in check_answers(answers, root)] == ["holds"]


def test_every_quotation_of_a_file_of_answers_is_checked(root: Path, tmp_path: Path) -> None:
    records = [
        {"question": "¿Qué?", "citations": [citation(), citation(quote="Otra cosa.")]},
        {"question": "¿Y?\u2028¿Qué?", "citations": []},
        {"error": "…"},
        {"question": "¿Quién?", "citations": [{"marker": 1}]},
    ]
    answers = tmp_path / "a.jsonl"
    answers.write_text("\n\n".join(json.dumps(record, ensure_ascii=False) for record in records), encoding="utf-8")
    assert list(check_answers(answers, root)) == [
        Check(1, "¿Qué?", "a.txt", "holds"),
        Check(1, "¿Qué?", "a.txt", "never stood there"),
        Check(7, "¿Quién?", "", "not a citation"),
    ]


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b'{"citations": []}\n{"citations": [}\n', "line 2 is not JSON"),
        (b"[" * 100_000, "line 1 is not JSON"),
        (b"[]", "line 1 is no answer"),
        (b'{"citations": {}}', "line 1 is no answer"),
        (b'{"citations": null}', "line 1 is no answer"),
        (b"\xff\xfe", "cannot be read"),
    ],
    ids=["cut off", "deep", "a list", "a mapping", "null", "not text"],
)
def test_what_is_no_file_of_answers_is_told(root: Path, tmp_path: Path, raw: bytes, message: str) -> None:
    (tmp_path / "a.jsonl").write_bytes(raw)
    with pytest.raises(AnswersError, match=message):
        list(check_answers(tmp_path / "a.jsonl", root))


def test_a_missing_file_of_answers_is_told(root: Path, tmp_path: Path) -> None:
    with pytest.raises(AnswersError, match="cannot be read"):
        list(check_answers(tmp_path / "ausente.jsonl", root))

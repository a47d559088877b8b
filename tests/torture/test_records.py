"""Whatever becomes of a cited file or of a record is told, and each for what it is.

A file that is not as it was cited is told from a quotation that never stood there: bits are turned over in the file,
fields are altered in the record. What an answer says of no citation is told as well.
"""

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest

from qa.cli import run
from qa.verification import Verdict, check_answers, judge
from tests.torture.records import QUESTION, cited, verdicts
from tests.torture.trials import trials


def flipped(raw: bytes, place: int, bit: int) -> bytes:
    return raw[:place] + bytes([raw[place] ^ 1 << bit]) + raw[place + 1 :]


def quoted_bytes(raw: bytes, citation: Mapping[str, Any]) -> range:
    text = raw.decode(citation["encoding"])
    start = len(text[: citation["start"]].encode())
    return range(start, start + len(citation["quote"].encode()))


def unnoticed(
    check: Callable[[Mapping[str, Any], Path], Verdict], path: Path, citation: Mapping[str, Any], places: Sequence[int]
) -> list[int]:
    """At which bytes of the cited file a bit can be turned over without being told."""
    raw, random = path.read_bytes(), Random(0)
    found = []
    for place in places:
        path.write_bytes(flipped(raw, place, random.randrange(8)))
        if check(citation, path.parent) != "file changed":
            found.append(place)
    path.write_bytes(raw)
    return found


def test_one_bit_turned_over_anywhere_in_a_cited_file_makes_it_stale(
    tmp_path: Path, figure: Callable[[str], None]
) -> None:
    path, citation, _ = cited(tmp_path)
    size = path.stat().st_size
    places = Random(0).sample(range(size), trials(60, size))
    assert unnoticed(judge, path, citation, places) == []
    assert judge(citation, tmp_path) == "holds"
    figure(f"{len(places):,} of {size:,} bytes turned over, one at a time: each told as a changed file")


def test_what_is_not_compared_by_digest_is_seen(tmp_path: Path) -> None:
    def by_words(citation: Mapping[str, Any], root: Path) -> Verdict:
        text = (root / citation["file"]).read_bytes().decode(citation["encoding"], "replace")
        return "holds" if text[citation["start"] : citation["end"]] == citation["quote"] else "file changed"

    path, citation, _ = cited(tmp_path)
    before = quoted_bytes(path.read_bytes(), citation).start
    assert unnoticed(by_words, path, citation, range(before - 3, before)) != []


def test_a_record_that_follows_the_altered_file_is_a_false_quotation(tmp_path: Path) -> None:
    path, citation, _ = cited(tmp_path)
    raw = path.read_bytes()
    places = quoted_bytes(raw, citation)
    for place in Random(0).sample(places, trials(10, len(places))):
        path.write_bytes(flipped(raw, place, place % 8))
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        assert judge({**citation, "sha256": digest}, tmp_path) == "never stood there"


def moved(path: Path) -> Path:
    """Moves a file away and gives the place where it was."""
    path.rename(path.with_suffix(".old"))
    return path


def made_a_pipe(path: Path) -> Path:
    os.mkfifo(path)
    return path


@pytest.mark.parametrize(
    ("becomes", "verdict"),
    [
        (Path.unlink, "file missing"),
        (lambda path: moved(path).mkdir(), "file missing"),
        (lambda path: made_a_pipe(moved(path)), "file missing"),
        (lambda path: moved(path).symlink_to("/dev/zero"), "file missing"),
        (lambda path: moved(path).symlink_to(path.with_suffix(".old")), "file missing"),
        (lambda path: path.write_bytes(b""), "file changed"),
        (lambda path: path.write_bytes(b"\xff\xfe\xff"), "file changed"),
        (lambda path: path.write_bytes(path.read_bytes() + b"\n"), "file changed"),
        (lambda path: path.touch(), "holds"),
    ],
    ids=["removed", "a folder", "a pipe", "a device", "a link", "empty", "no text", "longer", "touched"],
)
def test_what_became_of_a_cited_file_is_told(
    becomes: Callable[[Path], object], verdict: Verdict, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "articles"
    root.mkdir()
    path, _, line = cited(root)
    (tmp_path / "a.jsonl").write_text(line + "\n")
    becomes(path)
    assert run(["verify", str(tmp_path / "a.jsonl"), "--corpus", str(root)]) == (0 if verdict == "holds" else 4)
    told = "1 of 1 quotations hold\n" if verdict == "holds" else f": {verdict} ({QUESTION})\n0 of 1 quotations hold\n"
    assert capsys.readouterr().out.endswith(told)


# --- records that are altered

Alteration = Callable[[dict[str, Any], Random], tuple[dict[str, Any], Verdict]]
ALTERATIONS: dict[str, Alteration] = {}


def alteration(alter: Alteration) -> Alteration:
    ALTERATIONS[alter.__name__.replace("_", " ")] = alter
    return alter


@alteration
def a_character_of_the_quotation(citation: dict[str, Any], random: Random) -> tuple[dict[str, Any], Verdict]:
    quote = citation["quote"]
    place = random.randrange(len(quote))
    other = random.choice([c for c in "aáo0 .\u200b\u0301" if c != quote[place]])
    return {"quote": quote[:place] + other + quote[place + 1 :]}, "never stood there"


@alteration
def more_or_less_of_it(citation: dict[str, Any], random: Random) -> tuple[dict[str, Any], Verdict]:
    quote = citation["quote"]
    return {"quote": random.choice([quote[1:], quote[:-1], quote + " ", quote * 2])}, "never stood there"


@alteration
def its_offsets(citation: dict[str, Any], random: Random) -> tuple[dict[str, Any], Verdict]:
    by = random.choice([-citation["start"], -7, -1, 1, 7, 10**6, 10**30])
    both = {"start": citation["start"] + by, "end": citation["end"] + by}
    return random.choice([both, {"end": citation["end"] + abs(by)}]), "never stood there"


@alteration
def its_line(citation: dict[str, Any], random: Random) -> tuple[dict[str, Any], Verdict]:
    return {"line": citation["line"] + random.choice([-citation["line"], -1, 1, 10**9])}, "never stood there"


@alteration
def the_answering_words(citation: dict[str, Any], random: Random) -> tuple[dict[str, Any], Verdict]:
    beyond = {"answer_start": citation["start"] - random.randint(1, 99)}, {"answer_end": citation["end"] + 1}
    none = {"answer_start": citation["answer_end"]}, {"answer_end": citation["answer_start"] - 1}
    return random.choice([*beyond, *none]), "never stood there"


@alteration
def its_encoding(citation: dict[str, Any], random: Random) -> tuple[dict[str, Any], Verdict]:
    others = ("cp1252", "latin-1", "utf-16", "utf-7", "unicode_escape", "punycode", "hex", "UTF-8", "", "\0", "no such")
    return {"encoding": random.choice(others)}, "never stood there"


@alteration
def its_digest(citation: dict[str, Any], random: Random) -> tuple[dict[str, Any], Verdict]:
    return {"sha256": random.choice([random.randbytes(32).hex(), "", citation["sha256"].upper()])}, "file changed"


@alteration
def its_file(citation: dict[str, Any], random: Random) -> tuple[dict[str, Any], Verdict]:
    name = citation["file"]
    others = (
        "",
        ".",
        "..",
        "/",
        f"./{name}",
        f"../articles/{name}",
        f"x/../{name}",
        f"{name}/",
        "pipe",
        "/dev/zero",
        "\0",
    )
    return {"file": random.choice(others)}, "file missing"


@alteration
def a_field_of_another_kind(citation: dict[str, Any], random: Random) -> tuple[dict[str, Any], Verdict]:
    name = random.choice(list(citation))
    kinds: list[object] = [None, [], {}, 1.0, True, [citation[name]]]
    return {name: random.choice([*kinds, 5 if isinstance(citation[name], str) else "5"])}, "not a citation"


def test_whatever_is_altered_in_a_record_is_told(tmp_path: Path, figure: Callable[[str], None]) -> None:
    root = tmp_path / "articles"
    root.mkdir()
    _, citation, line = cited(root)
    os.mkfifo(root / "pipe")
    random, whole = Random(0), json.loads(line)
    assert whole["citations"] == [citation]
    wrong = []
    for number in range(count := trials(100, 5_000)):
        name = list(ALTERATIONS)[number % len(ALTERATIONS)]
        changes, verdict = ALTERATIONS[name](citation, random)
        told = verdicts(root, json.dumps({**whole, "answer": "x", "citations": [{**citation, **changes}]}))
        if told != [verdict]:
            wrong.append((name, changes, told))
    figure(f"{count:,} alterations of {len(ALTERATIONS)} kinds: {count - len(wrong):,} told for what they are")
    assert wrong == []


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("una limusina [1]", []),
        ("una limusina [1] · dos [2]", ["[2]"]),
        ("una limusina [1][2] · tres [31][2]", ["[2]", "[31]"]),
        ("No consta: ¿Qué dice [4]? · una limusina [1]", []),
        ("Dice [4]", []),
        ("sin marca", []),
        (None, []),
    ],
)
def test_a_marker_without_a_citation_is_told(answer: str | None, told: list[str], tmp_path: Path) -> None:
    root = tmp_path / "articles"
    root.mkdir()
    _, _, line = cited(root)
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({**json.loads(line), "answer": answer}))
    checks = [(check.file, check.verdict) for check in check_answers(path, root)][1:]
    assert checks == [(marker, "no citation") for marker in told]
    path.write_text(json.dumps({"question": "x", "answer": "Murió. [1]", "citations": []}))
    assert [check.verdict for check in check_answers(path, root)] == ["no citation"]

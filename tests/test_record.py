import json
import sys
import unicodedata
from dataclasses import asdict
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from index.types import Hit, Passage
from qa.record import dumps, passage_record, to_json
from qa.types import Answer, Citation, Rejected

# With what JSON leaves raw and a terminal acts on, and halves of characters, which no file can hold.
TEXTS = st.text(st.characters() | st.sampled_from("\x9b\x85\x7f\u202e\u2066\u2028\ufeff\x1b\n\r\ud800\udcff«é🚗"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
QUOTE = "Le regaló una limusina."


def answer(**changes: Any) -> Answer:
    """An answer with one citation, except for the changes."""
    passage = Passage("d:20-60", "d", 20, 60, "x" * 40)
    fields: dict[str, Any] = {
        "id": "q1",
        "question": "¿Qué le regaló?",
        "understood": None,
        "text": "una limusina [1]",
        "abstained": False,
        "reason": None,
        "confidence": 0.93,
        "citations": (Citation(1, "a.txt", "0" * 64, "utf-8", 20, 43, 2, QUOTE, 30, 42),),
        "rejected": (Rejected("Otra cosa.", "no evidence given"),),
        "hits": (Hit(passage, 1.234567, 1, "lexical+dense"),),
        "model": "m.gguf 0123 copying",
        "index": "abcd",
        "seconds": {"search": 0.01, "read": 0.6, "total": 0.61},
        "notices": ("1 passages did not fit",),
    }
    return Answer(**{**fields, **changes})


def test_a_record_has_what_scripts_rely_on() -> None:
    line = to_json(answer(), {"d": "a.txt"})
    assert json.loads(line) == {
        "schema": 1,
        "id": "q1",
        "question": "¿Qué le regaló?",
        "understood": None,
        "answer": "una limusina [1]",
        "abstained": False,
        "reason": None,
        "confidence": 0.93,
        "citations": [
            {
                "marker": 1,
                "file": "a.txt",
                "sha256": "0" * 64,
                "encoding": "utf-8",
                "start": 20,
                "end": 43,
                "line": 2,
                "quote": QUOTE,
                "answer_start": 30,
                "answer_end": 42,
            }
        ],
        "rejected": [{"text": "Otra cosa.", "reason": "no evidence given"}],
        "passages": [{"file": "a.txt", "start": 20, "end": 60, "score": 1.2346, "origin": "lexical+dense"}],
        "notices": ["1 passages did not fit"],
        "model": "m.gguf 0123 copying",
        "index": "abcd",
        "seconds": {"search": 0.01, "read": 0.6, "total": 0.61},
    }


def test_a_passage_is_named_by_its_file() -> None:
    hit = answer().hits[0]
    assert passage_record(hit, {"d": "b/ñ.txt"})["file"] == "b/ñ.txt"


@given(TEXTS, TEXTS, TEXTS.filter(len), TEXTS)
def test_whatever_is_said_reads_back_the_same(question: str, text: str, quote: str, file: str) -> None:
    citation = Citation(1, file, "0" * 64, "utf-8", 5, 5 + len(quote), 1, quote, 5, 5 + len(quote))
    record = json.loads(to_json(answer(question=question, text=text, citations=(citation,)), {"d": file}))
    assert (record["question"], record["answer"], record["passages"][0]["file"]) == (question, text, file)
    assert Citation(**record["citations"][0]) == citation
    assert record["citations"] == [asdict(citation)]


@given(st.dictionaries(TEXTS, JSON, max_size=4))
def test_a_line_reads_back_and_can_be_printed_safely(record: dict[str, Any]) -> None:
    line = dumps(record)
    assert json.loads(line) == record
    # Controls, among them every line end, and halves of characters; then marks that turn the direction of writing.
    assert not {"Cc", "Cs", "Zl", "Zp"} & {unicodedata.category(character) for character in line}
    assert not set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff") & set(line)
    line.encode()


def test_every_character_that_a_terminal_acts_on_is_escaped() -> None:
    # All of Unicode: controls, line ends, halves of characters, and what turns the direction of writing.
    kinds = {"Cc", "Cs", "Zl", "Zp", "LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    of_kinds = (
        character
        for character in map(chr, range(sys.maxunicode + 1))
        if {unicodedata.category(character), unicodedata.bidirectional(character)} & kinds
    )
    active = "\u061c\u200e\u200f\ufeff" + "".join(of_kinds)
    line = dumps({"a": active})
    assert line.isascii() and line.isprintable()
    assert [json.loads(dumps({"a": character}))["a"] for character in active] == list(active)


def test_accents_stay_readable() -> None:
    assert dumps({"a": "«¿Qué?» 🚗"}) == '{"a": "«¿Qué?» 🚗"}'

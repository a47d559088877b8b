"""Lines of a batch: which questions they hold, and what is said of a line that holds none."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qa.errors import QuestionsError
from qa.questions import Asked, lines_of, read_questions
from qa.record import dumps
from qa.types import Citation, Turn

QUESTION = "¿Quién inauguró el puente?"
CITED = {
    "marker": 1,
    "file": "b.txt",
    "sha256": "0" * 64,
    "encoding": "utf-8",
    "start": 3,
    "end": 8,
    "line": 1,
    "quote": "Marta",
    "answer_start": 3,
    "answer_end": 8,
}


def asked(*lines: bytes) -> list[Asked]:
    return list(read_questions(lines))


def only(line: bytes) -> Asked:
    """The one item of a file whose second line this is, after an object."""
    first, second = asked(b'{"question": "hola"}\n', line)
    assert (first.id, first.error) == ("q1", None)
    return second


def as_line(**record: object) -> bytes:
    return json.dumps(record, ensure_ascii=False).encode() + b"\n"


def with_history(*items: object) -> Asked:
    return only(as_line(question=QUESTION, history=items))


# --- what a file of questions may hold


def test_a_question_in_words_is_a_line() -> None:
    assert asked("¿Quién?\n".encode(), b"hola\n", "¿Cuándo?".encode()) == [
        Asked(1, "q1", "¿Quién?"),
        Asked(2, "q2", "hola"),
        Asked(3, "q3", "¿Cuándo?"),
    ]


def test_an_object_has_a_question_and_may_have_an_id_a_history_and_more() -> None:
    line = as_line(id="a7", question=QUESTION, history=["hola"], split="dev", nested={"b": [1, None]})
    assert asked(line) == [Asked(1, "a7", QUESTION, ("hola",), {"split": "dev", "nested": {"b": [1, None]}})]


def test_a_number_for_an_id_becomes_its_digits() -> None:
    assert [each.id for each in asked(as_line(id=7, question="a"), as_line(id=-1, question="b"))] == ["7", "-1"]


def test_lines_without_an_id_are_numbered_among_those_that_hold_anything() -> None:
    lines = [b"\n", b" \t \r\n", as_line(question="a"), b"\n", as_line(question="b"), b"bad\n", as_line(question="c")]
    assert [(each.number, each.id) for each in asked(*lines)] == [(1, "q1"), (2, "q2"), (3, "q3"), (4, "q4")]


def test_nothing_holds_no_questions() -> None:
    assert asked() == asked(b"") == asked(b"\n", b"  \r\n", b"\xef\xbb\xbf\n", b"\t") == []


@pytest.mark.parametrize("first", [b"[1, 2]\n", b'"question": "a"}\n', "¿Quién?\n".encode(), b"\xef\xbb\xbf\xff\xff\n"])
def test_a_first_line_that_is_no_object_does_not_make_words_of_the_others(first: bytes) -> None:
    objects = asked(first, as_line(id="a", question="hola"), as_line(question="adiós"))[1:]
    assert objects == [Asked(2, "a", "hola", extra={}), Asked(3, "q3", "adiós", extra={})]


def test_a_last_line_needs_no_newline_and_lines_may_end_as_on_windows() -> None:
    assert [each.question for each in asked(b"hola\r\n", b"\r\n", "adiós".encode())] == ["hola", "adiós"]
    assert only(as_line(question=QUESTION)[:-1] + b"\r\n") == only(as_line(question=QUESTION))


def test_a_byte_order_mark_is_no_part_of_a_question() -> None:
    mark = b"\xef\xbb\xbf"
    assert [each.question for each in asked(mark + b"hola\n", mark + b"hola\n")] == ["hola", "hola"]
    assert [each.id for each in asked(mark + as_line(id="a", question="hola"))] == ["a"]
    assert [each.id for each in asked(mark + b"\n", mark + as_line(id="a", question="hola"))] == ["a"]


def test_a_line_in_windows_1252_spoils_no_other() -> None:
    texts = [each.question for each in asked("¿Quién?\n".encode(), "¿Cuál «niño»?\n".encode("cp1252"), "ñ €".encode())]
    assert texts == ["¿Quién?", "¿Cuál «niño»?", "ñ €"]
    assert only('{"question": "¿Cuál?"}'.encode("cp1252")).question == "¿Cuál?"


@pytest.mark.parametrize("character", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\r"])
def test_only_a_newline_ends_a_line(character: str, tmp_path: Path) -> None:
    question = f"¿Quién{character}inauguró el puente?"
    path = tmp_path / "q.jsonl"
    for line in (dumps({"question": question}), json.dumps({"question": question}, ensure_ascii=False), question):
        path.write_bytes(f"{line}\n".encode())
        assert [(each.question, each.error) for each in read_questions(lines_of(path))] == [(question, None)]


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be"])
def test_a_file_in_utf_16(codec: str, tmp_path: Path) -> None:
    text = f"{as_line(id='a', question=QUESTION).decode()}\r\n{as_line(question='¿ČĆ 🚗?').decode()}"
    mark = "" if codec == "utf-16" else "\ufeff"
    (tmp_path / "q.jsonl").write_bytes((mark + text).encode(codec))
    assert [(each.id, each.question) for each in read_questions(lines_of(tmp_path / "q.jsonl"))] == [
        ("a", QUESTION),
        ("q2", "¿ČĆ 🚗?"),
    ]


def test_a_file_of_questions_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    for path, reason in ((tmp_path / "none", "No such file or directory"), (tmp_path, "Is a directory")):
        with pytest.raises(QuestionsError) as caught:
            lines_of(path)
        expected = f"{path} cannot be read ({reason}); expected a file of questions, or - for standard input; name one"
        assert str(caught.value) == expected


# --- the turns before a question


def test_a_history_holds_questions_and_questions_with_their_answers() -> None:
    turn = {"question": QUESTION, "answer": "Marta Ruiz [1]", "citations": [CITED], "understood": "¿Quién fue?"}
    found = with_history("hola", turn, {"question": "¿Y cuándo?"}, {"question": "hola", "answer": ""})
    cited = Citation(1, "b.txt", "0" * 64, "utf-8", 3, 8, 1, "Marta", 3, 8)
    assert found.error is None
    assert found.history == (
        "hola",
        Turn(QUESTION, "Marta Ruiz [1]", (cited,), "¿Quién fue?"),
        "¿Y cuándo?",
        Turn("hola", ""),
    )


@pytest.mark.parametrize("none", [None, []])
def test_a_history_may_be_empty(none: object) -> None:
    assert only(as_line(question=QUESTION, history=none)) == Asked(2, "q2", QUESTION, (), {})


@pytest.mark.parametrize("keys", [{}, {"citations": None}, {"citations": []}, {"understood": None}, {"understood": 5}])
def test_a_turn_needs_no_more_than_question_and_answer(keys: dict[str, object]) -> None:
    assert with_history({"question": QUESTION, "answer": "x", **keys}).history == (Turn(QUESTION, "x"),)


@pytest.mark.parametrize(
    ("items", "error"),
    [
        ("hola", "the history is no list"),
        ({"question": "hola"}, "the history is no list"),
        (5, "the history is no list"),
        ([5], "item 1 of the history is neither a question nor one with its answer"),
        ([None], "item 1 of the history is neither a question nor one with its answer"),
        (["hola", ["hola"]], "item 2 of the history is neither a question nor one with its answer"),
        ([{}], "item 1 of the history is neither a question nor one with its answer"),
        ([{"answer": "x"}], "item 1 of the history is neither a question nor one with its answer"),
        ([{"question": 5, "answer": "x"}], "item 1 of the history is neither a question nor one with its answer"),
        (["hola", " "], "item 2 of the history is an empty question"),
        ([{"question": "¿?", "answer": "x"}], "item 1 of the history is an empty question"),
        (["x" * 10_000], "item 1 of the history is a question of 10000 characters"),
        (["\ud800 hola"], "the history holds what is not text"),
        ([{"question": "hola", "answer": "\udfff"}], "the history holds what is not text"),
        ([{"question": "hola", "answer": "x", "\ud800": 1}], "the history holds what is not text"),
    ],
)
def test_a_history_that_is_none_is_told(items: object, error: str) -> None:
    found = only(json.dumps({"question": QUESTION, "history": items}).encode())
    assert (found.error, found.history, found.question) == (error, (), QUESTION)


@pytest.mark.parametrize(
    ("citations", "reason"),
    [
        (5, "'int' object is not iterable"),
        ("b.txt", "string indices must be integers"),
        ([None], "'NoneType' object is not subscriptable"),
        ([[1]], "list indices must be integers"),
        ([{}], "KeyError('marker')"),
        *[([{name: value for name, value in CITED.items() if name != gone}], f"KeyError('{gone}')") for gone in CITED],
        *[([{**CITED, name: None}], f"{name} of the wrong type") for name in CITED],
        ([{**CITED, "quote": ["M", "a", "r", "t", "a"]}], "quote of the wrong type"),
        ([{**CITED, "start": 3.0}], "start of the wrong type"),
        ([{**CITED, "marker": True}], "marker of the wrong type"),
        ([{**CITED, "quote": "Mart"}], "a quotation of 4 characters cannot span 3:8"),
        ([{**CITED, "answer_end": 9}], "answer 3:9 outside 3:8"),
    ],
)
def test_a_citation_that_is_none_is_told(citations: object, reason: str) -> None:
    found = with_history({"question": "hola", "answer": "x", "citations": citations})
    assert found.error is not None
    assert found.error.startswith("item 1 of the history has a citation that is none (")
    assert reason in found.error
    assert found.history == ()


# --- lines that hold no question


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (b"no json", "the line is not JSON (Expecting value: line 1 column 1 (char 0))"),
        (b'{"question": "a"', "the line is not JSON (Expecting ',' delimiter: line 1 column 17 (char 16))"),
        (b'{"question": "a"} x', "the line is not JSON (Extra data: line 1 column 19 (char 18))"),
        (b"{'question': 'a'}", "the line is not JSON (Expecting property name enclosed in double quotes"),
        (b'{"question": "a", "x": NaN}', "the line is not JSON (a number that is none or too large)"),
        (b'{"question": "a", "x": -Infinity}', "the line is not JSON (a number that is none or too large)"),
        (b'{"question": "a", "x": 1e999}', "the line is not JSON (a number that is none or too large)"),
        (b'{"question": "a", "x": 1' + b"0" * 5000 + b"}", "the line is not JSON (Exceeds the limit"),
        (b'{"question": ' + b"[" * 100_000, "the line is not JSON ("),
        (b'{"x": ' + b"[" * 101 + b"]" * 101 + b"}", "the line is nested more than 100 deep"),
        (b'{"x": ' + b'{"y":' * 101 + b"1" + b"}" * 102, "the line is nested more than 100 deep"),
        (b"null", 'the line is no object; expected {"question": ...}'),
        (b'"hola"', 'the line is no object; expected {"question": ...}'),
        (b'["hola"]', 'the line is no object; expected {"question": ...}'),
        (b"17", 'the line is no object; expected {"question": ...}'),
        (b"a\0b", "the line cannot be read: binary data"),
        (b"{\x01\x02\xff\x81}", "the line cannot be read: binary data"),
        (b"\xff\xfeh\0o\0l\0a\0x", "the line cannot be read: starts as utf-16 but is not valid"),
        (b"\xef\xbb\xbf\xff", "the line cannot be read: starts as utf-8-sig but is not valid"),
        ("\u00a0\u2003".encode(), "the line cannot be read: empty"),
    ],
)
def test_a_line_without_an_object_is_told(line: bytes, error: str) -> None:
    found = only(line)
    assert found.error is not None
    assert found.error.startswith(error)
    assert (found.number, found.id, found.question, found.history, found.extra) == (2, "q2", None, (), None)


@pytest.mark.parametrize(
    ("keys", "error"),
    [
        ({}, "the line has no question"),
        ({"question": None}, "the line has no question"),
        ({"question": 5}, "the question is not a text"),
        ({"question": ["hola"]}, "the question is not a text"),
        ({"question": ""}, "an empty question; expected a question in words"),
        ({"question": " ¿? "}, "an empty question; expected a question in words"),
        ({"question": "x" * 10_000}, "a question of 10000 characters; expected at most 2000; shorten it"),
        ({"question": "a\ud800b"}, "a question that is not text; expected a question in UTF-8"),
    ],
)
def test_an_object_without_a_question_is_told_and_keeps_its_id_and_keys(keys: dict[str, Any], error: str) -> None:
    found = only(json.dumps({"id": "a7", "split": "dev", **keys}).encode())
    assert found.error is not None
    assert found.error.startswith(error)
    said = keys.get("question")
    assert (found.id, found.extra) == ("a7", {"split": "dev"})
    assert found.question == (said if isinstance(said, str) else None)


@pytest.mark.parametrize("identity", [None, True, False, 1.5, [], ["a"], {"a": 1}])
def test_an_id_that_is_none_is_told_and_replaced_by_the_number(identity: object) -> None:
    found = only(as_line(id=identity, question=QUESTION))
    error = "the id is neither a text nor a whole number"
    assert found == Asked(2, "q2", QUESTION, (), {}, error)


def test_a_question_in_words_is_held_to_the_same_limits() -> None:
    long, empty = asked(b"x" * 10_000, "¿…?".encode())
    assert long.error == "a question of 10000 characters; expected at most 2000; shorten it"
    assert empty.error is not None and empty.error.startswith("an empty question; ")
    assert asked(b"x" * 2000)[0].error is None


def test_as_much_nesting_as_is_allowed() -> None:
    inner = b"[" * 99 + b"]" * 99
    found = only(b'{"question": "hola", "x": ' + inner + b"}")
    assert found.error is None
    assert found.extra == {"x": json.loads(inner)}


# --- whatever comes


def require_sound(lines: list[bytes]) -> list[Asked]:
    """Reads the lines, which must not raise; what holds of every file of questions holds of the items."""
    found = asked(*lines)
    assert len(found) <= len(lines)
    assert [each.number for each in found] == list(range(1, len(found) + 1))
    for each in found:
        assert each.error is not None or (each.question is not None and each.question.strip())
        assert each.error is None or each.history == ()
        # What the answer's record takes over can be written, is JSON for the strictest reader, and reads back.
        record = {"id": each.id, "question": each.question, "error": each.error, **(each.extra or {})}
        line = dumps(record)
        assert json.loads(line.encode().decode(), parse_constant=lambda name: pytest.fail(name)) == record
    return found


@given(st.lists(st.binary(max_size=60)))
@example([b'{"question": "hola"}', b"\xef\xbb\xbf"])
@example([b"\xff\xfe"])
def test_no_bytes_are_too_odd(lines: list[bytes]) -> None:
    found = require_sound(lines)
    assert len(found) <= sum(1 for line in lines if line.strip())
    if not any(b'"' in line for line in lines):  # so none has an id of its own
        assert len({each.id for each in found}) == len(found)


@given(st.binary(max_size=300))
def test_no_file_is_too_odd(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "odd"
    path.write_bytes(raw)
    lines = lines_of(path)
    assert len(require_sound(lines)) <= len(lines)


KEYS = st.sampled_from(["id", "question", "history", "answer", "citations", "understood", *CITED]) | st.text(max_size=3)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=8)
    | st.just("¿Quién es?")
    | st.just(CITED),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=8,
)


@given(st.lists(st.dictionaries(KEYS, VALUES, max_size=4)))
@example([{"question": "hola", "history": [{"question": "hola", "answer": "x", "citations": {"a": 1}}]}])
@example([{"question": "hola", "history": [{"question": "hola", "answer": "x", "citations": [CITED]}]}])
def test_no_object_is_too_odd(records: list[dict[str, object]]) -> None:
    found = require_sound([json.dumps(record).encode() for record in records])
    assert len(found) == len(records)
    own = [each for each, record in zip(found, records, strict=True) if "id" not in record]
    assert len({each.id for each in own}) == len(own)
    for each in found:
        for turn in each.history:
            assert isinstance(turn, str | Turn)
            if isinstance(turn, Turn):
                assert all(type(value) is str for cited in turn.citations for value in (cited.quote, cited.file))

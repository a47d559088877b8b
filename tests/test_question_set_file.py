"""A file of questions: what is read leniently, what is refused in which words, evidence against the articles' bytes."""

import codecs
import json
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.growing import append_question, questions_so_far
from eval.question_set import located, read_question_set, to_line
from eval.types import Evidence, Question
from index.corpus import read
from qa.errors import QuestionsError
from tests.commands import ROOT, with_package
from tests.test_bad_input import needs_permissions

WHO = {"question": "¿Quién?", "answers": ["Ana"]}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "set.jsonl"


def put(path: Path, *lines: dict[str, Any] | str) -> Path:
    written = [line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in lines]
    path.write_text("".join(f"{line}\n" for line in written), encoding="utf-8", newline="")
    return path


def only(path: Path, line: dict[str, Any]) -> Question:
    (question,) = read_question_set(put(path, line))
    return question


def refusal(path: Path, *lines: dict[str, Any] | str) -> str:
    """What is said of a file, without its name."""
    with pytest.raises(QuestionsError) as caught:
        read_question_set(put(path, *lines))
    return str(caught.value).replace(str(path), "FILE")


# --- what is read


def test_the_projects_own_set_is_read_and_written_as_it_is() -> None:
    lines = (ROOT / "eval" / "questions.jsonl").read_text(encoding="utf-8").split("\n")
    questions = read_question_set(None)
    assert [to_line(question) for question in questions] == lines[:-1]
    texts = {file.name: read(ROOT / "seeds", file.name).text for file in (ROOT / "seeds").iterdir()}
    assert located(questions, texts) == questions


def test_a_split_is_chosen() -> None:
    dev, test = read_question_set(None, "dev"), read_question_set(None, "test")
    assert {question.split for question in dev} == {"dev"}
    assert sorted(question.id for question in dev + test) == sorted(question.id for question in read_question_set(None))
    assert read_question_set(None, "nada") == ()


def test_a_question_is_enough(path: Path) -> None:
    assert only(path, {"question": "¿Quién?"}) == Question("q1", "test", "unanswerable", "es", "¿Quién?", False)
    assert only(path, {"question": "¿Quién?", "why_unanswerable": "off_topic"}) == Question(
        "q1", "test", "off_topic", "es", "¿Quién?", False, why_unanswerable="off_topic"
    )


def test_answers_may_be_flat_and_ids_numbers(path: Path) -> None:
    flat = only(path, {**WHO, "id": 7, "answers": ["Ana", "Ana Paz"], "type": "mío", "split": "tuyo", "lang": "en"})
    assert flat == Question("7", "tuyo", "mío", "en", "¿Quién?", True, (("Ana", "Ana Paz"),))
    groups = only(path, {**WHO, "answers": [["Ana", "Ana Paz"], ["Luis"]], "answerable": True})
    assert groups == Question("q1", "test", "question", "es", "¿Quién?", True, (("Ana", "Ana Paz"), ("Luis",)))


def test_nulls_and_keys_of_others_are_passed_over(path: Path) -> None:
    assert only(path, {**WHO, "id": None, "split": None, "evidence": None, "note": {"a": 1}}) == only(path, WHO)


def test_evidence_and_history_in_each_form(path: Path) -> None:
    question = only(
        path,
        {
            **WHO,
            "evidence": [
                {"file": "a", "quote": "b"},
                {"file": "a", "start": 0, "end": 2},
                {"file": "a", "start": 0, "end": 1, "quote": "b"},
            ],
            "history": ["¿Y?", {"question": "¿Dónde?", "answer": "Aquí."}],
        },
    )
    assert question.evidence == (Evidence("a", -1, -1, "b"), Evidence("a", 0, 2), Evidence("a", 0, 1, "b"))
    assert question.history == ("¿Y?", "¿Dónde?")


def test_a_byte_order_mark_blank_lines_and_carriage_returns(path: Path) -> None:
    path.write_bytes(codecs.BOM_UTF8 + '\r\n{"question": "¿Quién?"}\r\n \t\r\n\n{"question": "¿Y\u2028qué?"}'.encode())
    first, second = read_question_set(path)
    assert (first.id, first.question, second.id, second.question) == ("q1", "¿Quién?", "q2", "¿Y\u2028qué?")


# --- what is refused


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("¿Quién?", "not JSON (Expecting value: line 1 column 1 (char 0)); expected a JSON object; mend the line"),
        ("[" * 100_000, "not JSON (maximum recursion depth exceeded"),
        ("[1]", '[1]; expected an object, {"question": ...}; mend the line'),
        ("{}", 'no "question"; expected a question in words; mend the line'),
        ({"question": 5}, '"question" is 5; expected a question in words; mend the line'),
        ({"question": " ¿? "}, "an empty question; expected a question in words; mend the line"),
        ({"question": "a" * 2001}, "a question of 2001 characters; expected at most 2000; mend the line"),
        (r'{"question": "a", "id": "\ud800"}', "not text in UTF-8; expected text in UTF-8; convert the file"),
        ({**WHO, "anwsers": []}, 'the key "anwsers"; expected "answers"; rename it'),
        ({**WHO, "id": True}, '"id" is true; expected a text that is not empty; mend the line'),
        ({**WHO, "split": ""}, '"split" is ""; expected a text that is not empty; mend the line'),
        ({**WHO, "type": ["a"]}, '"type" is ["a"]; expected a text that is not empty; mend the line'),
        ({**WHO, "evidence": {"file": "a"}}, '"evidence" is {"file": "a"}; expected a list, [...]; mend the line'),
        ({**WHO, "answerable": "no"}, '"answerable" is "no"; expected true or false; mend the line'),
        (
            {"question": "¿Quién?", "answerable": True},
            'answerable without answers; expected a list of alternatives, ["a", "b"], or of such lists, each '
            'alternative with a letter or digit; add "answers"',
        ),
        (
            {**WHO, "answerable": False},
            'answers, but not answerable; expected one or the other; leave "answerable" or "answers" out',
        ),
        (
            {**WHO, "why_unanswerable": "near_miss"},
            'answers and "why_unanswerable"; expected one or the other; leave one out',
        ),
        ({**WHO, "answers": "Ana"}, '"answers" is "Ana"; expected a list, [...]; mend the line'),
        ({**WHO, "answers": ["Ana", ["Luis"]]}, '"answers" with "Ana"; expected a list of alternatives'),
        ({**WHO, "answers": [[]]}, '"answers" with []; expected a list of alternatives'),
        ({**WHO, "answers": ["¿?"]}, '"answers" with ["¿?"]; expected a list of alternatives'),
        ({**WHO, "answers": [2019]}, '"answers" with 2019; expected a list of alternatives'),
        ({**WHO, "evidence": ["a"]}, '"evidence" with "a"; expected {"file": ..., "quote": ...} or {"file": ...,'),
        ({**WHO, "evidence": [{"file": "a"}]}, '"evidence" with {"file": "a"}; expected {"file": ...'),
        ({**WHO, "evidence": [{"quote": "a"}]}, '"evidence" with {"quote": "a"}; expected {"file": ...'),
        ({**WHO, "evidence": [{"file": "a", "start": 2, "end": 2}]}, '"evidence" with {"file": "a", "start": 2'),
        ({**WHO, "evidence": [{"file": "a", "start": -1, "end": 2}]}, '"evidence" with {"file": "a", "start": -1'),
        ({**WHO, "evidence": [{"file": "a", "start": 0, "end": True}]}, '"evidence" with {"file": "a", "start": 0'),
        ({**WHO, "evidence": [{"file": "a", "start": 0, "quote": "b"}]}, '"evidence" with {"file": "a", "start": 0'),
        ({**WHO, "history": [{"q": 1}]}, '"history" with {"q": 1}; expected questions, or objects {"question": ...}'),
        ({**WHO, "plain": [1]}, '"plain" with 1; expected ids of questions; mend the line'),
    ],
)
def test_a_line_that_cannot_be_used_is_named(path: Path, line: dict[str, Any] | str, message: str) -> None:
    assert refusal(path, WHO, "", line).startswith(f"line 3 of FILE: {message}")


def test_an_id_may_stand_once(path: Path) -> None:
    message = "line 2 of FILE: the id a again, as in line 1; expected a new id; change one"
    assert refusal(path, {**WHO, "id": "a"}, {**WHO, "id": "a"}) == message
    assert refusal(path, {**WHO, "id": "q2"}, WHO).startswith("line 2 of FILE: the id q2 again")


def test_long_values_are_shown_from_their_beginning(path: Path) -> None:
    assert f'"id" is ["{"a" * 58}…; expected' in refusal(path, {**WHO, "id": ["a" * 500]})


def test_a_file_without_questions(path: Path) -> None:
    message = "no questions in FILE; expected a JSON object a line; write one, see qa eval new --help"
    assert refusal(path) == refusal(path, "", "  ") == message


def test_bytes_that_are_no_utf_8(path: Path) -> None:
    path.write_bytes(b'{"question": "a"}\n{"question": "\xbfQui\xe9n?"}\n')
    with pytest.raises(QuestionsError) as caught:
        read_question_set(path)
    assert str(caught.value) == f"line 2 of {path}: not text in UTF-8; expected text in UTF-8; convert the file"


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for place, reason in (
        ("nada", "No such file or directory"),
        ("", "Is a directory"),
    ):
        with pytest.raises(QuestionsError, match=reason) as caught:
            read_question_set(tmp_path / place)
        assert str(caught.value).endswith("; expected a file of questions; name one")


# --- evidence and articles

ARTICLE = "Título ñandú\r\n\r\nLa alcaldesa abrió el café. Ñu.\r\nLa alcaldesa habló.\r\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_offsets_count_characters_of_the_decoded_article(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.txt").write_bytes(ARTICLE.encode(encoding))
    texts = {"a.txt": read(tmp_path, "a.txt").written}
    question = only(tmp_path / "set", {**WHO, "evidence": [{"file": "a.txt", "quote": "abrió el café. Ñu."}]})
    (evidence,) = located([question], texts)[0].evidence
    assert evidence == Evidence("a.txt", 29, 47, "abrió el café. Ñu.")
    assert texts["a.txt"][29:47] == evidence.quote
    assert located([only(tmp_path / "set", json.loads(to_line(located([question], texts)[0])))], texts) == (
        located([question], texts)
    )


def test_a_quotation_is_filled_in() -> None:
    question = Question("q1", "test", "place", "es", "¿Dónde?", True, (("aquí",),), (Evidence("a", 3, 7),))
    assert located([question], {"a": "En Lima."})[0].evidence == (Evidence("a", 3, 7, "Lima"),)


@pytest.mark.parametrize(
    ("evidence", "message"),
    [
        (
            Evidence("z", 0, 1),
            "question q1: evidence in z; expected one of a, b, c, d, e and 1 more; name one of these",
        ),
        (
            Evidence("a", -1, -1, "uno"),
            'question q1: "uno" stands 2 times in a; expected a quotation that stands there once; quote more of it, or '
            "add start and end",
        ),
        (
            Evidence("a", -1, -1, "tres"),
            'question q1: "tres" stands 0 times in a; expected a quotation that stands there once; copy it as it '
            "stands there",
        ),
        (Evidence("a", 0, 12), "question q1: a:0-12; expected offsets up to 11; correct them"),
        (
            Evidence("a", 0, 3, "dos"),
            'question q1: "uno" at a:0-3; expected "dos"; correct the offsets, or leave them out to have them found',
        ),
        (Evidence("a", 0, 3, "tres"), 'question q1: "uno" at a:0-3; expected "tres"; correct the quotation'),
    ],
)
def test_evidence_that_does_not_stand(evidence: Evidence, message: str) -> None:
    texts = {"a": "uno dos uno", **dict.fromkeys("bcdef", "x")}
    with pytest.raises(QuestionsError) as caught:
        located([Question("q1", "dev", "object", "es", "¿?", True, (("uno",),), (evidence,))], texts)
    assert str(caught.value) == message


def test_occurrences_that_overlap_are_counted() -> None:
    question = Question("q1", "dev", "object", "es", "¿?", True, (("aa",),), (Evidence("a", -1, -1, "ana"),))
    with pytest.raises(QuestionsError, match="2 times"):
        located([question], {"a": "banana"})


# --- what is written

WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20).filter(str.strip)
ASKED = WORDS.filter(lambda text: any(character.isalnum() for character in text))
SAID = st.builds(lambda a, b: a + b, st.sampled_from(["a", "Ñ", "7"]), WORDS)


@st.composite
def evidences(draw: st.DrawFn) -> Evidence:
    start = draw(st.integers(0, 100))
    if draw(st.booleans()):
        return Evidence(draw(WORDS), -1, -1, draw(WORDS))
    return Evidence(draw(WORDS), start, start + draw(st.integers(1, 100)), draw(st.just("") | WORDS))


@st.composite
def questions(draw: st.DrawFn) -> Question:
    answers = tuple(tuple(group) for group in draw(st.lists(st.lists(SAID, min_size=1, max_size=3), max_size=3)))
    return Question(
        id=draw(WORDS),
        split=draw(WORDS),
        type=draw(WORDS),
        lang=draw(WORDS),
        question=draw(ASKED),
        answerable=bool(answers),
        answers=answers,
        evidence=tuple(draw(st.lists(evidences(), max_size=3))),
        why_unanswerable=None if answers else draw(st.none() | WORDS),
        history=tuple(draw(st.lists(WORDS, max_size=2))),
        form=draw(st.none() | WORDS),
        plain=tuple(draw(st.lists(WORDS, max_size=2))),
    )


@given(st.lists(questions(), min_size=1, max_size=4, unique_by=lambda question: question.id))
def test_what_is_written_is_read_again(tmp_path_factory: pytest.TempPathFactory, asked: list[Question]) -> None:
    path = tmp_path_factory.mktemp("round") / "set.jsonl"
    for number, question in enumerate(asked):
        append_question(path, question)
        assert questions_so_far(path) == tuple(asked[: number + 1])
    assert read_question_set(path) == tuple(asked)


def test_keys_stand_in_their_order() -> None:
    question = Question(
        "a", "dev", "off_topic", "es", "¿Y?", False, why_unanswerable="off_topic", history=("¿Quién?",), form="typo",
        plain=("b",),
    )  # fmt: skip
    assert to_line(question) == (
        '{"id": "a", "split": "dev", "type": "off_topic", "lang": "es", "question": "¿Y?", "history": ["¿Quién?"], '
        '"answerable": false, "answers": [], "evidence": [], "why_unanswerable": "off_topic", "form": "typo", '
        '"plain": ["b"]}'
    )


# --- a file that grows

ASK = Question("a", "dev", "person", "es", "¿Quién?", True, (("Ana",),))


def test_a_file_begins_with_its_first_question(path: Path) -> None:
    assert questions_so_far(path) == ()
    assert not path.exists()
    for content in (b"", codecs.BOM_UTF8, b"\n \n"):
        path.write_bytes(content)
        assert questions_so_far(path) == ()
    append_question(path, ASK)
    assert questions_so_far(path) == (ASK,)


def test_a_last_line_without_a_newline_is_kept_whole(path: Path) -> None:
    path.write_text(json.dumps(WHO))
    append_question(path, ASK)
    assert path.read_text(encoding="utf-8") == f"{json.dumps(WHO)}\n{to_line(ASK)}\n"


def test_a_cut_file_is_refused_and_left_as_it_is(path: Path) -> None:
    line = to_line(ASK).encode()
    for length in range(1, len(line)):
        path.write_bytes(line + b"\n" + line[:length])
        with pytest.raises(QuestionsError) as caught:
            questions_so_far(path)
        message = f"the last line of {path} is cut off; expected whole lines; complete it or take it out"
        assert str(caught.value) == message
        assert path.read_bytes() == line + b"\n" + line[:length]


def test_what_is_no_question_set_is_not_added_to(path: Path) -> None:
    path.write_text("¿Quién?\n¿Cuándo?")
    with pytest.raises(QuestionsError, match=r"line 1 of .*: not JSON"):
        questions_so_far(path)


def test_places_where_nothing_can_be_written(tmp_path: Path) -> None:
    for place, reason in (("", "Not a file"), ("nada/set.jsonl", "No such folder")):
        with pytest.raises(QuestionsError, match=reason) as caught:
            questions_so_far(tmp_path / place)
        assert str(caught.value).endswith("; expected a writable file; name another with -o")
    with pytest.raises(QuestionsError, match="Is a directory"):
        append_question(tmp_path, ASK)


@needs_permissions
def test_a_file_that_may_only_be_read(path: Path) -> None:
    put(path, WHO).chmod(0o400)
    with pytest.raises(QuestionsError, match="No permission"):
        questions_so_far(path)


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """As on a full disk, but for the reason that the system gives."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize(("short", "reason"), [(5, "No room for the line"), (1000, "File too large")])
def test_a_line_without_room_leaves_nothing_behind(path: Path, short: int, reason: str) -> None:
    append_question(path, ASK)
    before = path.read_bytes()
    room = max(len(before), 2 * len(before) - short)
    with files_no_larger_than(room), pytest.raises(QuestionsError, match=reason):
        append_question(path, ASK)
    assert path.read_bytes() == before


APPENDING = (
    "import sys; from dataclasses import replace; from itertools import count; from pathlib import Path\n"
    "from eval.growing import append_question\n"
    "from eval.question_set import read_question_set\n"
    "path = Path(sys.argv[1]); asked = read_question_set(path)[0]\n"
    "for number in count(): append_question(path, replace(asked, id=str(number))); print(number, flush=True)"
)


def test_a_killed_run_leaves_whole_lines(path: Path) -> None:
    append_question(path, ASK)
    for _ in range(3):
        command = [sys.executable, "-c", APPENDING, str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=with_package({})) as process:
            assert process.stdout is not None
            told = [process.stdout.readline() for _ in range(20)]
            process.send_signal(signal.SIGKILL)
        questions = questions_so_far(path)
        assert path.read_bytes().endswith(b"}\n")
        assert told[-1] == b"19\n" and len(questions) >= 21
        put(path, to_line(ASK))

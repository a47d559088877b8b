"""The file that a batch writes: how far it says the batch has come, what it refuses, who may write it."""

import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from qa.answers_file import answers_file
from qa.errors import QuestionsError
from qa.questions import Asked
from qa.record import dumps
from tests.commands import ROOT, with_package
from tests.test_bad_input import needs_permissions

QUESTIONS = [
    Asked(1, "a", "¿Quién  inauguró\tel puente?"),
    Asked(2, "q2", None, error="the line is not JSON"),
    Asked(3, "c", "¿Cuándo?"),
]
HOLDER = (
    "import sys; from pathlib import Path; from qa.answers_file import answers_file\n"
    "with answers_file(Path(sys.argv[1]), False): print('held', flush=True); sys.stdin.read()"
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.jsonl"


def answer(asked: Asked) -> str:
    """A record for a question, as far as this file looks at it."""
    if asked.question is None:
        return dumps({"schema": 1, "id": asked.id, "question": None, "error": asked.error})
    return dumps({"schema": 1, "id": asked.id, "question": " ".join(asked.question.split()), "answer": "«ñ» [1]"})


def content(*questions: Asked) -> bytes:
    return "".join(f"{answer(asked)}\n" for asked in questions).encode()


def kept(path: Path, questions: list[Asked], restart: bool = False) -> tuple[int, list[Asked]]:
    """How many questions have a record in a file, and those that are left to be asked."""
    left = iter(questions)
    with answers_file(path, restart) as answers:
        count, failed = answers.kept(left)
    assert failed == sum(1 for asked in questions[:count] if asked.error)
    return count, list(left)


def refusal(path: Path, questions: list[Asked], restart: bool = False) -> str:
    with pytest.raises(QuestionsError) as caught:
        kept(path, questions, restart)
    return str(caught.value)


def other(path: Path, line: int = 1) -> str:
    return (
        f"line {line} of {path} is no answer to question {line}; "
        "expected a new file, or one that a run over the same questions began; "
        "name another with -o, or begin anew with --restart"
    )


# --- growing and going on


def test_a_new_file_answers_nothing_and_grows_by_whole_lines(path: Path) -> None:
    with answers_file(path, False) as answers:
        assert (answers.kept(iter(QUESTIONS)), path.read_bytes()) == ((0, 0), b"")
        for number, asked in enumerate(QUESTIONS, 1):
            answers.write(answer(asked))
            assert path.read_bytes() == content(*QUESTIONS[:number])


@pytest.mark.parametrize("count", range(len(QUESTIONS) + 1))
def test_a_file_takes_off_the_questions_that_it_answers(path: Path, count: int) -> None:
    path.write_bytes(content(*QUESTIONS[:count]))
    assert kept(path, QUESTIONS) == (count, QUESTIONS[count:])
    assert path.read_bytes() == content(*QUESTIONS[:count])


def test_what_was_begun_of_a_line_is_cut_off_wherever_the_run_was_stopped(path: Path) -> None:
    whole = content(*QUESTIONS)
    for cut in range(len(whole) + 1):
        path.write_bytes(whole[:cut])
        count = whole[:cut].count(b"\n")
        assert kept(path, QUESTIONS) == (count, QUESTIONS[count:]), cut
        assert path.read_bytes() == content(*QUESTIONS[:count]), cut


def test_a_record_follows_the_last_whole_one(path: Path) -> None:
    path.write_bytes(content(QUESTIONS[0]) + content(QUESTIONS[1])[:-10])
    with answers_file(path, False) as answers:
        answers.kept(iter(QUESTIONS))
        answers.write(answer(QUESTIONS[1]))
    assert path.read_bytes() == content(*QUESTIONS[:2])


def test_beginning_anew_empties_the_file_whatever_it_holds(path: Path) -> None:
    for before in (content(*QUESTIONS), b"precious\n", b"\xff\0"):
        path.write_bytes(before)
        assert kept(path, QUESTIONS, restart=True) == (0, QUESTIONS)
        assert path.read_bytes() == b""


def test_a_missing_folder_is_made(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "a.jsonl"
    assert kept(path, QUESTIONS) == (0, QUESTIONS)
    assert [each.name for each in path.parent.iterdir()] == ["a.jsonl"]


# --- what is refused


FIRST = json.loads(answer(QUESTIONS[0]))


@pytest.mark.parametrize(
    "line",
    [
        dumps({**FIRST, "id": "b"}),
        dumps({**FIRST, "id": None}),
        dumps({**FIRST, "question": "¿Quién cerró el puente?"}),
        dumps({**FIRST, "question": None}),
        dumps({**FIRST, "schema": 2}),
        dumps({key: value for key, value in FIRST.items() if key != "schema"}),  # such as a line of questions
        dumps({key: value for key, value in FIRST.items() if key != "id"}),
        dumps({key: value for key, value in FIRST.items() if key != "question"}),
        "",
        " ",
        "null",
        "[]",
        "precious",
        "[" * 100_000,
    ],
    ids=range(14),
)
def test_a_file_with_another_line_is_refused_and_left_as_it_is(path: Path, line: str) -> None:
    before = f"{line}\n".encode()
    for after in (b"", b"{", content(*QUESTIONS[1:])):
        path.write_bytes(before + after)
        assert refusal(path, QUESTIONS) == other(path)
        assert path.read_bytes() == before + after


def test_the_line_that_is_no_answer_is_named(path: Path) -> None:
    for questions in ([QUESTIONS[0], QUESTIONS[2]], [QUESTIONS[0], Asked(2, "q2", "None")]):
        path.write_bytes(content(*QUESTIONS))
        assert refusal(path, questions) == other(path, 2)
        assert path.read_bytes() == content(*QUESTIONS)


@pytest.mark.parametrize("count", range(len(QUESTIONS)))
def test_a_file_with_more_answers_than_there_are_questions_is_refused(path: Path, count: int) -> None:
    path.write_bytes(content(*QUESTIONS))
    assert refusal(path, QUESTIONS[:count]) == other(path, count + 1)
    assert path.read_bytes() == content(*QUESTIONS)


@pytest.mark.parametrize("last", [b"precious", b"{", b'{"schema": 2, "id": "a"', b'{"question": "hola"}', b" "])
def test_a_line_without_an_end_is_cut_only_if_it_is_the_beginning_of_a_record(path: Path, last: bytes) -> None:
    for count, questions in ((0, QUESTIONS), (1, QUESTIONS), (1, QUESTIONS[:1])):
        before = content(*QUESTIONS[:count]) + last
        path.write_bytes(before)
        if last == b"{":
            assert kept(path, questions)[0] == count
        else:
            assert refusal(path, questions) == other(path, count + 1)
            assert path.read_bytes() == before


# --- one writer at a time


def test_a_second_writer_is_refused_and_the_first_goes_on(path: Path) -> None:
    with answers_file(path, False) as answers:
        answers.kept(iter(QUESTIONS))
        for restart in (False, True):
            expected = f"another run is writing {path}; expected one run at a time; wait for it"
            assert refusal(path, QUESTIONS, restart) == expected
        answers.write(answer(QUESTIONS[0]))
    assert kept(path, QUESTIONS) == (1, QUESTIONS[1:])


def test_a_second_writer_is_refused_by_whatever_name_it_knows_the_file(path: Path) -> None:
    with answers_file(path, False) as answers:
        answers.kept(iter(QUESTIONS))
        symbolic, hard = path.with_name("symbolic.jsonl"), path.with_name("hard.jsonl")
        symbolic.symlink_to(path)
        hard.hardlink_to(path)
        for name in (symbolic, hard):
            assert refusal(name, QUESTIONS, restart=True).startswith(f"another run is writing {name};")
        answers.write(answer(QUESTIONS[0]))
    assert kept(hard, QUESTIONS) == (1, QUESTIONS[1:])


def test_nothing_but_the_file_is_left_whatever_happened(path: Path) -> None:
    kept(path, QUESTIONS)
    path.write_bytes(b"precious\n")
    refusal(path, QUESTIONS)
    with pytest.raises(KeyboardInterrupt), answers_file(path, False):
        raise KeyboardInterrupt
    path.unlink()
    path.mkdir()
    refusal(path, QUESTIONS)
    assert [each.name for each in path.parent.iterdir()] == ["a.jsonl"]


@contextmanager
def held_by_another_process(path: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, env=with_package({})
    ) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
        try:
            yield holder
        finally:
            holder.kill()


def test_another_process_is_refused_while_one_writes_and_not_when_it_was_killed(path: Path) -> None:
    with held_by_another_process(path) as holder:
        assert refusal(path, QUESTIONS).startswith(f"another run is writing {path};")
        holder.kill()
        holder.wait()
        assert kept(path, QUESTIONS) == (0, QUESTIONS)


# --- where nothing can be written


def test_places_that_are_no_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "device").symlink_to("/dev/zero")  # reading it would never end
    places = {
        tmp_path: "Not a file",
        tmp_path / "device": "Not a file",
        tmp_path / "file" / "a.jsonl": "File exists",
        tmp_path / ("a" * 300): "File name too long",
    }
    for place, reason in places.items():
        for restart in (False, True):
            expected = f"{place} cannot be written ({reason}); expected a writable file; name another"
            assert refusal(place, QUESTIONS, restart) == expected
    assert sorted(each.name for each in tmp_path.iterdir()) == ["device", "file"]


@needs_permissions
def test_a_folder_or_a_file_that_may_not_be_written(tmp_path: Path) -> None:
    folder, file = tmp_path / "locked", tmp_path / "a.jsonl"
    folder.mkdir(mode=0o500)
    file.write_bytes(content(QUESTIONS[0]))
    file.chmod(0o400)
    for place in (folder / "a.jsonl", file):
        expected = f"{place} cannot be written (Permission denied); expected a writable file; name another"
        assert refusal(place, QUESTIONS, restart=True) == expected
    assert file.read_bytes() == content(QUESTIONS[0])


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """As on a full disk, but for the reason that the system gives."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_record_for_which_there_is_no_room_stops_the_run_which_then_goes_on(path: Path) -> None:
    room = len(content(*QUESTIONS)) - 5
    with pytest.raises(QuestionsError) as caught, answers_file(path, False) as answers:
        left = iter(QUESTIONS)
        assert answers.kept(left) == (0, 0)
        with files_no_larger_than(room):
            for asked in left:
                answers.write(answer(asked))
    assert str(caught.value) == f"{path} cannot be written (File too large); expected a writable file; name another"
    assert path.read_bytes() == content(*QUESTIONS[:2])
    assert kept(path, QUESTIONS) == (2, QUESTIONS[2:])
    assert path.read_bytes() == content(*QUESTIONS[:2])

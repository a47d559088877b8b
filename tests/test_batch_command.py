"""`qa batch` as a process of its own with the installed models: files, pipes, signals and statuses."""

import json
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from qa.cli import run
from tests.commands import GIFT, QA, ROOT, SEEDS, qa, with_package
from tests.test_cli import CITATION_KEYS, GIFT_QUOTE, KEYS, require_true_citations

MOST_SECONDS = 100
POLL_SECONDS = 0.005
CHIEF = "¿Quién es el jefe del comité militar de la OTAN?"
OFF_TOPIC = "¿Cuánto cuesta un kilo de manzanas en Chile?"
SUMMARY = re.compile(r"qa: \d+ questions? in \d+ s(, \d+ a minute)?(: .+)?\n")
Captured = pytest.CaptureFixture[str]


def line(**record: object) -> bytes:
    return json.dumps(record, ensure_ascii=False).encode() + b"\n"


LINES = [
    line(id="gift", question=GIFT, split="dev"),
    line(id="bad", question=["hola"]),
    line(id="chief", question=CHIEF),
    b'{"question": \n',
    line(id="none", question=OFF_TOPIC),
    b"\n",
    line(id="after", question="¿Y en qué mes fue eso?", history=[GIFT]),
    line(id="odd", question="¿Qué es\u2028esto\x00, Putin?"),
    line(id="hi", question="hola"),
    line(id="sum", question="resume el artículo 3"),
    *(line(id=f"more{number}", question=f"{CHIEF} ({number})") for number in range(4)),
]
IDS = ["gift", "bad", "chief", "q4", "none", "after", "odd", "hi", "sum", "more0", "more1", "more2", "more3"]
FAILED = ["bad", "q4"]


@pytest.fixture(scope="module")
def questions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("batch") / "questions.jsonl"
    path.write_bytes(b"".join(LINES))
    return path


@pytest.fixture(scope="module")
def whole(questions: Path) -> tuple[subprocess.CompletedProcess[str], Path]:
    """A run that nothing interrupts, and the file of its answers."""
    answers = questions.with_name("whole.jsonl")
    return qa("batch", str(questions), "-o", str(answers)), answers


def records(path: Path) -> list[dict[str, Any]]:
    """The records of a file, which must be whole."""
    *lines, rest = path.read_bytes().split(b"\n")
    assert rest == b""
    return [json.loads(each) for each in lines]


def timeless(path: Path) -> list[list[tuple[str, Any]]]:
    return [[(key, value) for key, value in record.items() if key != "seconds"] for record in records(path)]


@contextmanager
def running(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """`qa` with pipes on all sides; it is killed if it is still there at the end."""
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [*QA, *arguments], stdin=pipe, stdout=pipe, stderr=pipe, cwd=ROOT, env=with_package({})
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def read_line(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    assert process.stdout is not None
    record: dict[str, Any] = json.loads(process.stdout.readline())
    return record


# --- one run


def test_every_line_has_its_record_and_a_bad_one_makes_the_status_1(
    whole: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    done, answers = whole
    found = records(answers)
    assert (done.returncode, done.stdout) == (1, "")
    assert SUMMARY.fullmatch(done.stderr)
    assert done.stderr.endswith(", 2 failed\n")
    assert [record["id"] for record in found] == IDS
    assert [record["id"] for record in found if "error" in record] == FAILED
    assert sorted(path.name for path in answers.parent.iterdir()) == ["questions.jsonl", "whole.jsonl"]


def test_the_keys_of_every_record_and_what_they_say(
    whole: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    found = {record["id"]: record for record in records(whole[1])}
    for identity, record in found.items():
        if identity in FAILED:
            assert list(record) == ["schema", "id", "question", "error"]
            continue
        assert list(record) == [*KEYS, *(["split"] if identity == "gift" else [])]
        assert record["schema"] == 1
        for citation in record["citations"]:
            assert list(citation) == CITATION_KEYS
        if not record["abstained"] and identity != "hi":
            require_true_citations(record, SEEDS)
    assert (found["gift"]["split"], found["gift"]["citations"][0]["quote"]) == ("dev", GIFT_QUOTE)
    assert (found["none"]["abstained"], found["none"]["citations"]) == (True, [])
    assert found["after"]["understood"] not in (None, found["after"]["question"])
    assert found["after"]["citations"][0]["quote"] == GIFT_QUOTE
    assert found["bad"]["error"] == "the question is not a text"
    assert found["q4"]["error"].startswith("the line is not JSON (")


def test_the_quotations_of_the_answers_hold(whole: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    count = sum(len(record.get("citations", [])) for record in records(whole[1]))
    done = qa("verify", str(whole[1]))
    assert count > 5
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{count} of {count} quotations hold\n", "")


def test_an_answer_comes_before_the_next_question_is_known() -> None:
    with running("batch", "-", "-o", "-") as process:
        assert process.stdin is not None
        for number, question in enumerate((GIFT, OFF_TOPIC), 1):
            process.stdin.write(f"{question}\n".encode())
            process.stdin.flush()
            record = read_line(process)
            assert (record["id"], record["question"]) == (f"q{number}", question)
        out, err = process.communicate(timeout=MOST_SECONDS)
    assert (process.returncode, out) == (0, b"")
    assert SUMMARY.fullmatch(err.decode())
    assert err.endswith(b": 1 answered, 1 not on record\n")


@pytest.mark.parametrize("follow", [False, True])
def test_a_reader_that_goes_away_ends_the_batch_without_a_complaint(
    follow: bool, questions: Path, tmp_path: Path
) -> None:
    answers = tmp_path / "a.jsonl"
    with running("batch", str(questions), *(("-o", str(answers), "--follow") if follow else ())) as process:
        assert process.stdout is not None and process.stderr is not None
        assert GIFT.encode() in process.stdout.readline()
        process.stdout.close()
        err = process.stderr.read().decode()
        assert process.wait(MOST_SECONDS) == 0
    told = SUMMARY.fullmatch(err)
    assert told
    if follow:
        assert err.startswith(f"qa: {len(records(answers))} question")


def test_each_answer_is_shown_as_it_comes(tmp_path: Path) -> None:
    (tmp_path / "q.txt").write_text(f"{GIFT}\n\n¿?\n{OFF_TOPIC}\n", encoding="utf-8")
    done = qa("batch", str(tmp_path / "q.txt"), "-o", str(tmp_path / "a.jsonl"), "--follow")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[0] == f"q1  {GIFT}"
    assert "una limusina rusa de lujo" in lines[1]
    assert lines[2].startswith("[1] 003_6b36a17d40a337a5.txt:11")
    assert lines[3] == "q2  ¿?"
    assert lines[4].startswith("an empty question; ")
    assert lines[5:7] == [f"q3  {OFF_TOPIC}", "No consta."]
    assert SUMMARY.fullmatch(done.stderr)
    assert [record["id"] for record in records(tmp_path / "a.jsonl")] == ["q1", "q2", "q3"]


# --- runs that are stopped


def wait_for_records(path: Path, count: int, process: subprocess.Popen[bytes]) -> bytes:
    """What the file holds as soon as so many lines of it are whole."""
    deadline = time.monotonic() + MOST_SECONDS
    while time.monotonic() < deadline:
        content = path.read_bytes() if path.exists() else b""
        if content.count(b"\n") >= count:
            return content
        assert process.poll() is None, "the batch ended before it could be stopped"
        time.sleep(POLL_SECONDS)
    pytest.fail(f"not {count} records within {MOST_SECONDS} s")


def test_a_run_that_is_killed_and_interrupted_ends_as_if_it_had_not_been(
    questions: Path, whole: tuple[subprocess.CompletedProcess[str], Path], tmp_path: Path
) -> None:
    answers = tmp_path / "answers.jsonl"
    command = ("batch", str(questions), "-o", str(answers))

    with running(*command) as process:
        before = wait_for_records(answers, 3, process)
        process.send_signal(signal.SIGKILL)
        assert process.wait(MOST_SECONDS) == -signal.SIGKILL
    assert answers.read_bytes().startswith(before)

    with running(*command) as process:
        before = wait_for_records(answers, 6, process)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=MOST_SECONDS)
        assert (process.returncode, out) == (130, b"")
        assert err.decode().startswith("qa: ") and err.count(b"\n") == 1
    assert answers.read_bytes().startswith(before)
    kept = len(records(answers))
    assert 6 <= kept < len(IDS)

    done = qa(*command)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith(f", {kept} from an earlier run, 2 of them failed\n")
    assert answers.read_bytes().startswith(before)
    assert timeless(answers) == timeless(whole[1])


# --- what is refused, without a model


def refused(capsys: Captured, *arguments: str) -> tuple[int, str]:
    """The status and the one line on standard error of a command that must fail."""
    status = run(["batch", *arguments])
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    return status, err.removesuffix("\n")


@pytest.mark.parametrize("option", ["--follow", "--restart"])
@pytest.mark.parametrize("output", [(), ("-o", "-")])
def test_what_needs_a_file_for_the_answers(
    option: str, output: tuple[str, ...], questions: Path, capsys: Captured
) -> None:
    status, said = refused(capsys, str(questions), option, *output)
    assert (status, said) == (2, f"qa: Invalid value: {option} needs a file: -o FILE; see qa --help")


def test_a_file_of_questions_that_cannot_be_read(tmp_path: Path, capsys: Captured) -> None:
    answers = tmp_path / "a.jsonl"
    for path, reason in ((tmp_path / "none.jsonl", "No such file or directory"), (tmp_path, "Is a directory")):
        expected = f"qa: {path} cannot be read ({reason}); expected a file of questions, or - for standard input; "
        assert refused(capsys, str(path), "-o", str(answers)) == (1, f"{expected}name one")
    assert not answers.exists()


def test_a_missing_folder_of_articles_touches_no_answers(questions: Path, tmp_path: Path, capsys: Captured) -> None:
    answers = tmp_path / "a.jsonl"
    answers.write_bytes(b"precious\n")
    none = tmp_path / "none"
    status, said = refused(capsys, str(questions), "-o", str(answers), "--restart", "--corpus", str(none))
    expected = f"qa: no folder '{none}'; expected a folder of articles; name one with --corpus"
    assert (status, said) == (1, expected)
    assert answers.read_bytes() == b"precious\n"


def test_answers_neither_replace_the_questions_nor_become_an_article(tmp_path: Path) -> None:
    questions = tmp_path / "q.jsonl"
    questions.write_text('{"question": "¿Quién es Peskov?"}\n', encoding="utf-8")
    done = qa("batch", str(questions), "-o", str(questions), "--restart")
    assert (done.returncode, done.stdout) == (1, "")
    said = "q.jsonl holds the questions; expected another file for the answers; name one with -o\n"
    assert done.stderr.endswith(said)
    assert questions.read_text(encoding="utf-8") == '{"question": "¿Quién es Peskov?"}\n'
    folder = tmp_path / "articles"
    folder.mkdir()
    (folder / "a.txt").write_text("La alcaldesa Marta Ruiz inauguró el puente nuevo.\n", encoding="utf-8")
    inside = qa("batch", str(questions), "-o", str(folder / "b.txt"), "--corpus", str(folder))
    assert inside.returncode == 1
    assert "would be read as an article" in inside.stderr
    assert [path.name for path in folder.iterdir()] == ["a.txt"]


def test_a_closed_standard_input_holds_no_questions() -> None:
    done = qa("batch", "-", under=("sh", "-c", 'exec "$@" <&-', "sh"))
    assert (done.returncode, done.stdout) == (0, "")

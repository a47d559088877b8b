"""`qa eval` with the installed models: what it prints where, what it writes, and with which status it ends."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from eval.baseline import compare
from eval.report import rows_of
from qa.cli import run
from tests.commands import GIFT, QA, ROOT, SEEDS, qa
from tests.test_cli import ESCAPE, GIFT_QUOTE, standard_input
from tests.test_squad import TINY, written
from tests.test_terminal_chat import CTRL_C, Terminal

Captured = pytest.CaptureFixture[str]
OFF_TOPIC = "¿Cuánto cuesta un kilo de manzanas en Chile?"
# What tests/test_end_to_end.py finds as well, with gold evidence by its quotation alone.
LINES: list[dict[str, Any]] = [
    {
        "id": "gift",
        "split": "dev",
        "type": "object",
        "question": GIFT,
        "answers": [["limusina"], ["lujo", "lujosa"]],
        "evidence": [{"file": "003_6b36a17d40a337a5.txt", "quote": GIFT_QUOTE}],
    },
    {
        "id": "days",
        "split": "dev",
        "type": "date",
        "question": "¿Qué días de enero estuvo Choe en Rusia?",
        "answers": ["15 al 17 de enero"],
        "evidence": [{"file": "000_0c968cba595d11b1.txt", "quote": "del 15 al 17 de enero"}],
    },
    {
        "id": "chief",
        "split": "dev",
        "type": "person",
        "question": "¿Quién es el jefe del comité militar de la OTAN?",
        "answers": ["Rob Bauer"],
        "evidence": [{"file": "001_b93cd10eda9988a7.txt", "quote": "Rob Bauer"}],
    },
    {
        "id": "after",
        "split": "dev",
        "type": "follow_up",
        "question": "¿Y en qué mes fue eso?",
        "history": [GIFT],
        "answers": ["febrero"],
        "evidence": [{"file": "003_6b36a17d40a337a5.txt", "quote": GIFT_QUOTE}],
    },
    {"id": "apples", "split": "dev", "question": OFF_TOPIC, "why_unanswerable": "off_topic"},
    {
        "id": "summit",
        "split": "test",
        "type": "object",
        "question": "¿Qué pasó en Vladivostok en abril de 2019?",
        "answers": ["primera cumbre"],
        "evidence": [],
    },
]
IDS = [line["id"] for line in LINES]
OUTCOMES = ["right", "right", "right", "right", "rightly_refused", "right"]
NO_MODEL = ("--model", "none.gguf")
"""With this a run ends where the first question would be asked; what is said before is said before any is."""


@pytest.fixture(autouse=True)
def in_the_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)


def set_file(folder: Path, *lines: dict[str, Any]) -> Path:
    path = folder / "questions.jsonl"
    path.write_text("".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def questions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return set_file(tmp_path_factory.mktemp("eval"), *LINES)


@pytest.fixture(scope="module")
def whole(questions: Path) -> tuple[subprocess.CompletedProcess[str], Path]:
    """A run of all six questions as a process of its own, and the folder of its report."""
    folder = questions.with_name("out") / "deep"
    done = qa("eval", "--questions", str(questions), "--corpus", "seeds", "--out", str(folder))
    return done, folder


def report_of(folder: Path) -> dict[str, Any]:
    report: dict[str, Any] = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return report


def cells(output: str, beginning: str) -> list[str]:
    """The cells of the one line of a table that begins so, without its first."""
    (line,) = (line for line in output.splitlines() if line.lstrip().startswith(beginning))
    return re.split(r"\s{2,}", line.strip())[1:]


def refused(capsys: Captured, *arguments: str) -> tuple[int, str]:
    """The status and the one line on standard error of a command that must fail."""
    status = run(["eval", *arguments])
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith("qa: ")
    return status, err.removeprefix("qa: ").removesuffix("\n")


# --- a run


def test_tables_on_standard_output_and_nothing_on_standard_error(
    whole: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    done, _ = whole
    assert (done.returncode, done.stderr) == (0, "")
    assert ESCAPE not in done.stdout
    assert cells(done.stdout, "follow up")[:2] == ["1", "1.000 [1.00, 1.00]"]
    # Of a type that is not in the articles: none cited, none found, all refused.
    assert cells(done.stdout, "off topic") == ["1", "1.000 [1.00, 1.00]", "1.000"]
    assert cells(done.stdout, "right answer, or rightly refused") == ["1.000 [1.00, 1.00]"] * 2
    assert cells(done.stdout, "valid citations") == ["1.000 [1.00, 1.00]"] * 2
    assert cells(done.stdout, "measure") == ["dev", "test"]
    assert cells(done.stdout, "retrieval") == ["lexical", "dense", "fused"]
    assert re.search(r"^6 questions in \d+ s\b", done.stdout, re.MULTILINE)


def test_the_report_is_written_whole_with_its_page(whole: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    _, folder = whole
    assert sorted(path.name for path in folder.iterdir()) == ["report.html", "report.json"]
    report = report_of(folder)
    assert report["ids"] == IDS
    assert [row["outcome"] for row in report["rows"]] == OUTCOMES
    assert report["settings"]["corpus"] == "seeds"
    assert "comparison" not in report
    for row in report["rows"]:
        for evidence in row["evidence"]:
            text = (SEEDS / evidence["file"]).read_bytes().decode()
            assert text[evidence["start"] : evidence["end"]] == evidence["quote"]
        assert row["record"]["question"] == row["question"]
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert page.startswith("<!") and page.rstrip().endswith("</html>")
    assert GIFT_QUOTE in page


def test_as_json_it_is_one_object_and_the_same_run_is_worse_in_nothing(
    whole: tuple[subprocess.CompletedProcess[str], Path], questions: Path, capsys: Captured
) -> None:
    path = whole[1] / "report.json"
    assert run(["eval", "--questions", str(questions), "--json", "--baseline", str(path)]) == 0
    out, err = capsys.readouterr()
    assert (out.count("\n"), err) == (1, "")
    report = json.loads(out)
    earlier = report_of(whole[1])
    assert report.keys() - earlier.keys() == {"comparison", "differences"}
    assert report["comparison"] == []
    assert {each["verdict"] for each in report["differences"]} == {""}
    # Another process, and nothing but the time is different.
    for key in ("ids", "digests", "figures", "splits", "types", "retrieval", "risk_coverage", "calibration"):
        assert report[key] == earlier[key]
    timeless = [[{**row["record"], "seconds": 0} for row in each["rows"]] for each in (report, earlier)]
    assert timeless[0] == timeless[1]
    compared = compare(rows_of(earlier), rows_of(report))
    assert (compared.worse, compared.paired, compared.unpaired) == ((), 6, 0)
    assert {each.gain.value for each in compared.differences} == {0.0}


def test_a_baseline_that_was_better_makes_the_status_4(
    whole: tuple[subprocess.CompletedProcess[str], Path], questions: Path, tmp_path: Path, capsys: Captured
) -> None:
    better = report_of(whole[1])
    for row in better["rows"]:
        row["scores"]["f1"] = 1.0  # a quoted sentence is never all gold
    (tmp_path / "better.json").write_text(json.dumps(better), encoding="utf-8")
    out = tmp_path / "out"
    command = ("--questions", str(questions), "--split", "test", "--baseline", str(tmp_path / "better.json"))
    assert run(["eval", *command, "--out", str(out)]) == 4
    printed, err = capsys.readouterr()
    assert err == ""
    before, now, gain, _, verdict = cells(printed[printed.index("before") :], "token F1")
    assert (before, verdict) == ("1.000", "worse")
    assert float(now) < 1 and float(gain) == pytest.approx(float(now) - 1, abs=0.001)
    assert len(re.findall(r"\bworse\b", printed)) == 1
    assert "1 question compared, 5 in one run only" in printed
    assert (report_of(out)["ids"], report_of(out)["comparison"]) == (["summit"], [])


# --- what is refused, before any question is asked


def doctored(folder: Path, change: Callable[[dict[str, Any]], object], source: Path) -> Path:
    """A report with one thing changed."""
    report = report_of(source)
    change(report)
    path = folder / "doctored.json"
    path.write_text(json.dumps(report), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"none\.json cannot be read as a report \(.*No such file"),
        (b"", r"none\.json cannot be read as a report \("),
        (b"\xff{}", r"none\.json cannot be read as a report \("),
        (b"[]", r"none\.json is no report of this version; "),
        (b'{"schema": 0, "rows": [], "cost": {}}', r"none\.json is no report of this version; "),
        (b'{"schema": 1, "rows": [{}], "cost": {}}', r"a report with rows of another form \("),
        (b'{"schema": 1, "rows": [1], "cost": {}}', r"a report with rows of another form \("),
    ],
)
def test_a_baseline_that_is_none_is_named(
    content: bytes | None, message: str, questions: Path, tmp_path: Path, capsys: Captured
) -> None:
    path = tmp_path / "none.json"
    if content is not None:
        path.write_bytes(content)
    status, said = refused(capsys, "--questions", str(questions), "--baseline", str(path), *NO_MODEL)
    assert status == 1
    assert re.search(message, said)


def test_a_baseline_on_other_questions_is_refused(
    whole: tuple[subprocess.CompletedProcess[str], Path], questions: Path, tmp_path: Path, capsys: Captured
) -> None:
    def rename(report: dict[str, Any]) -> None:
        for row in report["rows"]:
            row["id"] += "-other"

    other = doctored(tmp_path, rename, whole[1])
    status, said = refused(capsys, "--questions", str(questions), "--baseline", str(other), *NO_MODEL)
    assert status == 1
    assert said.startswith("none of the questions among the 6 of the earlier run; ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--split", "train"), "no question of split 'train'; expected dev, test, or no --split; choose another"),
        (("--split", ""), "the model file none.gguf cannot be read "),  # all questions: only the model is missing
        (("--questions", "none.jsonl"), "none.jsonl cannot be read (No such file or directory); "),
        (("--corpus", "nowhere"), "no folder 'nowhere'; expected a folder of articles; "),
        (("--squad", "none.json"), "none.json cannot be read as JSON ("),
        (("--out", "README.md"), "README.md cannot be written (File exists); expected a folder for the report; "),
        (("--compare", "--out", "README.md/deep"), "README.md/deep cannot be written (Not a directory); "),
    ],
)
def test_what_the_user_can_mend_is_one_line_and_the_status_1(
    arguments: tuple[str, ...], message: str, capsys: Captured
) -> None:
    status, said = refused(capsys, *arguments, *NO_MODEL)
    assert (status, said[: len(message)]) == (1, message)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--squad", "a.json", "--compare"), "--squad, --compare and --baseline are runs of their own: name one"),
        (("--squad", "a.json", "--baseline", "b.json"), "--squad, --compare and --baseline are runs of their own: "),
        (("--compare", "--baseline", "b.json"), "--squad, --compare and --baseline are runs of their own: name one"),
        (("--most", "3"), "--distractors, --questions-en and --most need --squad FILE"),
        (("--distractors", "a.json"), "--distractors, --questions-en and --most need --squad FILE"),
        (("--questions-en", "a.json"), "--distractors, --questions-en and --most need --squad FILE"),
        *(
            (("--squad", "a.json", option, "x"), "--squad holds articles and questions: no --questions, --split, ")
            for option in ("--questions", "--split", "--corpus", "--index-dir")
        ),
        (("--corpus", "noticias", "new"), "options of new go behind it"),
    ],
)
def test_flags_that_do_not_go_together_are_refused(arguments: tuple[str, ...], message: str, capsys: Captured) -> None:
    status, said = refused(capsys, *arguments)
    assert (status, said[: len(message) + 15]) == (2, f"Invalid value: {message}")
    assert said.endswith("; see qa --help")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--squad", "a.json", "--most", "0"), "Invalid value for '--most'"),
        (("new-question",), "No such command 'new-question'"),
        (("--top-k",), "Option '--top-k' requires an argument"),
    ],
)
def test_other_misuse_has_the_status_2(arguments: tuple[str, ...], message: str, capsys: Captured) -> None:
    status, said = refused(capsys, *arguments)
    assert (status, said[: len(message)]) == (2, message)


# --- articles and questions of one's own


@pytest.fixture
def town(tmp_path: Path) -> Path:
    folder = tmp_path / "town"
    folder.mkdir()
    (folder / "mayor.txt").write_text("La alcaldesa Marta Ruiz inauguró el puente nuevo sobre el río Júcar.\n")
    (folder / "baker.md").write_text("Fue en marzo.\n\nEl panadero Julián Ortega abrió su tienda en Cuenca.\n")
    return folder


DIALOGUE = """\
¿Quién inauguró el puente nuevo?
1a
Marta Ruiz | la alcaldesa
person
test
¿Cuánto costó el puente nuevo?
0
near_miss
dev
"""


def test_a_set_that_was_written_by_a_pipe_and_by_hand_is_measured(
    town: Path, tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "own.jsonl"
    monkeypatch.setattr(sys, "stdin", standard_input(DIALOGUE.encode()))
    assert run(["eval", "new", "--output", str(path), "--corpus", str(town)]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[-1] == f"2 questions written to {path}"
    assert "Written: inauguro-puente-nuevo (person, test), «Marta Ruiz | la alcaldesa» in mayor.txt:0-68" in out
    assert err == ""

    by_hand = '{"question": "¿Dónde abrió su tienda el panadero?", "answers": ["Cuenca"], "split": "dev", '
    by_hand += '"evidence": [{"file": "baker.md", "quote": "El panadero Julián Ortega abrió su tienda en Cuenca."}]}\n'
    with path.open("a", encoding="utf-8") as file:
        file.write(by_hand)
    assert run(["eval", "--questions", str(path), "--corpus", str(town), "--json"]) == 0
    out, err = capsys.readouterr()
    report = json.loads(out)
    assert err == ""
    assert report["ids"] == ["inauguro-puente-nuevo", "costo-puente-nuevo", "q3"]
    first, _, last = report["rows"]
    assert first["answers"] == [["Marta Ruiz", "la alcaldesa"]]
    # «Fue en marzo.» and two line breaks are 15 characters.
    quote = "El panadero Julián Ortega abrió su tienda en Cuenca."
    assert last["evidence"] == [{"file": "baker.md", "start": 15, "end": 15 + len(quote), "quote": quote}]
    assert [(row["outcome"], row["scores"]["first_on_evidence"]) for row in (first, last)] == [("right", 1.0)] * 2
    assert list(report["splits"]) == ["dev", "test"]


# --- other systems, other files


def test_simple_systems_stand_beside_the_assistant(tmp_path: Path, capsys: Captured) -> None:
    path = set_file(tmp_path, LINES[0], LINES[2], LINES[4])
    assert run(["eval", "--questions", str(path), "--compare", "--out", str(tmp_path / "out")]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    names = ["default", "best BM25 sentence", "dense retrieval alone", "naive build"]
    assert cells(out, "measure") == names
    # The assistant is right in all three; what never refuses cannot be.
    shown = cells(out, "right answer, or rightly refused")
    assert shown[0] == "1.000 [1.00, 1.00]" and len(shown) == 4
    assert cells(out, "unanswerable and refused")[:3] == [
        "1.000 [1.00, 1.00]",
        "0.000 [0.00, 0.00]",
        "0.000 [0.00, 0.00]",
    ]
    assert cells(out, "valid citations")[:3] == ["1.000 [1.00, 1.00]"] * 3
    assert len(cells(out, "seconds p50")) == 4
    report = json.loads((tmp_path / "out" / "comparison.json").read_text(encoding="utf-8"))
    assert list(report["systems"]) == names
    for measured in report["systems"].values():
        assert [each["id"] for each in measured["outcomes"]] == report["ids"] == ["gift", "chief", "apples"]
    # Token by token the naive build writes and the assistant follows runs of the passages.
    decoded = {name: measured["cost"]["decoded_tokens"]["sum"] for name, measured in report["systems"].items()}
    assert [name for name, count in decoded.items() if count] == ["default", "naive build"]


def test_a_file_in_squad_format_is_its_own_corpus(tmp_path: Path, capsys: Captured) -> None:
    squad = written(tmp_path, TINY)
    assert run(["eval", "--squad", str(squad), "--most", "1", "--out", str(tmp_path / "out")]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert cells(out, "measure") == ["pipeline", "reader", "near miss", "off topic"]
    assert cells(out, "evidence in five passages") == ["1.000 [1.00, 1.00]"] * 2
    assert len(cells(out, "unanswerable and refused")) == 2
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["squad.json"]
    report = json.loads((tmp_path / "out" / "squad.json").read_text(encoding="utf-8"))
    assert (report["ids"], report["paragraphs"], list(report["files"])) == (["bridge-who"], 4, ["squad"])


# --- a run that is stopped


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    out = str(tmp_path / "out")
    opened = Terminal(*QA, "eval", "--split", "dev", "--out", out, environment={"TERM": "xterm"})
    yield opened
    opened.close()


def test_ctrl_c_ends_a_run_and_no_part_of_a_report_is_left(terminal: Terminal, tmp_path: Path) -> None:
    # The bar appears with the first question, and more than a hundred follow.
    terminal.until("Evaluating")
    terminal.until(" 0/")
    terminal.press(CTRL_C)
    assert terminal.status() == 130
    assert "Traceback" not in terminal.shown
    assert list((tmp_path / "out").iterdir()) == []

"""A report on the disk: what it depends on, that it reads back as it was, that it is whole or not there."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eval.report import (
    PAGE,
    REPORT,
    SCHEMA,
    digest_of,
    digests,
    figures_of,
    make_report,
    read_report,
    row_record,
    rows_of,
    write_json,
    write_report,
)
from eval.types import Evidence, Question, Row
from qa.answer import Assistant
from qa.errors import QuestionsError
from qa.settings import Settings
from tests.fake_model import FakeModel
from tests.fakes import FakeEmbedder
from tests.rows import COST, TEXTS, citation, question, record, row, unanswerable

MIXED = [
    row("q1", "right", 0.9, type="person", split="dev", history=("¿Y eso?",)),
    row("q2", "wrong", 0.6, form="typo", plain=("q1",)),
    row("q3", "refused"),
    row("q4", "invented", 1 / 3),
    row("q5", "rightly_refused", type="off_topic"),
    row("q6", "failed"),
]
# What divides lines for some, what JSON leaves raw, what a terminal acts on, halves of characters, what ends a script.
ODD = st.text(st.characters() | st.sampled_from('\x00\x1b\x85\x9b\r\n\u2028\u2029\ufeff\u202e\ud800\udcff«é🚗\\"<>'))


def report_of(rows: Sequence[Row], /, **changes: Any) -> dict[str, Any]:
    """A report without figures of some rows, except for the changes."""
    nothing = {"p50": None, "p95": None}
    figures: dict[str, Any] = {"figures": {}, "splits": {}, "types": {}, "retrieval": {}, "forms": {}}
    seconds = {"search": nothing, "read": nothing, "total": nothing}
    tokens = {**nothing, "sum": 0.0}
    return {
        "schema": SCHEMA,
        "system": "default",
        "made": "2026-11-20T10:00:00+00:00",
        "seconds": 1.5,
        "ids": [each.question.id for each in rows],
        **figures,
        "risk_coverage": [],
        "calibration": [],
        "cost": {"seconds": seconds, "prompt_tokens": tokens, "decoded_tokens": tokens, "peak_memory_mib": None},
        "rows": [json.loads(json.dumps(row_record(each))) for each in rows],
        **changes,
    }


# --- To the disk and back ---


def test_what_is_written_is_read(tmp_path: Path) -> None:
    report = report_of(MIXED)
    write_report(report, TEXTS, tmp_path / "new" / "folder")
    assert read_report(tmp_path / "new" / "folder" / REPORT) == report
    assert sorted(path.name for path in (tmp_path / "new" / "folder").iterdir()) == [PAGE, REPORT]
    assert "¿Cuánto costó?" in (tmp_path / "new" / "folder" / PAGE).read_text(encoding="utf-8")


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(st.tuples(ODD, ODD, ODD, ODD), max_size=3))
def test_odd_characters_come_back_as_they_were(tmp_path: Path, drawn: list[tuple[str, str, str, str]]) -> None:
    rows = [
        Row(
            question(f"q{number}{asked}", question=asked, answers=((said,),), evidence=(Evidence(file, 0, 9, quote),)),
            record(said, citation(COST, file=file, quote=quote), notices=[asked]),
            "wrong",
            {"correct": 0.0},
        )
        for number, (asked, said, file, quote) in enumerate(drawn)
    ]
    report = report_of(rows, settings={"corpus": "".join(file for _, _, file, _ in drawn)})
    write_report(report, {}, tmp_path)
    found = read_report(tmp_path / REPORT)
    assert found == report
    assert rows_of(found) == rows
    # A line a question, by whatever is taken for the end of a line.
    for lines in (lines_of(tmp_path / REPORT).split("\n"), lines_of(tmp_path / REPORT).splitlines()):
        shown = [line for line in lines if line.startswith('{"id"')]
        assert [json.loads(line.removesuffix(",")) for line in shown] == report["rows"]


def lines_of(path: Path) -> str:
    with path.open(encoding="utf-8", newline="") as file:
        return file.read().partition('\n "rows": [\n')[2]


def test_a_report_can_be_compared_line_by_line(tmp_path: Path) -> None:
    write_report(report_of(MIXED), TEXTS, tmp_path / "one")
    other = [MIXED[0], row("q2", "right", 0.6, form="typo", plain=("q1",)), *MIXED[2:]]
    write_report(report_of(other), TEXTS, tmp_path / "two")
    one, two = ((tmp_path / name / REPORT).read_text(encoding="utf-8").split("\n") for name in ("one", "two"))
    changed = [(old, new) for old, new in zip(one, two, strict=True) if old != new]
    assert [(old[:12], new[:12]) for old, new in changed] == [('{"id": "q2",', '{"id": "q2",')]
    assert one[-2:] == ["]}", ""]


def test_a_report_without_rows(tmp_path: Path) -> None:
    write_report(report_of([]), {}, tmp_path)
    assert read_report(tmp_path / REPORT) == report_of([])
    assert rows_of(read_report(tmp_path / REPORT)) == []


def test_a_report_of_figures_alone(tmp_path: Path) -> None:
    report = {"schema": SCHEMA, "systems": {"n\u2028": {"ids": ["¿\udcff"]}}}
    write_json(report, tmp_path / "new" / "comparison.json")
    text = (tmp_path / "new" / "comparison.json").read_text(encoding="utf-8")
    assert json.loads(text) == report
    assert "¿" in text and text.endswith("\n")


@given(
    st.lists(
        st.tuples(
            ODD,
            st.lists(st.lists(ODD, max_size=2), max_size=2),
            st.lists(st.builds(Evidence, ODD, st.integers(), st.integers(), ODD), max_size=2),
            st.lists(ODD, max_size=2),
            st.none() | ODD,
            st.dictionaries(ODD, st.floats(0, 1), max_size=3),
        ),
        max_size=3,
    )
)
def test_rows_are_what_they_were(drawn: list[tuple[Any, ...]]) -> None:
    rows = [
        Row(
            Question(
                identity, "dev", "why", "es", identity, bool(answers), tuple(map(tuple, answers)), tuple(evidence),
                form, tuple(history), form, tuple(history),
            ),
            {"answer": form},
            "wrong",
            scores,
        )
        for identity, answers, evidence, history, form, scores in drawn
    ]  # fmt: skip
    assert rows_of(json.loads(json.dumps({"rows": [row_record(each) for each in rows]}))) == rows


# --- What cannot be written ---


def test_what_cannot_be_written_leaves_the_report_before_it(tmp_path: Path) -> None:
    write_report(report_of(MIXED[:1]), TEXTS, tmp_path)
    # A device without room: the text goes to it as far as it goes.
    (tmp_path / f"{REPORT}.part").symlink_to("/dev/full")
    with pytest.raises(QuestionsError) as caught:
        write_report(report_of(MIXED), TEXTS, tmp_path)
    assert (caught.value.found, caught.value.expected, caught.value.action) == (
        f"{tmp_path / REPORT} cannot be written (No space left on device)",
        "a folder for the report",
        "name one",
    )
    assert read_report(tmp_path / REPORT) == report_of(MIXED[:1])
    assert sorted(path.name for path in tmp_path.iterdir()) == [PAGE, REPORT]


def test_a_first_report_that_cannot_be_written_is_not_there(tmp_path: Path) -> None:
    (tmp_path / f"{REPORT}.part").symlink_to("/dev/full")
    with pytest.raises(QuestionsError):
        write_report(report_of(MIXED), TEXTS, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_the_place_of_the_report(tmp_path: Path) -> None:
    (tmp_path / REPORT).mkdir()
    with pytest.raises(QuestionsError, match="cannot be written"):
        write_report(report_of(MIXED), TEXTS, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [REPORT]


def test_a_file_in_the_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("kept", encoding="utf-8")
    with pytest.raises(QuestionsError, match="expected a folder for the report; name one"):
        write_report(report_of([]), {}, tmp_path / "out")
    with pytest.raises(QuestionsError, match="expected a folder for the report; name one"):
        write_json({}, tmp_path / "out" / "squad.json")
    assert (tmp_path / "out").read_text(encoding="utf-8") == "kept"


# --- What is no report ---


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "cannot be read as a report (Expecting value"),
        (b"{", "cannot be read as a report"),
        (b"\xff\xfe", "cannot be read as a report"),
        (b'{"a":' * 100_000, "cannot be read as a report"),
        (b"[]", "is no report of this version"),
        (b"7", "is no report of this version"),
        (b"{}", "is no report of this version"),
        (b'{"schema": 1}', "is no report of this version"),
        (b'{"schema": 1, "rows": []}', "is no report of this version"),
        (b'{"schema": 0, "rows": [], "cost": {}}', "is no report of this version"),
        (b'{"schema": 2, "rows": [], "cost": {}}', "is no report of this version"),
        # What `--compare` writes has no rows.
        (b'{"schema": 1, "systems": {}}', "is no report of this version"),
    ],
)
def test_another_file_is_no_report(tmp_path: Path, content: bytes, found: str) -> None:
    path = tmp_path / "other.json"
    path.write_bytes(content)
    with pytest.raises(QuestionsError) as caught:
        read_report(path)
    assert caught.value.found.startswith(f"{path} {found}")
    assert caught.value.expected.startswith("a report.json") and caught.value.action == "name one"


def test_no_file_is_no_report(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.json", tmp_path):
        with pytest.raises(QuestionsError, match="cannot be read as a report"):
            read_report(path)


def without(key: str) -> Callable[[dict[str, Any]], object]:
    return lambda given: given.pop(key)


@pytest.mark.parametrize(
    "spoil",
    [
        *map(without, ("id", "question", "answers", "evidence", "history", "plain", "record", "outcome", "scores")),
        lambda given: given.update(id=["q1"]),
        lambda given: given.update(answers=7),
        lambda given: given.update(evidence=[{"file": "a.txt", "place": 3}]),
        lambda given: given.update(outcome="splendid"),
        lambda given: given.update(record=None),
        lambda given: given.update(scores="many"),
        lambda given: given.update(scores={"f1": "high"}),
        lambda given: given.update(scores={"f1": None}),
    ],
)
def test_rows_of_another_form(spoil: Callable[[dict[str, Any]], object]) -> None:
    report = report_of(MIXED)
    spoil(report["rows"][2])
    with pytest.raises(QuestionsError) as caught:
        rows_of(report)
    assert caught.value.found.startswith("a report with rows of another form (")
    assert (caught.value.expected, caught.value.action) == ("a report.json of `qa eval`", "name one")


@pytest.mark.parametrize("rows", [None, 7, "rows", {"q1": {}}, [None], ["q1"], [[]]])
def test_rows_that_are_none(rows: Any) -> None:
    with pytest.raises(QuestionsError, match="rows of another form"):
        rows_of(report_of([], rows=rows))


# --- What a report depends on ---


class Bench:
    """A folder of articles, a folder of code and prompts, and an assistant on them with fakes."""

    def __init__(self, place: Path) -> None:
        self.articles, self.root, self.model = place / "articles", place / "root", place / "m.gguf"
        files = {f"articles/{file}": text for file, text in TEXTS.items()}
        files |= {"root/prompts/ask.txt": "Pregunta", "root/qa/a.py": "a = 1", "root/index/words.txt": "el"}
        for file, text in {**files, "m.gguf": "weights", "root/qa/notes.md": "notes"}.items():
            (place / file).parent.mkdir(parents=True, exist_ok=True)
            (place / file).write_text(text, encoding="utf-8")
        self.index_dir = place / "index"

    def assistant(self, embedder: str = "d1") -> Assistant:
        settings = Settings(self.articles, self.index_dir / embedder, model=str(self.model))
        return Assistant(settings, FakeEmbedder(embedder), FakeModel())

    def digests(self, *questions: Question, embedder: str = "d1") -> dict[str, str | None]:
        return digests(self.assistant(embedder), questions or (question(),), self.root)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def changed(before: dict[str, str | None], after: dict[str, str | None]) -> set[str]:
    return {name for name in before | after if before[name] != after[name]}


def test_digests_of_the_same_are_the_same(bench: Bench) -> None:
    found = bench.digests()
    assert found == bench.digests()
    assert list(found) == ["code", "prompts", "questions", "corpus", "index", "embedder", "reader", "adapter"]
    assert found["adapter"] is None
    # Notes beside the code are none of it.
    (bench.root / "qa" / "notes.md").write_text("other notes", encoding="utf-8")
    assert bench.digests() == found


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("root/prompts/ask.txt", {"prompts"}),
        ("root/prompts/new.txt", {"prompts"}),
        ("root/qa/a.py", {"code"}),
        ("root/eval/new.py", {"code"}),
        ("root/index/words.txt", {"code"}),
        ("root/qa/weights.json", {"code"}),
        ("articles/a.txt", {"corpus", "index"}),
        ("articles/c.txt", {"corpus", "index"}),
        ("m.gguf", {"reader"}),
    ],
)
def test_a_changed_file_changes_its_digest(bench: Bench, file: str, expected: set[str]) -> None:
    before = bench.digests()
    path = bench.root.parent / file
    path.parent.mkdir(exist_ok=True)
    path.write_text("Algo distinto se dijo aquí.", encoding="utf-8")
    assert changed(before, bench.digests()) == expected


def test_a_renamed_prompt_changes_its_digest(bench: Bench) -> None:
    before = bench.digests()
    (bench.root / "prompts" / "ask.txt").rename(bench.root / "prompts" / "answer.txt")
    assert changed(before, bench.digests()) == {"prompts"}


def test_another_embedder_changes_its_digest_and_that_of_the_index(bench: Bench) -> None:
    assert changed(bench.digests(), bench.digests(embedder="d2")) == {"embedder", "index"}


@pytest.mark.parametrize(
    "changes",
    [
        {"identity": "q2"},
        {"question": "¿Qué costó?"},
        {"answers": (("ocho euros", "8 euros"),)},
        {"answers": (("8 euros",), ("ocho euros",))},
        {"evidence": ()},
        {"history": ("¿Quién?",)},
        {"split": "dev"},
    ],
)
def test_another_question_changes_their_digest(bench: Bench, changes: dict[str, Any]) -> None:
    assert changed(bench.digests(), bench.digests(question(**changes))) == {"questions"}


def test_fewer_questions_and_others_in_order_change_their_digest(bench: Bench) -> None:
    one, two = question("q1"), unanswerable("q2")
    found = [bench.digests(*asked)["questions"] for asked in ((one, two), (two, one), (one,), (one, one))]
    assert len(set(found)) == 4


def test_files_have_one_digest(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1", encoding="utf-8")
    (tmp_path / "b").write_text("2", encoding="utf-8")
    both = digest_of([tmp_path / "a", tmp_path / "b"])
    assert both == digest_of(path for path in (tmp_path / "a", tmp_path / "b"))
    assert len({both, digest_of([tmp_path / "b", tmp_path / "a"]), digest_of([tmp_path / "a"]), digest_of([])}) == 4


# --- The whole report ---


def test_a_report_holds_every_row_and_what_it_depends_on(bench: Bench, tmp_path: Path) -> None:
    assistant = bench.assistant()
    made = datetime(2026, 11, 20, 12, 30, 1, 999, timezone(timedelta(hours=2)))
    report = make_report("default", MIXED, assistant, 61.26, made)
    # Two hours earlier in Greenwich.
    assert (report["made"], report["seconds"], report["system"]) == ("2026-11-20T10:30:01+00:00", 61.3, "default")
    assert report["ids"] == [each["id"] for each in report["rows"]] == [f"q{number}" for number in range(1, 7)]
    assert report["digests"] == digests(assistant, [each.question for each in MIXED])
    assert report["settings"] == {
        "corpus": str(bench.articles),
        "index_dir": str(bench.index_dir / "d1"),
        "model": str(bench.model),
        "reader": "auto",
        "top_k": "5",
    }
    # q1 and q5 of six
    assert (report["figures"]["correct"]["value"], report["figures"]["correct"]["n"]) == (0.3333, 6)
    assert list(report["splits"]) == ["dev", "test"]
    assert list(report["types"]) == ["person", "number", "near_miss", "off_topic"]
    # q2 asks in other words what q1 asks.
    assert report["forms"]["typo"]["plain"] == 1.0
    assert len(report["risk_coverage"]) == 6 and len(report["calibration"]) == 3
    assert report["cost"]["prompt_tokens"]["sum"] == 500 and report["cost"]["peak_memory_mib"] > 1
    assert rows_of(report) == MIXED
    write_report(report, TEXTS, tmp_path / "out")
    found = read_report(tmp_path / "out" / REPORT)
    assert found == json.loads(json.dumps(report))
    assert rows_of(found) == MIXED
    assert {**figures_of(rows_of(found)), "cost": found["cost"]} == {name: found[name] for name in figures_of([])}


def test_scores_are_written_in_full() -> None:
    third = replace(MIXED[0], scores={"f1": 1 / 3})
    assert row_record(third)["scores"] == {"f1": 1 / 3}

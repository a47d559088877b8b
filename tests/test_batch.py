"""A batch with a fake embedder and a fake model: what becomes of each question, and of a run that was stopped."""

import io
import json
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from index import build
from index.errors import CorpusError
from qa.answer import GREETING, Assistant
from qa.answers_file import answers_file
from qa.batch import answer_all, run_batch
from qa.errors import QuestionsError
from qa.proof import NO_ANSWER
from qa.questions import read_questions
from qa.record import to_json
from qa.settings import Settings
from qa.types import Answer, Turn
from tests.fake_model import FakeModel
from tests.fakes import FakeEmbedder
from tests.test_answer import ARTICLES, BRIDGE, NAMED, OFF_TOPIC, Setting, shipped

BAKER = "¿Qué vende el panadero Julián Ortega?"
OPENED = "¿Cuándo abrió su tienda?"
TEAM = "¿Quién ganó la final de balonmano?"
KEYS = (
    "schema id question understood answer abstained reason confidence citations rejected passages notices model index "
    "seconds"
).split()
Captured = pytest.CaptureFixture[str]


def line(**record: object) -> bytes:
    return json.dumps(record, ensure_ascii=False).encode() + b"\n"


BATCH = [
    line(id="a", question=BRIDGE, split="dev"),
    b"no json\n",
    line(question=OFF_TOPIC),
    line(id="d", question=OPENED, history=[BAKER]),
    b"\n",
    line(id="e", question="¿Qué dice el artículo 9? Resume el artículo 9"),
    "{¿Cuándo?}\n".encode("cp1252"),
    line(id="g", question="hola", note="á\u2028\x1b"),
    line(id="h", question=NAMED)[:-1],
]
IDS = ["a", "q2", "q3", "d", "e", "q6", "g", "h"]
FAILED = ["q2", "e", "q6"]


__all__ = ["shipped"]


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    return Setting(tmp_path)


@pytest.fixture
def answers(tmp_path: Path) -> Path:
    return tmp_path / "answers.jsonl"


def records(path: Path) -> list[dict[str, Any]]:
    """The records of a file, which must be whole."""
    *lines, rest = path.read_bytes().decode().split("\n")
    assert rest == ""
    return [json.loads(each) for each in lines]


def timeless(found: Sequence[dict[str, Any]]) -> list[list[tuple[str, Any]]]:
    """Records with their keys in order and nothing that depends on the clock."""
    return [[(key, value) for key, value in record.items() if key != "seconds"] for record in found]


def answered(setting: Setting, answers: Path, *lines: bytes) -> list[dict[str, Any]]:
    """The records of a batch that runs to its end; its status is the number of errors among them."""
    failed = run_batch(setting.assistant(), lines, None, answers)
    found = records(answers)
    assert failed == sum(1 for record in found if "error" in record)
    return found


def asked_of(embedder: FakeEmbedder) -> list[str]:
    """The questions that were searched for, beside the one that a batch warms up with."""
    single = [batch[0] for batch in embedder.batches if len(batch) == 1]
    return [text for text in single if text != NO_ANSWER]


# --- records


def test_every_line_gets_one_record_in_its_order(setting: Setting, answers: Path) -> None:
    found = answered(setting, answers, *BATCH)
    assert [record["id"] for record in found] == IDS
    assert [record["id"] for record in found if "error" in record] == FAILED
    assert [record.get("answer") for record in found] == [
        "El puente costó cuatro millones de euros, según el ayuntamiento de la ciudad. [1]",
        None,
        NO_ANSWER,
        "El panadero Julián Ortega abrió su tienda en Cuenca en marzo de 2019. [1]",
        None,
        None,
        GREETING,
        "La alcaldesa Marta Ruiz inauguró el puente nuevo sobre el río Júcar. [1]",
    ]


def test_a_record_is_that_of_a_single_question_and_then_the_keys_of_its_line(setting: Setting, answers: Path) -> None:
    extra = {"split": "dev", "number": 1.5, "nested": {"ñ": [None, True]}, "text": "á\u2028\x1b\ud800"}
    plain, more = answered(
        setting, answers, line(id="a", question=BRIDGE), json.dumps({"id": "a", "question": BRIDGE, **extra}).encode()
    )
    assistant = setting.assistant()
    alone = json.loads(to_json(assistant.ask(BRIDGE, "a"), assistant.files))
    assert timeless([plain]) == timeless([alone])
    assert list(plain) == KEYS
    assert list(more) == [*KEYS, *extra]
    assert timeless([more]) == [timeless([plain])[0] + list(extra.items())]


def test_an_error_has_a_record_with_the_same_keys_first(setting: Setting, answers: Path) -> None:
    bad, missing = answered(setting, answers, line(id="a", question=5, split="dev"), b"no json")
    assert bad == {"schema": 1, "id": "a", "question": None, "error": "the question is not a text", "split": "dev"}
    assert list(bad) == ["schema", "id", "question", "error", "split"]
    assert list(missing) == ["schema", "id", "question", "error"]
    assert (missing["id"], missing["question"]) == ("q2", None)


def test_keys_of_a_line_never_pass_for_ours(setting: Setting, answers: Path) -> None:
    false = {key: "false" for key in [*KEYS, "error"] if key not in ("id", "question")}
    good, bad = answered(setting, answers, line(question=BRIDGE, **false, x=1), line(question="¿?", **false, x=1))
    assert list(good) == [*KEYS, "x"]
    assert "false" not in good.values()
    assert list(bad) == ["schema", "id", "question", "error", "x"]
    assert "false" not in bad.values()


def test_what_a_terminal_acts_on_is_escaped_wherever_it_comes_from(setting: Setting, answers: Path) -> None:
    hostile = "\x1b\x07\x9b\u202e\u2028\ud800"
    answered(setting, answers, json.dumps({"id": hostile, "question": f"hola {hostile}", hostile: hostile}).encode())
    text = answers.read_bytes().decode()
    assert not set(hostile) & set(text)
    assert json.loads(text)["id"] == hostile


# --- what is wrong with one question


def test_a_question_that_cannot_be_asked_stops_no_other(setting: Setting, answers: Path) -> None:
    found = answered(setting, answers, b"resume el art\xc3\xadculo 9", NAMED.encode(), b"x" * 2001, TEAM.encode())
    assert [record["id"] for record in found] == ["q1", "q2", "q3", "q4"]
    assert [record.get("error") for record in found] == [
        "article 9; expected one of 1 to 3; name one that exists",
        None,
        "a question of 2001 characters; expected at most 2000; shorten it",
        None,
    ]
    assert [record["citations"][0]["file"] for record in found if "error" not in record] == ["b.txt", "c.txt"]


def test_an_error_in_the_turns_before_is_that_of_the_question(setting: Setting, answers: Path) -> None:
    bad, good = answered(
        setting, answers, line(question=NAMED, history=["resume el artículo 9"]), line(question=NAMED, history=[BAKER])
    )
    assert (bad["question"], bad["error"]) == (NAMED, "article 9; expected one of 1 to 3; name one that exists")
    assert good["citations"][0]["file"] == "b.txt"


def test_a_question_too_long_for_the_context_stops_no_other(setting: Setting, answers: Path) -> None:
    settings = Settings(setting.root, setting.index_dir, reader="composing")
    model = FakeModel(completions=["Marta Ruiz inauguró el puente nuevo [1]"], context_tokens=1200)
    long = f"{NAMED} {'¿Con quién? ' * 100}"
    lines = [line(question=long), line(question=NAMED)]
    assert run_batch(Assistant(settings, setting.embedder, model), lines, None, answers) == 1
    bad, good = records(answers)
    assert (bad["id"], bad["question"]) == ("q1", long)
    assert bad["error"].endswith("shorten the question, or name a model with a larger context")
    assert good["answer"] == "Marta Ruiz inauguró el puente nuevo [1]"


class ChangingEmbedder(FakeEmbedder):
    """Each time the question is searched for, the text of one article is replaced by the next one."""

    def __init__(self, path: Path, *texts: str) -> None:
        super().__init__()
        self.path, self.texts = path, deque(texts)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if list(texts) == [BRIDGE] and self.texts:
            self.path.write_text(self.texts.popleft(), encoding="utf-8")
        return super().encode(texts)


FIFTEEN, TWENTY = (ARTICLES["b.txt"].replace("cuatro", number) for number in ("quince", "veinte"))


def test_a_file_that_changes_while_it_is_quoted_is_read_again(setting: Setting, answers: Path) -> None:
    setting.embedder = ChangingEmbedder(setting.root / "b.txt", FIFTEEN)
    (found,) = answered(setting, answers, line(question=BRIDGE))
    assert (
        found["citations"][0]["quote"]
        == "El puente costó quince millones de euros, según el ayuntamiento de la ciudad."
    )


def test_a_file_that_goes_on_changing_stops_the_run(setting: Setting, answers: Path) -> None:
    setting.embedder = ChangingEmbedder(setting.root / "b.txt", FIFTEEN, TWENTY)
    with pytest.raises(CorpusError, match=r"^b\.txt changed while it was read; "):
        answered(setting, answers, line(question=NAMED), line(question=BRIDGE))
    assert [record["id"] for record in records(answers)] == ["q1"]


def test_a_file_that_changes_and_is_not_quoted_does_no_harm(setting: Setting, answers: Path) -> None:
    setting.embedder = ChangingEmbedder(setting.root / "a.txt", "Otra noticia, sobre el puente de Teruel.\n")
    for follow in (False, True):
        assert run_batch(setting.assistant(), [line(question=BRIDGE)] * 2, None, answers, True, follow) == 0
        assert [record["citations"][0]["file"] for record in records(answers)] == ["b.txt", "b.txt"]
        assert {passage["file"] for record in records(answers) for passage in record["passages"]} == set(ARTICLES)


# --- the turns before a question


def test_a_follow_up_is_understood_from_its_history(setting: Setting, answers: Path) -> None:
    alone, after = answered(setting, answers, line(question=OPENED), line(question=OPENED, history=[BAKER]))
    assert alone["understood"] is None
    assert "Julián Ortega" in after["understood"]
    assert "marzo de 2019" in after["answer"]


def test_questions_of_a_history_are_answered_first(setting: Setting, answers: Path) -> None:
    setting.assistant().index()
    setting.embedder.batches.clear()
    (found,) = answered(setting, answers, line(question=OPENED, history=[TEAM, BAKER]))
    assert asked_of(setting.embedder) == [TEAM, BAKER, found["understood"]]


def test_answers_of_a_history_are_not_asked_again_and_count_the_same(setting: Setting, answers: Path) -> None:
    assistant = setting.assistant()
    before = [json.loads(to_json(assistant.ask(question), assistant.files)) for question in (TEAM, BAKER)]
    setting.embedder.batches.clear()
    (found,) = answered(setting, answers, line(question=OPENED, history=before))
    assert asked_of(setting.embedder) == [found["understood"]]
    answers.unlink()
    assert timeless(answered(setting, answers, line(question=OPENED, history=[TEAM, BAKER]))) == timeless([found])


@pytest.mark.parametrize(
    ("question", "history"),
    [
        (BRIDGE, []),
        (OFF_TOPIC, []),
        ("hola", []),
        ("resume el artículo 2", []),
        ("resume los artículos", []),
        (f"{NAMED} {BRIDGE}", []),
        (OPENED, [BAKER]),
        ("¿Qué abrió Julián Ortega en 1987?", []),
    ],
)
def test_a_record_as_history_is_the_turn_of_its_answer(setting: Setting, question: str, history: list[str]) -> None:
    assistant = setting.assistant()
    answer = assistant.ask(question, history=history)
    record = json.loads(to_json(answer, assistant.files))
    (asked,) = read_questions([line(question="¿Y cuándo?", history=[record])])
    assert asked.history == (answer.turn,)
    assert isinstance(asked.history[0], Turn)


# --- going on after a stop


class Bench:
    """One folder and one assistant for many runs of the same batch, and what an uninterrupted run of it gives."""

    def __init__(self, place: Path) -> None:
        self.setting = Setting(place)
        self.assistant = self.setting.assistant()
        self.path = place / "answers.jsonl"
        self.run()
        self.whole = self.path.read_bytes()
        self.expected = timeless(records(self.path))
        self.texts = [self._texts(each) for each in BATCH if each.strip()]

    def _texts(self, one: bytes) -> list[str]:
        """What is searched for to answer one line."""
        self.path.unlink()
        return self.run([b'{"question": "hola"}', one])

    def run(self, lines: list[bytes] = BATCH) -> list[str]:
        """Runs the batch into the file; gives what was searched for."""
        self.setting.embedder.batches.clear()
        run_batch(self.assistant, lines, None, self.path)
        return asked_of(self.setting.embedder)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("bench"))


def test_the_bench_tells_what_is_asked(bench: Bench) -> None:
    assert [len(texts) for texts in bench.texts] == [1, 0, 1, 2, 1, 0, 0, 1]
    assert len(bench.expected) == len(IDS)


@settings(max_examples=40)
@given(cuts=st.lists(st.integers(0, 100_000), min_size=1, max_size=3))
@example(cuts=[0])
@example(cuts=[1])
@example(cuts=[100_000])
def test_a_run_that_was_stopped_anywhere_ends_as_if_it_had_not_been(bench: Bench, cuts: list[int]) -> None:
    bench.path.write_bytes(bench.whole)
    for cut in cuts:
        before = bench.path.read_bytes()
        stopped = before[: cut % (len(before) + 1)]
        bench.path.write_bytes(stopped)
        kept = stopped.count(b"\n")
        assert bench.run() == [text for texts in bench.texts[kept:] for text in texts]
        assert bench.path.read_bytes().startswith(stopped[: stopped.rfind(b"\n") + 1])
        assert timeless(records(bench.path)) == bench.expected


def test_a_run_that_was_finished_asks_nothing_and_changes_nothing(bench: Bench, capsys: Captured) -> None:
    bench.path.write_bytes(bench.whole)
    assert bench.run() == []
    assert bench.path.read_bytes() == bench.whole
    assert capsys.readouterr().err == "qa: 0 questions in 0 s, 8 from an earlier run, 3 of them failed\n"


def test_errors_of_an_earlier_run_count_in_the_end(bench: Bench) -> None:
    for count, each in enumerate(bench.whole.split(b"\n")):
        bench.path.write_bytes(bench.whole[: bench.whole.index(each)])
        assert run_batch(bench.assistant, BATCH, None, bench.path) == len(FAILED), count


def test_a_batch_may_grow_at_its_end(bench: Bench) -> None:
    bench.path.write_bytes(bench.whole)
    assert bench.run([*BATCH[:-1], BATCH[-1] + b"\n", line(id="z", question=TEAM)]) == [TEAM]
    assert bench.path.read_bytes().startswith(bench.whole)
    assert records(bench.path)[-1]["id"] == "z"


@pytest.mark.parametrize(
    "lines",
    [BATCH[:-1], [], BATCH[1:], [line(id="a", question=NAMED), *BATCH[1:]]],
    ids=["shorter", "empty", "later", "other"],
)
def test_answers_to_another_batch_are_refused_and_left_as_they_are(bench: Bench, lines: list[bytes]) -> None:
    bench.path.write_bytes(bench.whole)
    bench.setting.embedder.batches.clear()
    with pytest.raises(QuestionsError, match=r"name another with -o, or begin anew with --restart$"):
        run_batch(bench.assistant, lines, None, bench.path)
    assert asked_of(bench.setting.embedder) == []
    assert bench.path.read_bytes() == bench.whole


def test_beginning_anew_asks_everything_again(bench: Bench) -> None:
    for before in (bench.whole, b"precious\n"):
        bench.path.write_bytes(before)
        bench.setting.embedder.batches.clear()
        assert run_batch(bench.assistant, BATCH, None, bench.path, restart=True) == len(FAILED)
        assert asked_of(bench.setting.embedder) == [text for texts in bench.texts for text in texts]
        assert timeless(records(bench.path)) == bench.expected


def test_a_file_that_another_run_writes_is_refused(bench: Bench) -> None:
    bench.path.write_bytes(bench.whole)
    with answers_file(bench.path, False), pytest.raises(QuestionsError, match=r"^another run is writing "):
        run_batch(bench.assistant, BATCH, None, bench.path, restart=True)
    assert bench.path.read_bytes() == bench.whole


def test_an_interruption_leaves_whole_records(bench: Bench, capsys: Captured) -> None:
    def interrupted() -> Iterator[bytes]:
        yield from BATCH[:3]
        raise KeyboardInterrupt

    bench.path.unlink(missing_ok=True)
    with pytest.raises(KeyboardInterrupt):
        run_batch(bench.assistant, interrupted(), None, bench.path)
    assert timeless(records(bench.path)) == bench.expected[:3]
    assert capsys.readouterr().err.endswith(" a minute: 1 answered, 1 not on record, 1 failed\n")
    assert bench.run() == [text for texts in bench.texts[3:] for text in texts]
    assert timeless(records(bench.path)) == bench.expected


def test_what_befalls_all_questions_stops_the_run_which_goes_on_later(setting: Setting, answers: Path) -> None:
    elsewhere = setting.root.with_name("elsewhere")

    def without_articles() -> Iterator[bytes]:
        yield BATCH[0]
        setting.root.rename(elsewhere)
        yield from BATCH[1:]

    with pytest.raises(CorpusError, match=r"^no folder "):
        run_batch(setting.assistant(), without_articles(), None, answers)
    assert [record["id"] for record in records(answers)] == IDS[:2]
    elsewhere.rename(setting.root)
    assert [record["id"] for record in answered(setting, answers, *BATCH)] == IDS


def test_what_befalls_all_questions_touches_no_answers(setting: Setting, answers: Path) -> None:
    answers.write_bytes(b"precious\n")
    assistant = Assistant(Settings(setting.root / "none", setting.index_dir), setting.embedder, FakeModel())
    with pytest.raises(CorpusError, match=r"^no folder "):
        run_batch(assistant, BATCH, None, answers, restart=True)
    assert answers.read_bytes() == b"precious\n"


# --- what is shown meanwhile


def test_the_summary_counts_what_became_of_the_questions(setting: Setting, answers: Path, capsys: Captured) -> None:
    answered(setting, answers, *BATCH)
    out, err = capsys.readouterr()
    assert out == ""
    head, rate, told = err.removesuffix("\n").split(", ", 2)[0], *err.removesuffix("\n").split(", ", 1)[1].split(": ")
    assert head.startswith("qa: 8 questions in ") and head.endswith(" s")
    assert rate.endswith(" a minute")
    assert told == "4 answered, 1 not on record, 3 failed"


def test_the_summary_of_one_question_and_of_none(setting: Setting, answers: Path, capsys: Captured) -> None:
    answered(setting, answers)
    assert capsys.readouterr().err == "qa: 0 questions in 0 s\n"
    answered(setting, answers, b"hola")
    assert capsys.readouterr().err == "qa: 1 question in 0 s: 1 answered\n"


def test_without_a_file_the_records_are_printed(setting: Setting, answers: Path, capsys: Captured) -> None:
    expected = answered(setting, answers, *BATCH)
    capsys.readouterr()
    assert run_batch(setting.assistant(), BATCH, None, None) == len(FAILED)
    out, err = capsys.readouterr()
    assert timeless([json.loads(each) for each in out.splitlines()]) == timeless(expected)
    assert err.count("\n") == 1


def test_a_record_is_printed_before_the_next_question_is_read(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = io.BytesIO()
    seen: list[int] = []

    def watched() -> Iterator[bytes]:
        for each in (NAMED, OFF_TOPIC, BRIDGE):
            yield each.encode()
            seen.append(written.getvalue().count(b"\n"))

    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BufferedWriter(_Raw(written)), encoding="utf-8"))
    run_batch(setting.assistant(), watched(), None, None)
    assert seen == [1, 2, 3]


class _Raw(io.RawIOBase):
    """Where a pipe's bytes arrive once they have been flushed."""

    def __init__(self, arrived: io.BytesIO) -> None:
        self.arrived = arrived

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        return self.arrived.write(bytes(data))


def test_answers_are_followed_as_they_come(setting: Setting, answers: Path, capsys: Captured) -> None:
    shown: list[str] = []

    def watched() -> Iterator[bytes]:
        for number, each in enumerate((BRIDGE, OFF_TOPIC, "¿\x1b?", "resume el artículo 9"), 1):
            yield each.encode() + b"\n"
            assert len(records(answers)) == number
            shown.append(capsys.readouterr().out)

    assert run_batch(setting.assistant(), watched(), None, answers, follow=True) == 2
    quote = "El puente costó cuatro millones de euros, según el ayuntamiento de la ciudad."
    assert shown[0] == f"q1  {BRIDGE}\n«{quote}» [1]\n[1] b.txt:2\n"
    assert shown[1].startswith(f"q2  {OFF_TOPIC}\n{NO_ANSWER}\n")
    assert shown[2] == (
        'q3  ¿�?\nan empty question; expected a question in words; ask one, for example: qa ask "¿Quién es Peskov?"\n'
    )
    assert shown[3] == "q4  resume el artículo 9\narticle 9; expected one of 1 to 3; name one that exists\n"


# --- several questions at a time

MANY = [
    line(id=f"{turn}{number}", question=each)
    for turn in "abc"
    for number, each in enumerate([BRIDGE, NAMED, BAKER, TEAM])
]
MANY += [b"no json", line(id="z", question=OPENED, history=[BAKER])]


@pytest.fixture
def reading(setting: Setting, shipped: tuple[Path, Path]) -> Assistant:
    return Assistant(Settings(corpus=setting.root, index_dir=setting.index_dir, threads=2), setting.embedder)


def test_several_at_a_time_give_the_records_of_one_after_another(reading: Assistant) -> None:
    several = [done.record for done in answer_all(reading, read_questions(MANY), 4)]
    reading.model.forget()  # type: ignore[attr-defined]
    single = [done.record for done in answer_all(reading, read_questions(MANY))]
    assert timeless(list(map(json.loads, several))) == timeless(list(map(json.loads, single)))
    assert [json.loads(each)["id"] for each in several][-2:] == ["q13", "z"]


def test_each_works_with_a_model_of_its_own(reading: Assistant, monkeypatch: pytest.MonkeyPatch) -> None:
    at_work: list[Assistant] = []
    both = threading.Barrier(2, timeout=60)
    ask = Assistant.ask

    def waiting(assistant: Assistant, *arguments: Any, **options: Any) -> Answer:
        at_work.append(assistant)
        both.wait()
        return ask(assistant, *arguments, **options)

    monkeypatch.setattr(Assistant, "ask", waiting)
    assert len(list(answer_all(reading, read_questions(MANY[:2]), 4))) == 2
    one, other = at_work
    assert one.model is not other.model
    assert one.index() is other.index()


def test_with_one_thread_there_is_one_at_a_time(setting: Setting, shipped: tuple[Path, Path]) -> None:
    assistant = Assistant(Settings(corpus=setting.root, index_dir=setting.index_dir, threads=1), setting.embedder)
    with assistant.several(4) as assistants:
        assert assistants == [assistant]
    named = Settings(corpus=setting.root, index_dir=setting.index_dir, model="large.gguf", reader="copying")
    for one in (setting.assistant(), Assistant(named, setting.embedder, FakeModel(threads=4))):
        with one.several(4) as assistants:
            assert assistants == [one]


def test_few_questions_are_read_ahead_of_the_answers(reading: Assistant, monkeypatch: pytest.MonkeyPatch) -> None:
    taken, asked = 0, list[str]()
    ask = Assistant.ask

    def noted(assistant: Assistant, question: str, *arguments: Any, **options: Any) -> Answer:
        asked.append(question)
        return ask(assistant, question, *arguments, **options)

    def lines() -> Iterator[bytes]:
        nonlocal taken
        for each in MANY:
            taken += 1
            yield each

    answers = answer_all(reading, read_questions(lines()), 4)
    monkeypatch.setattr(Assistant, "ask", noted)
    next(answers)
    assert taken <= 6
    answers.close()  # a reader that has gone away: nothing is asked any more
    before = len(asked)
    time.sleep(0.5)
    assert len(asked) == before <= 6


def test_files_that_change_meanwhile_are_read_once(
    setting: Setting, monkeypatch: pytest.MonkeyPatch, answers: Path
) -> None:
    assistant = setting.assistant(threads=4)
    ask, updates, update, once = Assistant.ask, list[int](), build.update, threading.Lock()

    def adding(one: Assistant, question: str, *arguments: Any, **options: Any) -> Answer:
        with once:
            if not (path := setting.root / "d.txt").exists():
                path.write_text("La nadadora Rosa Gil ganó la copa de Teruel.", encoding="utf-8")
        return ask(one, question, *arguments, **options)

    def counted(*arguments: Any) -> Any:
        updates.append(1)
        return update(*arguments)

    assistant.prepare()
    monkeypatch.setattr(build, "update", counted)
    monkeypatch.setattr(Assistant, "ask", adding)
    run_batch(assistant, [line(question="¿Quién ganó la copa de Teruel?")] * 8, 8, answers)
    assert len(updates) == 1
    assert {record["answer"] for record in records(answers)} == {"La nadadora Rosa Gil ganó la copa de Teruel. [1]"}


def test_what_befalls_all_alike_stops_them_and_keeps_what_came_before(
    reading: Assistant, monkeypatch: pytest.MonkeyPatch, answers: Path
) -> None:
    ask = Assistant.ask

    def failing(assistant: Assistant, question: str, *arguments: Any, **options: Any) -> Answer:
        if question == TEAM:
            raise CorpusError("no folder", "a folder", "name one")
        return ask(assistant, question, *arguments, **options)

    monkeypatch.setattr(Assistant, "ask", failing)
    with pytest.raises(CorpusError):
        run_batch(reading, MANY, len(MANY), answers)
    assert [record["id"] for record in records(answers)] == ["a0", "a1", "a2"]


class Terminal(io.StringIO):
    """Standard error that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("total", "counted"), [(8, "2/8"), (None, "2/?")])
def test_a_terminal_shows_how_far_the_batch_is_and_how_fast(
    total: int | None, counted: str, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal()
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(sys, "stderr", terminal)
    bench.path.write_bytes(b"".join(each + b"\n" for each in bench.whole.split(b"\n")[:2]))
    run_batch(bench.assistant, BATCH, total, bench.path)
    shown = terminal.getvalue()
    assert "Answering" in shown
    assert counted in shown
    assert " a minute" in shown
    assert ", 2 from an earlier run, 1 of them failed\n" in shown


def test_nothing_but_the_summary_is_shown_where_there_is_no_terminal(bench: Bench, capsys: Captured) -> None:
    bench.path.unlink(missing_ok=True)
    bench.run()
    out, err = capsys.readouterr()
    assert (out, err.count("\n"), "Answering" in err) == ("", 1, False)

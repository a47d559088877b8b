"""Writing a question set word for word: what is typed at each prompt, what is shown, what stands in the file."""

import io
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput
from rich.console import Console

from eval import authoring
from eval.authoring import fed, run_authoring, typed, write_questions
from eval.drafting import answers_of, guessed_type, new_id
from eval.question_set import located, read_question_set, to_line
from eval.types import TYPES, UNANSWERABLE, Evidence, Question
from index.corpus import load
from index.types import Hit, Passage
from qa.answer import Assistant
from qa.errors import QuestionsError
from qa.settings import Settings
from tests.commands import with_package
from tests.fake_model import FakeModel
from tests.fakes import FakeEmbedder

BRIDGE = "La alcaldesa Marta Ruiz inauguró el puente.\nEl puente costó cinco millones."
BAKER = "El panadero abrió\x1b[31m su tienda."
WELCOME = "Each question is written as soon as it is complete. ? helps at every prompt, an empty line or Ctrl-D ends.\n"
FOUND = """\
1  puente.txt
  1a  La alcaldesa Marta Ruiz inauguró el puente.
  1b  El puente costó cinco millones.
"""
MAYOR = Question(
    "inauguro-puente", "dev", "person", "es", "¿Quién inauguró el puente?", True, (("Marta Ruiz",),),
    (Evidence("puente.txt", 10, 53, "La alcaldesa Marta Ruiz inauguró el puente."),),
)  # fmt: skip
WRITTEN = "Written: inauguro-puente (person, dev), «Marta Ruiz» in puente.txt:10-53\n"


class FakeFinder:
    """Finds the baker where the words say so, the bridge elsewhere, and nothing for «nada»."""

    def __init__(self) -> None:
        self.searched: list[str] = []
        self.files: Mapping[str, str] = {"b": "puente.txt", "h": "horno.txt"}

    def search(self, question: str) -> Sequence[Hit]:
        self.searched.append(question)
        bridge = Passage("b:10", "b", 10, 10 + len(BRIDGE), BRIDGE)
        baker = Passage("h:0", "h", 0, len(BAKER), BAKER, boilerplate=True)
        found = [] if "nada" in question else [bridge, baker] if "panadero" in question else [bridge]
        return [Hit(passage, 1.0, rank, "lexical") for rank, passage in enumerate(found, 1)]


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "set.jsonl"


def screen_of(output: io.StringIO, terminal: bool = False) -> Console:
    return Console(file=output, width=200, force_terminal=terminal, soft_wrap=True, _environ={})


def transcript(target: Path, *lines: str, finder: FakeFinder | None = None) -> str:
    """All that is shown while these lines are typed, without the welcome; then Ctrl-D."""
    output = io.StringIO()
    console = screen_of(output)
    write_questions(finder or FakeFinder(), fed(lines, console), console, target)
    return output.getvalue().removeprefix(WELCOME).replace(str(target), "FILE")


# --- whole dialogues


def test_one_question(target: Path) -> None:
    assert (
        transcript(target, "¿Quién inauguró el puente?", "1a", "Marta Ruiz", "", "", "")
        == f"""\
question> ¿Quién inauguró el puente?
{FOUND}sentences> 1a
  «La alcaldesa Marta Ruiz inauguró el puente.»
answer> Marta Ruiz
type [person]>
split [dev]>
{WRITTEN}question>
1 question written to FILE
"""
    )
    assert target.read_text(encoding="utf-8") == to_line(MAYOR) + "\n"


def test_other_words_sentences_of_two_searches_and_several_facts(target: Path) -> None:
    finder = FakeFinder()
    shown = transcript(
        target,
        "¿Qué costó el puente y qué abrió?",
        "/ panadero",
        "/panadero",
        "/",
        "2a, 1B 2a",
        "5 millones | cinco  millones + tienda",
        "list",
        "t",
        finder=finder,
    )
    assert (
        shown
        == f"""\
question> ¿Qué costó el puente y qué abrió?
{FOUND}sentences> / panadero
2  horno.txt  boilerplate
  2a  El panadero abrió\ufffd[31m su tienda.
sentences> /panadero
Nothing further is found.
sentences> /
Nothing further is found.
sentences> 2a, 1B 2a
  «El panadero abrió\ufffd[31m su tienda.»
  «El puente costó cinco millones.»
answer> 5 millones | cinco  millones + tienda
type [object]> list
split [dev]> t
Written: costo-puente-abrio (list, test), «5 millones | cinco millones + tienda» in horno.txt:0-33, puente.txt:54-85
1 question written to FILE
"""
    )
    (question,) = read_question_set(target)
    assert question.answers == (("5 millones", "cinco millones"), ("tienda",))
    assert question.evidence[0] == Evidence("horno.txt", 0, 33, BAKER)
    assert finder.searched == [question.question, "panadero", "panadero", question.question]


def test_no_article_answers(target: Path) -> None:
    assert (
        transcript(target, "¿Cuánto mide el puente?", "0", "x", "near", "test")
        == f"""\
question> ¿Cuánto mide el puente?
{FOUND}sentences> 0
No article answers this. Why not?
  near_miss      the articles speak of it, but do not say just this
  false_premise  the question takes something for true that is not so in the articles
  off_topic      the articles do not speak of it at all
  beyond_time    it lies before or after the time of the articles
why> x
No why x; expected one of near_miss, false_premise, off_topic, beyond_time.
why> near
split [dev]> test
Written: mide-puente (near_miss, test), no answer
1 question written to FILE
"""
    )
    assert read_question_set(target) == (
        Question(
            "mide-puente",
            "test",
            "near_miss",
            "es",
            "¿Cuánto mide el puente?",
            False,
            why_unanswerable="near_miss",
        ),
    )


def test_an_answer_that_the_evidence_does_not_hold(target: Path) -> None:
    assert (
        transcript(target, "¿Quién inauguró el puente?", "1a", "¿?", "Ana | Marta", "MARTA RUÍZ | Luz", "", "", "")
        == f"""\
question> ¿Quién inauguró el puente?
{FOUND}sentences> 1a
  «La alcaldesa Marta Ruiz inauguró el puente.»
answer> ¿?
No answer with a letter or digit in it; type it anew.
answer> Ana | Marta
Not in these sentences: «Ana». Enter keeps the answer; or type it anew.
answer> MARTA RUÍZ | Luz
Not in these sentences: «Luz». Enter keeps the answer; or type it anew.
answer>
type [person]>
split [dev]>
Written: inauguro-puente (person, dev), «MARTA RUÍZ | Luz» in puente.txt:10-53
1 question written to FILE
"""
    )
    assert read_question_set(target)[0].answers == (("MARTA RUÍZ", "Luz"),)


def test_help_at_every_prompt(target: Path) -> None:
    shown = transcript(target, "?", "¿Quién?", "?", "1a", "?", "Marta", "?", "", "?", "", "¿Y?", "0", "?", "")
    assert (
        shown
        == f"""\
question> ?
A question as a reader would ask it, best not in the words of the article. An empty line ends.
question> ¿Quién?
{FOUND}sentences> ?
1a 2c    the sentences that hold the answer, each by its label
/ words  search with other words; what was found before can still be named
0        no article answers this
An empty line drops the question.
sentences> 1a
  «La alcaldesa Marta Ruiz inauguró el puente.»
answer> ?
The fewest words that a right answer must have, as in: Marta Ruiz
 | between wordings of which one is enough, as in: 5 millones | cinco millones
 + between facts that must all be there, as in: Putin + Lavrov | canciller ruso
Case, accents and punctuation do not count.
answer> Marta
type [person]> ?
What is asked for, by its name or the beginning of it: {", ".join(TYPES)}.
type [person]>
split [dev]> ?
dev is for trying things out; test is only measured, and what is tuned must not have seen it.
split [dev]>
Written: question (person, dev), «Marta» in puente.txt:10-53
question> ¿Y?
{FOUND}sentences> 0
No article answers this. Why not?
{authoring._REASONS}
why> ?
Why there is no answer, by its name or the beginning of it:
{authoring._REASONS}
why>
Dropped.
1 question written to FILE
"""
    )


def test_what_no_prompt_takes(target: Path) -> None:
    long = "a" * 2001
    shown = transcript(target, "¿?", long, "¿Quién?", "9z 1a 1ñ", "0 1a", ",", "1a", "Marta", "p", "pe", "prod", "d")
    assert (
        shown
        == f"""\
question> ¿?
an empty question; expected a question in words
question> {long}
a question of 2001 characters; expected at most 2000
question> ¿Quién?
{FOUND}sentences> 9z 1a 1ñ
No sentence 9z 1ñ; expected labels such as 1a, or / words, or 0.
sentences> 0 1a
No sentence 0; expected labels such as 1a, or / words, or 0.
sentences> ,
No sentence ,; expected labels such as 1a, or / words, or 0.
sentences> 1a
  «La alcaldesa Marta Ruiz inauguró el puente.»
answer> Marta
type [person]> p
No type p; expected one of person, place, paraphrased.
type [person]> pe
split [dev]> prod
No split prod; expected one of dev, test.
split [dev]> d
Written: question (person, dev), «Marta» in puente.txt:10-53
1 question written to FILE
"""
    )


def test_questions_are_dropped_by_an_empty_line(target: Path) -> None:
    shown = transcript(target, "¿Quién?", "", "¿Quién?", "1a", "", "¿nada?", " ")
    assert shown.count("Dropped.\n") == 3
    assert shown.endswith("¿nada?\nNothing further is found.\nsentences>\nDropped.\n0 questions written to FILE\n")
    assert not target.exists()


# --- questions that are there already


def test_a_repeated_question_and_the_same_evidence_in_the_other_split(target: Path) -> None:
    target.write_text(to_line(MAYOR) + "\n", encoding="utf-8")
    assert (
        transcript(target, "quien inauguro el puente", "1a 1b", "la alcaldesa|marta ruiz", "", "", "dev")
        == f"""\
question> quien inauguro el puente
This is asked already in inauguro-puente; an empty line drops it.
{FOUND}sentences> 1a 1b
  «La alcaldesa Marta Ruiz inauguró el puente.»
  «El puente costó cinco millones.»
answer> la alcaldesa|marta ruiz
type [person]>
split [test]>
The same answer from the same sentence is asked for in inauguro-puente, which is in dev.
split [test]> dev
Written: inauguro-puente-2 (person, dev), «la alcaldesa | marta ruiz» in puente.txt:10-53, puente.txt:54-85
1 question written to FILE
"""
    )
    assert read_question_set(target)[0] == MAYOR


@pytest.mark.parametrize(
    ("sentence", "answer"),
    [("1b", "Marta Ruiz"), ("1a", "alcaldesa")],
)
def test_another_sentence_or_another_answer_is_no_twin(target: Path, sentence: str, answer: str) -> None:
    target.write_text(to_line(MAYOR) + "\n", encoding="utf-8")
    keep = [""] if sentence == "1b" else []  # the sentence does not hold the answer
    shown = transcript(target, "¿Quién habló?", sentence, answer, *keep, "", "")
    assert "split [test]>\nWritten: hablo (person, test)" in shown


def test_splits_alternate(target: Path) -> None:
    one = ("¿Quién inauguró el puente?", "0", "off", "")
    shown = transcript(target, *one, *one, *one)
    assert [question.split for question in read_question_set(target)] == ["dev", "test", "dev"]
    assert [question.id for question in read_question_set(target)] == [
        "inauguro-puente",
        "inauguro-puente-2",
        "inauguro-puente-3",
    ]
    assert shown.count("This is asked already") == 1 + 2


def test_what_another_writes_meanwhile_is_known(target: Path) -> None:
    output = io.StringIO()
    lines = iter(["¿Quién inauguró el puente?", "1a", "Marta Ruiz", "", "\n"])

    def ask(prompt: str) -> str:
        if prompt.startswith("split"):
            target.write_text(to_line(MAYOR) + "\n", encoding="utf-8")
        line = next(lines, None)
        if line is None:
            raise EOFError
        return line

    assert write_questions(FakeFinder(), ask, screen_of(output), target) == 1
    assert [question.id for question in read_question_set(target)] == ["inauguro-puente", "inauguro-puente-2"]


# --- the file


def test_a_cut_file_is_refused_before_anything_is_asked(target: Path) -> None:
    target.write_text(to_line(MAYOR)[:-20], encoding="utf-8")
    before, output = target.read_bytes(), io.StringIO()
    with pytest.raises(QuestionsError, match=r"the last line of .* is cut off"):
        write_questions(FakeFinder(), lambda prompt: pytest.fail(prompt), screen_of(output), target)
    assert (target.read_bytes(), output.getvalue()) == (before, "")


def test_an_interruption_leaves_whole_lines(target: Path) -> None:
    typed_lines = ["¿Quién inauguró el puente?", "1a", "Marta Ruiz", "", ""]
    for stop in range(len(typed_lines)):
        lines, output = iter([*typed_lines, *typed_lines[:stop]]), io.StringIO()

        def ask(prompt: str, lines=lines) -> str:
            line: str | None = next(lines, None)
            if line is None:
                raise KeyboardInterrupt
            return line

        target.unlink(missing_ok=True)
        with pytest.raises(KeyboardInterrupt):
            write_questions(FakeFinder(), ask, screen_of(output), target)
        assert read_question_set(target) == (MAYOR,)
        assert output.getvalue().endswith(f"1 question written to {target}\n")


KILLED = """
import io, os, signal, sys
from pathlib import Path
from rich.console import Console
from eval.authoring import write_questions
from tests.test_authoring import FakeFinder
lines = ["¿Quién inauguró el puente?", "1a", "Marta Ruiz", "", ""]
asked = 0
def ask(prompt):
    global asked
    asked += 1
    if asked > int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
    return lines[(asked - 1) % len(lines)]
write_questions(FakeFinder(), ask, Console(file=io.StringIO()), Path(sys.argv[1]))
"""


@pytest.mark.parametrize(("answered", "whole"), [(4, 0), (5, 1), (9, 1)])
def test_a_killed_run_leaves_whole_lines(target: Path, answered: int, whole: int) -> None:
    command = [sys.executable, "-c", KILLED, str(target), str(answered)]
    assert subprocess.run(command, env=with_package({}), timeout=60, check=False).returncode == -signal.SIGKILL
    assert (target.read_text(encoding="utf-8") if target.exists() else "") == (to_line(MAYOR) + "\n") * whole


# --- with an assistant


def test_offsets_are_those_of_the_articles_as_they_are_read(tmp_path: Path, target: Path) -> None:
    articles = {
        "utf8.txt": "Título ñandú\r\n\r\nLa alcaldesa abrió el café. El ñu huyó.\r\n".encode("utf-8-sig"),
        "viejo.txt": "El panadero Íñigo vendió anís.\r\n".encode("cp1252"),
    }
    (tmp_path / "articles").mkdir()
    for file, raw in articles.items():
        (tmp_path / "articles" / file).write_bytes(raw)
    assistant = Assistant(
        Settings(corpus=tmp_path / "articles", index_dir=tmp_path / "index"), FakeEmbedder(), FakeModel()
    )
    output = io.StringIO()
    console = screen_of(output, terminal=True)
    lines = ["¿Qué animal huyó?", "1c", "ñu", "", "", "¿Quién vendió anís?", "1a", "Íñigo", "", ""]
    assert write_questions(assistant, fed(lines, console), console, target) == 2
    questions = read_question_set(target)
    texts = {document.file: document.written for document in load(tmp_path / "articles").documents}
    assert located(questions, texts) == questions
    assert [question.evidence[0].quote for question in questions] == ["El ñu huyó.", "El panadero Íñigo vendió anís."]


def test_a_run_over_a_folder(tmp_path: Path, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(corpus=tmp_path / "articles", index_dir=tmp_path / "index")
    settings.corpus.mkdir()
    (settings.corpus / "puente.txt").write_text(BRIDGE, encoding="utf-8")
    monkeypatch.setattr(Assistant, "embedder", FakeEmbedder())
    monkeypatch.setattr(authoring, "at_terminal", lambda: False)
    monkeypatch.setattr(authoring, "standard_lines", lambda: iter(["¿Quién?\n", "1a\n", "Marta\n", "\n", "\n"]))
    assert run_authoring(settings, target) == 1
    assert read_question_set(target)[0].evidence[0].start == 0


@pytest.mark.parametrize("name", ["set.txt", "set", "deep/set.md"])
def test_the_set_must_not_become_an_article(tmp_path: Path, name: str) -> None:
    with pytest.raises(QuestionsError) as caught:
        run_authoring(Settings(corpus=tmp_path), tmp_path / name)
    assert str(caught.value) == (
        f"{tmp_path / name} would be read as an article of {tmp_path}; expected a file elsewhere, or one in .jsonl; "
        "name one with -o"
    )


def test_a_line_is_read_from_the_keyboard() -> None:
    with create_pipe_input() as keys, create_app_session(input=keys, output=DummyOutput()):
        ask = typed()
        keys.send_text("¿Quién?\r1a\r\x04")
        assert [ask("question> "), ask("sentences> ")] == ["¿Quién?", "1a"]
        with pytest.raises(EOFError):
            ask("answer> ")
        keys.send_text("Marta\x03")
        with pytest.raises(KeyboardInterrupt):
            ask("answer> ")


def test_marks_that_nobody_sees_are_left_out_of_what_is_typed(target: Path) -> None:
    transcript(target, "\ufeff¿Quién inauguró\u200e el puente?\udce9", "1a", "Marta\x07 Ruiz\ud800", "", "")
    assert read_question_set(target) == (MAYOR,)


# --- parts


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("¿Quién es?", "person"),
        ("¿A quiénes vio?", "person"),
        ("¿Dónde nació?", "place"),
        ("cuando fue", "date"),
        ("¿Cuántas armas?", "number"),
        ("¿Por qué se fue?", "why"),
        ("¿Cómo viajó?", "how"),
        ("¿Qué regaló en Seúl cuando llegó?", "object"),
        ("Según Peskov, ¿quién viajó a Pekín cuando acabó?", "person"),
        ("¿Viajó Putin?", "object"),
    ],
)
def test_types_are_guessed_from_the_interrogative(question: str, kind: str) -> None:
    assert guessed_type(question) == kind
    assert kind in TYPES


@pytest.mark.parametrize(
    ("line", "answers"),
    [
        ("a", (("a",),)),
        ("a|b | b", (("a", "b"),)),
        ("a + b | c +  d", (("a",), ("b", "c"), ("d",))),
        ("C++ | más+menos", (("C++", "más+menos"),)),
        ("| a + ¿? + b |", (("a",), ("b",))),
        ("|", ()),
    ],
)
def test_answers_as_they_are_typed(line: str, answers: tuple[tuple[str, ...], ...]) -> None:
    assert answers_of(line) == answers


def test_ids_are_made_of_content_words() -> None:
    assert new_id("¿Qué pidió Seúl al Consejo de Seguridad de la ONU?", []) == "pidio-seul-consejo-seguridad"
    assert new_id("¿Por qué?", ["question", "question-2"]) == "question-3"


def test_each_reason_is_explained() -> None:
    assert tuple(authoring._WHY) == UNANSWERABLE

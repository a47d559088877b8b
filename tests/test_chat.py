"""Conversations word for word, with fakes for both models: what is typed, what is shown for it and where."""

import hashlib
import io
import re
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import redirect_stderr
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from rich.console import Console

from index.errors import CorpusError
from qa.answer import Assistant
from qa.chat import Chat, Leave
from qa.errors import ModelError, QuestionError
from qa.model import Completion
from qa.session import Warming, feed, hold
from qa.settings import ReaderName, Settings
from tests.fake_model import FakeModel
from tests.fakes import FakeEmbedder

ARTICLES = {
    "final.txt": "El equipo de Teruel ganó la final de balonmano contra el de Soria.\n",
    "horno.txt": "El panadero Julián Ortega abrió su tienda en Cuenca en marzo de 2019.\n"
    "Vende pan de centeno y roscas de anís.\n",
    "puente.txt": "La alcaldesa Marta Ruiz inauguró el puente sobre el Júcar.\n"
    "El puente costó cuatro millones de euros.\n"
    "Los vecinos celebraron la apertura con música.\n",
}
BAKER = "¿Qué abrió el panadero Julián Ortega?"
BRIDGE = "¿Cuántos millones de euros costó el puente?"
BOTH = "¿Quién ganó la final de balonmano y cuánto costó el puente?"
SHOP = "«El panadero Julián Ortega abrió su tienda en Cuenca en marzo de 2019.» [1]\n[1] horno.txt:1\n"
COST = "«El puente costó cuatro millones de euros.» [1]\n[1] puente.txt:2\n"
HOSTILE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\u2066\u2028]")


class Conversation:
    """A chat about a folder of articles, and all that it shows."""

    def __init__(
        self,
        place: Path,
        articles: Mapping[str, str] = ARTICLES,
        reader: ReaderName = "auto",
        embedder: FakeEmbedder | None = None,
        model: FakeModel | None = None,
        terminal: bool = False,
        wait: Callable[[], None] = lambda: None,
    ) -> None:
        self.root = place / "articles"
        self.root.mkdir()
        for file, text in articles.items():
            self.write(file, text)
        self.screen = io.StringIO()
        console = Console(
            file=self.screen,
            width=200,
            force_terminal=terminal,
            color_system="standard" if terminal else None,
            highlight=False,
            markup=False,
            emoji=False,
            soft_wrap=True,
        )
        settings = Settings(corpus=self.root, index_dir=place / "index", reader=reader)
        self.assistant = Assistant(settings, embedder or FakeEmbedder(), model or FakeModel())
        self.chat = Chat(self.assistant, console, wait)

    def write(self, file: str, text: str) -> None:
        (self.root / file).write_text(text, encoding="utf-8", newline="")

    def said(self, *lines: str) -> str:
        """What is shown for each line, below the line after `> `; what goes to standard error follows after `! `."""
        shown = []
        for line in lines:
            output, errors = self.parted(line)
            complaints = "".join(f"! {each}\n" for each in errors.splitlines())
            shown.append(f"> {line}\n{output}{complaints}")
        return "".join(shown)

    def parted(self, *lines: str) -> tuple[str, str]:
        """What standard output and standard error get for some lines."""
        before, errors = len(self.screen.getvalue()), io.StringIO()
        with redirect_stderr(errors):
            assert feed(self.chat, lines) == 0
        return self.screen.getvalue()[before:], errors.getvalue()

    def held(self, *steps: str | type[BaseException]) -> tuple[int, str]:
        """The exit status and the errors of a chat at a keyboard where this is typed; all of it must be read."""
        waiting, errors = iter(steps), io.StringIO()

        def read() -> str:
            step = next(waiting)
            if isinstance(step, str):
                return step
            raise step

        with redirect_stderr(errors):
            status = hold(self.chat, read)
        assert list(waiting) == []
        return status, errors.getvalue()


@pytest.fixture
def conversation(tmp_path: Path) -> Conversation:
    return Conversation(tmp_path)


def without_figures(text: str) -> str:
    return re.sub(r" +-?\d+\.\d+", " #", text)


# --- whole conversations


def test_questions_follow_ups_a_change_of_subject_and_a_refusal(conversation: Conversation) -> None:
    assert (
        conversation.said(
            "¿Quién inauguró el puente sobre el Júcar?",
            "¿Y cuánto costó?",
            BAKER,
            "¿Y cuándo?",
            "¿Qué equipo ganó la final de balonmano?",
            "¿Contra quién?",
            "¿Qué temperatura alcanza la corona solar?",
        )
        == """\
> ¿Quién inauguró el puente sobre el Júcar?
«La alcaldesa Marta Ruiz inauguró el puente sobre el Júcar.» [1]
[1] puente.txt:1
> ¿Y cuánto costó?
«El puente costó cuatro millones de euros.» [1]
[1] puente.txt:2
> ¿Qué abrió el panadero Julián Ortega?
«El panadero Julián Ortega abrió su tienda en Cuenca en marzo de 2019.» [1]
[1] horno.txt:1
> ¿Y cuándo?
¿Y cuándo? (abrió el panadero Julián Ortega)
«El panadero Julián Ortega abrió su tienda en Cuenca en marzo de 2019.» [1]
[1] horno.txt:1
> ¿Qué equipo ganó la final de balonmano?
«El equipo de Teruel ganó la final de balonmano contra el de Soria.» [1]
[1] final.txt:1
> ¿Contra quién?
¿Contra quién? (equipo ganó la final de balonmano)
«El equipo de Teruel ganó la final de balonmano contra el de Soria.» [1]
[1] final.txt:1
> ¿Qué temperatura alcanza la corona solar?
No consta.
Ningún pasaje de los artículos trata de esto.
Lo más cercano:
  puente.txt «La alcaldesa Marta Ruiz inauguró el puente sobre el Júcar. El puente costó cuatro millones de euros. \
Los vecinos celebraron la apertura con música.»
  final.txt «El equipo de Teruel ganó la final de balonmano contra el de Soria.»
  horno.txt «El panadero Julián Ortega abrió su tienda en Cuenca en marzo de 2019. Vende pan de centeno y roscas de \
anís.»
"""
    )


def test_two_questions_in_one_line_a_greeting_and_an_overview(conversation: Conversation) -> None:
    assert (
        conversation.said(BOTH, "¿Qué abrió el panadero Julián Ortega y cuándo?", "hola", "resume el artículo 1")
        == """\
> ¿Quién ganó la final de balonmano y cuánto costó el puente?
«El equipo de Teruel ganó la final de balonmano contra el de Soria.» [1]
«El puente costó cuatro millones de euros.» [2]
[1] final.txt:1
[2] puente.txt:2
> ¿Qué abrió el panadero Julián Ortega y cuándo?
¿cuándo? (abrió el panadero Julián Ortega)
«El panadero Julián Ortega abrió su tienda en Cuenca en marzo de 2019.» [1]
[1] horno.txt:1
> hola
Hola. Pregunte algo que puedan decir los artículos, o pida «resume el artículo 1».
> resume el artículo 1
Resumen de final.txt
«El equipo de Teruel ganó la final de balonmano contra el de Soria.» [1]
[1] final.txt:1
"""
    )


def test_notices_go_to_standard_error(conversation: Conversation) -> None:
    output, errors = conversation.parted("¿Qué hizo Julián Ortega en 1987?")
    assert output.startswith("No consta.\nLa pregunta se sale de las fechas de los artículos.\nLo más cercano:\n")
    assert errors == "qa: no article mentions 1987\n"


def test_empty_lines_say_nothing(conversation: Conversation) -> None:
    assert conversation.parted("", " ", "\t\n", "\n") == ("", "")
    assert conversation.chat.answers == []


def test_lines_that_are_no_questions_are_turned_down_and_not_remembered(conversation: Conversation) -> None:
    assert (
        conversation.said(BAKER, "¿?", "a" * 2001, "\udce9 vende", "¿Y cuándo?")
        == f"""\
> ¿Qué abrió el panadero Julián Ortega?
{SHOP}> ¿?
! qa: an empty question; expected a question in words; ask one, for example: qa ask "¿Quién es Peskov?"
> {"a" * 2001}
! qa: a question of 2001 characters; expected at most 2000; shorten it
> \udce9 vende
! qa: a question that is not text; expected a question in UTF-8; convert it first
> ¿Y cuándo?
¿Y cuándo? (abrió el panadero Julián Ortega)
{SHOP}"""
    )
    assert [answer.question for answer in conversation.chat.answers] == [BAKER, "¿Y cuándo?"]
    assert [answer.id for answer in conversation.chat.answers] == ["q1", "q2"]


def test_several_lines_are_one_question(conversation: Conversation) -> None:
    with redirect_stderr(io.StringIO()):
        conversation.chat.respond("¿Cuántos millones\n  de euros\ncostó el puente?")
    assert conversation.screen.getvalue() == COST
    assert conversation.chat.answers[0].question == BRIDGE


def test_a_new_article_is_found_by_the_next_question(conversation: Conversation) -> None:
    conversation.said(BRIDGE)
    conversation.write("faro.txt", "El gato del farero de Finisterre se llama Trueno.\n")
    assert conversation.parted("¿Cómo se llama el gato del farero?")[0] == (
        "«El gato del farero de Finisterre se llama Trueno.» [1]\n[1] faro.txt:1\n"
    )


# --- commands


def test_help_lists_every_command(conversation: Conversation) -> None:
    help_text = """\
/help         show this
/sources [n]  show the passage of each citation, or of citation n
/why          show what was retrieved, scored and turned down for the last answer
/articles     list the articles
/reset        forget what was said
/save FILE    write the conversation to a new Markdown file
/quit         leave
Anything else is a question. Alt-Enter begins a new line, Ctrl-R searches earlier ones.
"""
    assert conversation.said("/help", "  /?  ") == f"> /help\n{help_text}>   /?  \n{help_text}"
    listed = re.findall(r"^(/\w+)", help_text, re.MULTILINE)
    assert list(conversation.chat.commands) == listed


def test_articles_are_listed_with_their_numbers(conversation: Conversation) -> None:
    conversation.write("largo.md", "Título\n\n" + "palabra " * 40)
    assert (
        conversation.said("/articles")
        == """\
> /articles
  1. final.txt  El equipo de Teruel ganó la final de balonmano contra el de Soria.
  2. horno.txt  El panadero Julián Ortega abrió su tienda en Cuenca en marzo de 2019. Vende pan …
  3. largo.md  Título palabra palabra palabra palabra palabra palabra palabra palabra palabra …
  4. puente.txt  La alcaldesa Marta Ruiz inauguró el puente sobre el Júcar. El puente costó …
"""
    )


def test_sources_show_whole_passages_with_the_quotation_highlighted(conversation: Conversation) -> None:
    conversation.said(BOTH)
    team = """\
[1] final.txt, line 1
   1  >>El equipo de Teruel ganó la final de balonmano contra el de Soria.<<
"""
    bridge = """\
[2] puente.txt, lines 1 to 3
   1  La alcaldesa Marta Ruiz inauguró el puente sobre el Júcar.
   2  >>El puente costó cuatro millones de euros.<<
   3  Los vecinos celebraron la apertura con música.
"""
    assert conversation.parted("/sources") == (team + bridge, "")
    assert conversation.parted("/sources 2") == (bridge, "")
    assert conversation.parted("/sources\t 1 ") == (team, "")


@pytest.mark.parametrize("argument", ["3", "0", "-1", "01", "[1]", "uno", "1 2"])
def test_sources_of_no_citation_are_turned_down(conversation: Conversation, argument: str) -> None:
    conversation.said(BOTH)
    message = f"qa: no citation {argument} in the last answer; expected one of 1, 2; name one of these\n"
    assert conversation.parted(f"/sources {argument}") == ("", message)


def test_sources_need_an_answer_with_citations(conversation: Conversation) -> None:
    none = "qa: no citation in the last answer; expected an answer with citations; ask a question first\n"
    assert conversation.parted("/sources") == ("", "qa: no answer yet; expected a question before it; ask one\n")
    second = none.replace("citation in", "citation 1 in")
    assert conversation.parted("hola", "/sources", "/sources 1")[1] == none + second


def test_sources_of_an_article_that_changed_are_not_shown(conversation: Conversation) -> None:
    conversation.said(BOTH)
    conversation.write("puente.txt", ARTICLES["puente.txt"].replace("cuatro", "quince"))
    message = "qa: puente.txt has changed since; expected the article that was cited; ask again\n"
    assert conversation.parted("/sources 2") == ("", message)
    output, errors = conversation.parted("/sources")
    assert (output.splitlines()[0], errors) == ("[1] final.txt, line 1", message)
    (conversation.root / "puente.txt").unlink()
    assert conversation.parted("/sources 2") == ("", message)
    conversation.write("puente.txt", ARTICLES["puente.txt"])
    assert conversation.parted("/sources 2")[1] == ""


def test_why_shows_what_was_found_and_what_the_answer_was_taken_from(conversation: Conversation) -> None:
    assert (
        without_figures(conversation.said(BAKER, "¿Y cuándo?", "/why", "hola", "/why"))
        == f"""\
> ¿Qué abrió el panadero Julián Ortega?
{SHOP}> ¿Y cuándo?
¿Y cuándo? (abrió el panadero Julián Ortega)
{SHOP}> /why
question   ¿Y cuándo?
understood ¿Y cuándo? (abrió el panadero Julián Ortega)
confidence #
model      fake.gguf 000000000000 copying
seconds    search #, read #, total #
retrieved
  1. #  lexical+dense  horno.txt:0-108
  2. #  lexical+dense  puente.txt:0-147
  3. #  dense          final.txt:0-66
> hola
Hola. Pregunte algo que puedan decir los artículos, o pida «resume el artículo 1».
> /why
question   hola
model      fake.gguf 000000000000 copying
seconds    search #, read #, total #
nothing was retrieved
"""
    )


def test_why_says_why_nothing_was_answered(conversation: Conversation) -> None:
    conversation.said("¿Qué hizo Julián Ortega en 1987?")
    lines = conversation.parted("/why")[0].splitlines()
    assert lines[:3] == [
        "question   ¿Qué hizo Julián Ortega en 1987?",
        "confidence 0.00",
        "refused    outside_dates",
    ]


def test_why_names_articles_as_they_were(conversation: Conversation) -> None:
    conversation.said(BAKER)
    for file in ARTICLES:
        conversation.write(file, "Otra cosa.\n")
    places = re.findall(r"  ([\w.]+):\d+-\d+$", conversation.parted("/why")[0], re.MULTILINE)
    assert sorted(places) == sorted(ARTICLES)


def test_why_needs_an_answer(conversation: Conversation) -> None:
    assert conversation.parted("/why") == ("", "qa: no answer yet; expected a question before it; ask one\n")


def test_reset_forgets_what_a_follow_up_would_lean_on(conversation: Conversation) -> None:
    assert conversation.said(BAKER, "/reset") == f"> {BAKER}\n{SHOP}> /reset\nWhat was said is forgotten.\n"
    output, errors = conversation.parted("¿Y cuándo?")
    assert output.startswith("No consta.\n")
    assert conversation.chat.answers[-1].understood is None
    assert errors == ""


def test_an_unknown_command_names_those_there_are(conversation: Conversation) -> None:
    known = "expected one of /help, /sources, /why, /articles, /reset, /save, /quit; see /help"
    assert (
        conversation.said("/nada", "/", "/SOURCES 1", "/helpme", "/save\u00a0x y")
        == f"""\
> /nada
! qa: no command /nada; {known}
> /
! qa: no command /; {known}
> /SOURCES 1
! qa: no command /SOURCES; {known}
> /helpme
! qa: no command /helpme; {known}
> /save\u00a0x y
! qa: nothing to save; expected /save FILE after a question; try again
"""
    )
    assert conversation.chat.answers == []


@pytest.mark.parametrize("line", ["/quit", "/exit", " /quit now "])
def test_quit_ends_the_conversation(conversation: Conversation, line: str) -> None:
    with pytest.raises(Leave):
        conversation.chat.respond(line)
    lines = iter([line, BAKER])
    assert feed(conversation.chat, lines) == 0
    assert list(lines) == [BAKER]
    assert conversation.screen.getvalue() == ""


# --- /save


def digest(file: str) -> str:
    return hashlib.sha256(ARTICLES[file].encode()).hexdigest()


def test_a_conversation_is_saved_as_markdown(conversation: Conversation, tmp_path: Path) -> None:
    target = tmp_path / "charla.md"
    conversation.said(BAKER, "¿Y cuándo?", "¿Qué es un *volcán*?", BOTH)
    assert conversation.parted(f"/save {target}") == (f"4 answers written to {target}\n", "")
    shop = f"""\
El panadero Julián Ortega abrió su tienda en Cuenca en marzo de 2019. \\[1\\]

> «El panadero Julián Ortega abrió su tienda en Cuenca en marzo de 2019.»
>
> \\[1\\] horno.txt, line 1, characters 0 to 69, SHA-256 `{digest("horno.txt")}`
"""
    assert (
        target.read_text(encoding="utf-8")
        == f"""\
# Consta

## ¿Qué abrió el panadero Julián Ortega?

{shop}
## ¿Y cuándo?

*¿Y cuándo? (abrió el panadero Julián Ortega)*

{shop}
## ¿Qué es un \\*volcán\\*?

No consta.

## ¿Quién ganó la final de balonmano y cuánto costó el puente?

El equipo de Teruel ganó la final de balonmano contra el de Soria. \\[1\\] · El puente costó cuatro millones de euros. \
\\[2\\]

> «El equipo de Teruel ganó la final de balonmano contra el de Soria.»
>
> \\[1\\] final.txt, line 1, characters 0 to 66, SHA-256 `{digest("final.txt")}`

> «El puente costó cuatro millones de euros.»
>
> \\[2\\] puente.txt, line 2, characters 59 to 100, SHA-256 `{digest("puente.txt")}`
"""
    )


def test_a_file_that_is_there_is_not_overwritten(conversation: Conversation, tmp_path: Path) -> None:
    target = tmp_path / "mío.md"
    target.write_text("mío")
    conversation.said(BAKER)
    message = f"qa: {target} is there already; expected a new file; name another\n"
    assert conversation.parted(f"/save {target}") == ("", message)
    assert target.read_text() == "mío"
    message = f"qa: {tmp_path} is there already; expected a new file; name another\n"
    assert conversation.parted(f"/save {tmp_path}") == ("", message)


def test_a_link_to_nowhere_is_not_followed(conversation: Conversation, tmp_path: Path) -> None:
    (tmp_path / "link.md").symlink_to(tmp_path / "elsewhere.md")
    conversation.said(BAKER)
    assert conversation.parted(f"/save {tmp_path / 'link.md'}")[1].startswith(f"qa: {tmp_path}/link.md is there alr")
    assert not (tmp_path / "elsewhere.md").exists()


@pytest.mark.parametrize("name", ["missing/a.md", "final.txt/a.md", "a\0b.md", "x" * 300])
def test_a_file_that_cannot_be_written_is_told(conversation: Conversation, name: str) -> None:
    conversation.said(BAKER)
    output, errors = conversation.parted(f"/save {conversation.root / name}")
    assert output == ""
    assert " cannot be written (" in errors
    assert errors.endswith("; expected a writable folder; name another\n")
    assert errors.count("\n") == 1


def test_the_home_of_nobody_is_told(conversation: Conversation) -> None:
    conversation.said(BAKER)
    message = (
        "qa: ~nobody-of-that-name/a.md cannot be written (Could not determine home directory.); "
        "expected a writable folder; name another\n"
    )
    assert conversation.parted("/save ~nobody-of-that-name/a.md") == ("", message)


def test_saving_needs_a_file_and_an_answer(conversation: Conversation, tmp_path: Path) -> None:
    nothing = "qa: nothing to save; expected /save FILE after a question; try again\n"
    no_file = "qa: no file to save to; expected /save FILE after a question; try again\n"
    assert conversation.parted(f"/save {tmp_path / 'a.md'}", "/save") == ("", nothing * 2)
    assert not (tmp_path / "a.md").exists()
    conversation.said(BAKER)
    assert conversation.parted("/save", "/save   ") == ("", no_file * 2)


def test_names_with_spaces_and_the_home_folder_are_understood(
    conversation: Conversation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    conversation.said(BAKER)
    assert conversation.parted("/save ~/mi charla.md")[0] == f"1 answer written to {tmp_path}/mi charla.md\n"
    assert (tmp_path / "mi charla.md").read_text(encoding="utf-8").startswith("# Consta\n\n## ¿Qué abrió")


# --- a reader that composes


def composing(place: Path, *completions: str) -> Conversation:
    return Conversation(place, reader="composing", model=FakeModel(completions=completions))


INAUGURATED = "Marta Ruiz inauguró el puente [1]"
INVENTED = "El puente costó ochenta millones de dólares en Londres [1]"
COSTED = "El puente costó cuatro millones [1]"


def test_composed_statements_come_once_in_order_and_an_unproven_one_never(tmp_path: Path) -> None:
    conversation = composing(tmp_path, f"{INAUGURATED} {INVENTED} {COSTED}")
    assert (
        without_figures(conversation.said(BRIDGE, "/why"))
        == """\
> ¿Cuántos millones de euros costó el puente?
Marta Ruiz inauguró el puente [1]
El puente costó cuatro millones [2]
[1] puente.txt:1 «La alcaldesa Marta Ruiz inauguró el puente sobre el Júcar.»
[2] puente.txt:2 «El puente costó cuatro millones de euros.»
> /why
question   ¿Cuántos millones de euros costó el puente?
confidence #
model      fake.gguf 000000000000 composing
seconds    search #, read #, total #
retrieved
  1. #  lexical+dense  puente.txt:0-147
  2. #  dense          horno.txt:0-108
  3. #  dense          final.txt:0-66
rejected   El puente costó ochenta millones de dólares en Londres (not in the cited text: 80000000, londres)
"""
    )


def test_what_is_composed_without_proof_is_replaced_by_a_quotation(tmp_path: Path) -> None:
    assert composing(tmp_path, INVENTED).said(BRIDGE) == f"> {BRIDGE}\n{COST}"


def test_a_composed_statement_that_is_a_quotation_is_shown_once(tmp_path: Path) -> None:
    conversation = composing(tmp_path, f"El puente costó cuatro millones de euros. [1] {INAUGURATED} {INAUGURATED}")
    shown = conversation.parted(BRIDGE)[0]
    assert shown.count("costó cuatro millones de euros") == 1
    assert shown.splitlines()[-3:] == [
        "Marta Ruiz inauguró el puente [2]",
        "[1] puente.txt:2",
        "[2] puente.txt:1 «La alcaldesa Marta Ruiz inauguró el puente sobre el Júcar.»",
    ]


def test_a_composing_model_completes_follow_ups_itself(tmp_path: Path) -> None:
    conversation = composing(
        tmp_path,
        INAUGURATED,
        "¿Cuánto costó el puente que inauguró Marta Ruiz?",
        COSTED,
    )
    assert (
        conversation.said("¿Quién inauguró el puente?", "¿Y cuánto le costó?")
        == """\
> ¿Quién inauguró el puente?
Marta Ruiz inauguró el puente [1]
[1] puente.txt:1 «La alcaldesa Marta Ruiz inauguró el puente sobre el Júcar.»
> ¿Y cuánto le costó?
¿Cuánto costó el puente que inauguró Marta Ruiz?
El puente costó cuatro millones [1]
[1] puente.txt:2 «El puente costó cuatro millones de euros.»
"""
    )


class WatchingModel(FakeModel):
    """Notes what is on the screen while it writes, and while it scores."""

    screen = io.StringIO()

    def __init__(self, *completions: str) -> None:
        super().__init__(completions=completions)
        self.seen: dict[str, str] = {}

    def complete(
        self, tokens: Sequence[int], grammar: str, max_tokens: int, grown: Callable[[str], None] | None = None
    ) -> Completion:
        def watched(text: str) -> None:
            assert grown is not None
            grown(text)
            self.seen[text] = self.screen.getvalue()

        return super().complete(tokens, grammar, max_tokens, watched)

    def score_many(self, prefixes: Sequence[Sequence[int]], continuation: Sequence[int]) -> list[float]:
        self.seen["scoring"] = self.screen.getvalue()
        return super().score_many(prefixes, continuation)


def test_a_composed_statement_is_shown_as_soon_as_the_next_one_begins(tmp_path: Path) -> None:
    model = WatchingModel(f"{INVENTED} {INAUGURATED} {COSTED}")
    conversation = Conversation(tmp_path, reader="composing", model=model)
    model.screen = conversation.screen
    conversation.said(BRIDGE)
    first = f"{INVENTED} {INAUGURATED}"
    assert {shown for text, shown in model.seen.items() if first.startswith(text)} == {""}
    after = {shown for text, shown in model.seen.items() if text.startswith(f"{first} ")}
    assert after == {"Marta Ruiz inauguró el puente [1]\n"}
    assert conversation.screen.getvalue().startswith(
        "Marta Ruiz inauguró el puente [1]\nEl puente costó cuatro millones [2]\n[1] puente.txt:1 «"
    )


def test_a_copied_answer_is_shown_when_it_is_complete(tmp_path: Path) -> None:
    model = WatchingModel()
    costs = "El puente de Soria costó {} millones de euros.\n"
    conversation = Conversation(tmp_path, {"a.txt": costs.format("dos"), "b.txt": costs.format("seis")}, model=model)
    model.screen = conversation.screen
    assert "millones de euros.» [1]\n" in conversation.said("¿Cuántos millones costó el puente de Soria?")
    assert model.seen == {"scoring": ""}


# --- a keyboard


class InterruptedEmbedder(FakeEmbedder):
    """Ctrl-C is pressed while it works on a text that asks for «temperatura»."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if any("temperatura" in text for text in texts):
            raise KeyboardInterrupt
        return super().encode(texts)


SLOW = "¿Qué temperatura alcanza la corona solar?"
STOPPED = "qa: stopped; Ctrl-C again or Ctrl-D leaves\n"


@pytest.mark.parametrize(
    ("steps", "status", "errors"),
    [
        ([EOFError], 0, ""),
        (["/quit"], 0, ""),
        (["/exit"], 0, ""),
        ([KeyboardInterrupt, KeyboardInterrupt], 130, STOPPED),
        ([KeyboardInterrupt, EOFError], 0, STOPPED),
        ([KeyboardInterrupt, "/quit"], 0, STOPPED),
        ([KeyboardInterrupt, "/reset", KeyboardInterrupt, KeyboardInterrupt], 130, STOPPED * 2),
        ([KeyboardInterrupt, "hola", KeyboardInterrupt, EOFError], 0, STOPPED * 2),
        ([KeyboardInterrupt, " ", KeyboardInterrupt], 130, STOPPED),
        ([SLOW, KeyboardInterrupt], 130, STOPPED),
        ([SLOW, EOFError], 0, STOPPED),
        ([SLOW, "hola", SLOW, EOFError], 0, STOPPED * 2),
        ([SLOW, SLOW, KeyboardInterrupt], 130, STOPPED * 2),
        ([KeyboardInterrupt, SLOW, KeyboardInterrupt], 130, STOPPED * 2),
    ],
)
def test_a_second_interruption_in_a_row_leaves_with_130_and_the_end_of_input_with_0(
    tmp_path: Path, steps: list[str | type[BaseException]], status: int, errors: str
) -> None:
    conversation = Conversation(tmp_path, embedder=InterruptedEmbedder())
    assert conversation.held(*steps) == (status, errors)


def test_a_mistake_between_two_interruptions_resets_them(conversation: Conversation) -> None:
    status, errors = conversation.held(KeyboardInterrupt, "/nada", KeyboardInterrupt, EOFError)
    assert status == 0
    assert [line.split(";")[0] for line in errors.splitlines()] == [
        "qa: stopped",
        "qa: no command /nada",
        "qa: stopped",
    ]


def test_an_interrupted_answer_is_forgotten_and_what_was_said_before_is_not(tmp_path: Path) -> None:
    conversation = Conversation(tmp_path, embedder=InterruptedEmbedder())
    assert conversation.held(BAKER, SLOW, "¿Y cuándo?", EOFError) == (0, STOPPED)
    assert conversation.screen.getvalue() == f"{SHOP}¿Y cuándo? (abrió el panadero Julián Ortega)\n{SHOP}"
    assert [answer.question for answer in conversation.chat.answers] == [BAKER, "¿Y cuándo?"]


class InterruptedModel(FakeModel):
    """Ctrl-C is pressed when it has written a text."""

    def complete(
        self, tokens: Sequence[int], grammar: str, max_tokens: int, grown: Callable[[str], None] | None = None
    ) -> Completion:
        super().complete(tokens, grammar, max_tokens, grown)
        raise KeyboardInterrupt


def test_an_interrupted_composed_answer_keeps_what_was_shown_and_no_more(tmp_path: Path) -> None:
    model = InterruptedModel(completions=[f"{INAUGURATED} {COSTED}"])
    conversation = Conversation(tmp_path, reader="composing", model=model)
    status, errors = conversation.held(BRIDGE, "/why", EOFError)
    assert conversation.screen.getvalue() == "Marta Ruiz inauguró el puente [1]\n"
    assert (status, errors) == (0, f"{STOPPED}qa: no answer yet; expected a question before it; ask one\n")


def test_waiting_for_the_models_can_be_interrupted(tmp_path: Path) -> None:
    waits = iter([KeyboardInterrupt(), None])

    def wait() -> None:
        step = next(waits)
        if step:
            raise step

    conversation = Conversation(tmp_path, wait=wait)
    assert conversation.held("/articles", BAKER, "/help", BAKER, EOFError) == (0, STOPPED)
    assert conversation.screen.getvalue().endswith(SHOP)
    assert next(waits, "all used") == "all used"


# --- a pipe


def test_each_line_of_a_pipe_is_answered_before_the_next_is_read(conversation: Conversation) -> None:
    seen: list[str] = []

    def lines() -> Iterator[str]:
        for line in (BAKER, "¿Y cuándo?\n", ""):
            yield line
            seen.append(conversation.screen.getvalue())

    assert feed(conversation.chat, lines()) == 0
    assert seen == [SHOP, f"{SHOP}¿Y cuándo? (abrió el panadero Julián Ortega)\n{SHOP}", seen[1]]


def test_a_fault_in_one_line_does_not_keep_the_next_from_an_answer(conversation: Conversation) -> None:
    output, errors = conversation.parted("/nada", "¿?", BAKER, "/sources 7", BRIDGE)
    assert output == SHOP + COST
    assert [line.split(";")[0] for line in errors.splitlines()] == [
        "qa: no command /nada",
        "qa: an empty question",
        "qa: no citation 7 in the last answer",
    ]


def test_an_interruption_of_a_pipe_is_not_swallowed(tmp_path: Path) -> None:
    conversation = Conversation(tmp_path, embedder=InterruptedEmbedder())
    with pytest.raises(KeyboardInterrupt):
        feed(conversation.chat, [SLOW, BAKER])


# --- faults of the folder


def test_a_folder_that_is_gone_is_told_and_the_session_goes_on(conversation: Conversation) -> None:
    conversation.said(BAKER)
    moved = conversation.root.rename(conversation.root.with_name("moved"))
    gone = f"qa: no folder '{conversation.root}'; expected a folder of articles; name one with --corpus\n"
    assert conversation.parted(BRIDGE, "/articles", "/sources") == ("", gone * 3)
    assert conversation.parted("/why")[1] == ""
    moved.rename(conversation.root)
    assert conversation.parted(BRIDGE) == (COST, "")


class MeddlingEmbedder(FakeEmbedder):
    """An article is written anew while it works on a question."""

    article: Path | None = None

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if self.article is not None and len(texts) == 1:
            article, self.article = self.article, None
            article.write_text("Otra cosa.\n", encoding="utf-8")
        return super().encode(texts)


def test_an_article_that_changes_under_a_question_is_still_named_in_a_refusal(tmp_path: Path) -> None:
    embedder = MeddlingEmbedder()
    conversation = Conversation(tmp_path, embedder=embedder)
    conversation.said(BAKER)
    embedder.article = conversation.root / "puente.txt"
    output, errors = conversation.parted(SLOW)
    assert output.startswith("No consta.\n")
    assert "\n  puente.txt «La alcaldesa Marta Ruiz inauguró" in output
    assert errors == ""


def test_an_article_that_changes_under_a_question_is_not_quoted(tmp_path: Path) -> None:
    embedder = MeddlingEmbedder()
    conversation = Conversation(tmp_path, embedder=embedder)
    conversation.said(BAKER)
    embedder.article = conversation.root / "puente.txt"
    message = "qa: puente.txt changed while it was read; expected a file at rest; ask again\n"
    assert conversation.parted(BRIDGE) == ("", message)
    assert len(conversation.chat.answers) == 1


# --- a terminal


def test_a_terminal_gets_an_empty_line_after_each_response_and_a_sign_of_reading(tmp_path: Path) -> None:
    conversation = Conversation(tmp_path, terminal=True)
    shown = conversation.parted("/reset")[0]
    assert shown == "What was said is forgotten.\n\n"
    assert conversation.parted("")[0] == ""
    shown = conversation.parted(BAKER)[0]
    assert "reading" in shown
    assert "\x1b[1m«El panadero Julián Ortega abrió su tienda en Cuenca en marzo de 2019.» [1]\x1b[0m\n" in shown
    assert shown.endswith("\n\n")


def test_a_terminal_gets_the_quotation_highlighted(tmp_path: Path) -> None:
    conversation = Conversation(tmp_path, terminal=True)
    conversation.parted(BRIDGE)
    lines = conversation.parted("/sources")[0].splitlines()
    assert lines[1:4] == [
        "\x1b[2m   1  \x1b[0mLa alcaldesa Marta Ruiz inauguró el puente sobre el Júcar.",
        "\x1b[2m   2  \x1b[0m\x1b[1;7mEl puente costó cuatro millones de euros.\x1b[0m",
        "\x1b[2m   3  \x1b[0mLos vecinos celebraron la apertura con música.",
    ]


# --- what articles, names and lines must not do to a terminal


def test_control_characters_never_reach_the_output(tmp_path: Path) -> None:
    evil = "\x1b]0;malo\x07 \x1b[31m\x9b2J\u202e\x08\u2066\u2028"
    conversation = Conversation(
        tmp_path,
        {
            "olmo\u202etxt.md": f"El alcalde {evil} de Vinuesa plantó un olmo en la plaza.\nEl olmo{evil} es alto.\r\n",
            "horno.txt": ARTICLES["horno.txt"],
        },
    )
    lines = [
        f"¿Qué plantó el alcalde {evil} de Vinuesa?",
        "/sources",
        f"/sources {evil}",
        "/why",
        f"¿Y {evil} cuándo?",
        "/why",
        "/articles",
        f"/nada{evil}",
        f"/save {tmp_path}/a{evil}.md",
        f"/save {tmp_path}/a{evil}.md",
        f"/save {tmp_path}/none/{evil}.md",
        "resume el artículo 2",
    ]
    output, errors = conversation.parted(*lines)
    assert output.count("plantó un olmo en la plaza") >= 5
    assert " written to" in output
    starts = ["qa: no citation \ufffd]0;malo\ufffd ", "qa: no command /nada\ufffd]0;", *[f"qa: {tmp_path}/"] * 2]
    assert [line[: len(start)] for line, start in zip(errors.splitlines(), starts, strict=True)] == starts
    assert HOSTILE.findall(output + errors) == []
    (saved,) = tmp_path.glob("*.md")
    assert HOSTILE.findall(saved.read_text(encoding="utf-8")) == []


def test_brackets_of_an_article_or_a_line_are_no_markup(tmp_path: Path) -> None:
    conversation = Conversation(tmp_path, {"a.txt": "El alcalde de Vinuesa plantó un [red]olmo[/red] :smile: ayer.\n"})
    assert (
        conversation.said("¿Qué plantó el alcalde de Vinuesa?", "/sources", f"/save {tmp_path}/[bold]x.md")
        == f"""\
> ¿Qué plantó el alcalde de Vinuesa?
«El alcalde de Vinuesa plantó un [red]olmo[/red] :smile: ayer.» [1]
[1] a.txt:1
> /sources
[1] a.txt, line 1
   1  >>El alcalde de Vinuesa plantó un [red]olmo[/red] :smile: ayer.<<
> /save {tmp_path}/[bold]x.md
1 answer written to {tmp_path}/[bold]x.md
"""
    )


# --- loading while the user types


class GatedAssistant(Assistant):
    """Loads until a gate is opened, then fails if told to."""

    def __init__(self, fault: Exception | None = None) -> None:
        super().__init__(Settings())
        self.gate = threading.Event()
        self.fault = fault

    def prepare(self) -> None:
        assert self.gate.wait(60)
        if self.fault:
            raise self.fault


class WatchedWarming(Warming):
    """Does something whenever it is seen still loading."""

    def __init__(self, assistant: Assistant, act: Callable[[], None]) -> None:
        super().__init__(assistant)
        self._act = act

    @property
    def is_on(self) -> bool:
        loading = super().is_on
        if loading:
            self._act()
        return loading


def test_warming_loads_beside_the_user_and_waits_until_all_is_there() -> None:
    assistant = GatedAssistant()
    warming = WatchedWarming(assistant, assistant.gate.set)
    warming.wait()
    assert assistant.gate.is_set()  # it was seen loading: only then is the gate opened
    assert not warming.is_on
    warming.wait()


class InterruptedAssistant(GatedAssistant):
    """Ctrl-C is pressed once somebody waits for it."""

    def __init__(self) -> None:
        super().__init__()
        self.awaited = threading.Event()

    def prepare(self) -> None:
        assert self.awaited.wait(60)
        main = threading.main_thread().ident
        assert main is not None
        signal.pthread_kill(main, signal.SIGINT)
        super().prepare()


def test_an_interruption_ends_the_wait_for_the_models_and_not_their_loading() -> None:
    assistant = InterruptedAssistant()
    warming = WatchedWarming(assistant, assistant.awaited.set)
    with pytest.raises(KeyboardInterrupt):
        warming.wait()
    assert warming.is_on
    assistant.gate.set()
    warming.wait()
    assert not warming.is_on


@pytest.mark.parametrize(
    "fault",
    [
        ModelError("no model", "one", "name it"),
        CorpusError("no folder", "one", "name it"),
        QuestionError("a", "b", "c"),
    ],
)
@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
def test_warming_leaves_faults_of_the_user_to_the_first_question(
    fault: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    assistant = GatedAssistant(fault)
    warming = Warming(assistant)
    assistant.gate.set()
    warming.wait()
    assert not warming.is_on
    assert capsys.readouterr() == ("", "")

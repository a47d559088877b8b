"""What stands behind an answer, on a terminal and in a pipe: passages with their quotation, reasons, articles."""

from collections.abc import Sequence
from io import StringIO
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from index.types import Document, Hit, Passage
from qa.citations import cite
from qa.inspection import print_articles, print_source, print_why
from qa.render import harmless
from qa.types import Answer, Citation, Rejected, Span

BRIDGE = (
    "El puente\n"
    "La alcaldesa inauguró el puente. Costó cuatro millones de euros. Es de acero.\n"
    "Los vecinos lo celebraron con música.\n"
    "\n"
    "También habrá otro puente, para los peatones.\n"
)
GAP = "  "
"""Between the number of a line and its text."""


def document(text: str = BRIDGE, file: str = "puente.txt", identity: str = "d1") -> Document:
    return Document(identity, file, "0" * 64, "utf-8", text)


def passage(article: Document, start: int, end: int, boilerplate: bool = False) -> Passage:
    return Passage(f"{article.id}:{start}-{end}", article.id, start, end, article.text[start:end], boilerplate)


def passages(article: Document, *beginnings: str) -> list[Passage]:
    """The article in pieces, each of which begins with one of these words."""
    places = [*(article.text.index(beginning) for beginning in beginnings), len(article.text)]
    return [passage(article, start, end) for start, end in pairwise(places)]


def citation(article: Document, quote: str, answer: str | None = None, marker: int = 1) -> Citation:
    start = article.text.index(quote)
    begin = start if answer is None else article.text.index(answer, start)
    end = begin + len(quote if answer is None else answer)
    line = article.text.count("\n", 0, start) + 1
    return Citation(marker, article.file, "0" * 64, "utf-8", start, start + len(quote), line, quote, begin, end)


def console(terminal: bool = False, styles: bool = True) -> Console:
    return Console(
        file=StringIO(),
        width=200,
        force_terminal=terminal,
        color_system="standard" if terminal and styles else None,
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=True,
    )


def written(target: Console) -> str:
    assert isinstance(target.file, StringIO)
    return target.file.getvalue()


def source(cited: Citation, article: Document, around: Sequence[Passage], terminal: bool = False) -> str:
    target = console(terminal)
    print_source(target, cited, article, around)
    return written(target)


# --- passages


def test_a_passage_is_shown_whole_with_its_lines_numbered_and_the_quotation_marked() -> None:
    article = document()
    around = passages(article, "El puente", "También")
    assert (
        source(citation(article, "Costó cuatro millones de euros."), article, around)
        == f"""\
[1] puente.txt, lines 1 to 5
   1  El puente
   2  La alcaldesa inauguró el puente. >>Costó cuatro millones de euros.<< Es de acero.
   3  Los vecinos lo celebraron con música.
   4{GAP}
   5{GAP}
"""
    )
    assert (
        source(citation(article, "También habrá otro puente", marker=12), article, around)
        == f"""\
[12] puente.txt, lines 5 to 6
   5  >>También habrá otro puente<<, para los peatones.
   6{GAP}
"""
    )


def test_a_passage_of_one_line_is_called_a_line() -> None:
    article = document()
    whole = "Los vecinos lo celebraron con música."
    place = article.text.index(whole)
    around = [passage(article, place, place + len(whole))]
    assert source(citation(article, whole), article, around) == f"[1] puente.txt, line 3\n   3  >>{whole}<<\n"


def test_a_quotation_of_several_lines_is_marked_at_its_ends() -> None:
    article = document()
    quote = "Es de acero.\nLos vecinos lo celebraron con música.\n\nTambién habrá otro puente"
    assert (
        source(citation(article, quote), article, [passage(article, 0, len(article.text) - 1)])
        == f"""\
[1] puente.txt, lines 1 to 5
   1  El puente
   2  La alcaldesa inauguró el puente. Costó cuatro millones de euros. >>Es de acero.
   3  Los vecinos lo celebraron con música.
   4{GAP}
   5  También habrá otro puente<<, para los peatones.
"""
    )


def test_a_quotation_across_passages_shows_all_that_it_touches_and_no_others() -> None:
    article = document()
    around = passages(article, "El puente", "La alcaldesa", "Costó", "Es de acero", "Los vecinos", "También")
    shown = source(citation(article, "cuatro millones de euros. Es de"), article, around)
    assert shown == "[1] puente.txt, lines 2 to 3\n   2  Costó >>cuatro millones de euros. Es de<< acero.\n   3  \n"


def test_passages_that_only_adjoin_a_quotation_are_not_shown() -> None:
    article = document("Uno. Dos. Tres.")
    around = passages(article, "Uno", "Dos", "Tres")
    assert source(citation(article, "Dos. "), article, around) == "[1] puente.txt, line 1\n   1  >>Dos. <<\n"


def test_passages_of_other_articles_at_the_same_place_are_not_shown() -> None:
    article = document("Uno. Dos. Tres.")
    other = document("Otro artículo que es más largo.", "otro.txt", "d2")
    around = [*passages(other, "Otro"), *passages(article, "Uno", "Dos", "Tres")]
    assert source(citation(article, "Dos."), article, around) == "[1] puente.txt, line 1\n   1  >>Dos.<< \n"


def test_a_quotation_without_a_passage_is_shown_by_itself() -> None:
    article = document()
    shown = source(citation(article, "Costó cuatro"), article, [])
    assert shown == "[1] puente.txt, line 2\n   2  >>Costó cuatro<<\n"


def test_line_ends_of_windows_are_line_ends() -> None:
    article = document(BRIDGE.replace("\n", "\r\n"))
    quote = "Es de acero.\r\nLos vecinos"
    end = article.text.index("\r\n\r\n")
    assert (
        source(citation(article, quote), article, [passage(article, 0, end)])
        == """\
[1] puente.txt, lines 1 to 3
   1  El puente
   2  La alcaldesa inauguró el puente. Costó cuatro millones de euros. >>Es de acero.
   3  Los vecinos<< lo celebraron con música.
"""
    )


def test_a_terminal_shows_the_quotation_reversed_and_the_answering_words_bold_in_it() -> None:
    article = document()
    cited = citation(article, "Costó cuatro millones de euros.", "cuatro millones")
    shown = source(cited, article, passages(article, "La alcaldesa", "También"), terminal=True)
    assert shown.startswith("\x1b[36m[1] \x1b[0m\x1b[36mpuente.txt\x1b[0m\x1b[2;36m, lines 2 to 5\x1b[0m\n")
    assert (
        "\x1b[2m   2  \x1b[0mLa alcaldesa inauguró el puente. \x1b[7mCostó \x1b[0m\x1b[1;7mcuatro millones\x1b[0m"
        "\x1b[7m de euros.\x1b[0m Es de acero.\n"
    ) in shown
    assert ">>" not in shown


def test_a_terminal_shows_every_line_of_a_quotation_reversed() -> None:
    article = document()
    cited = citation(article, "Es de acero.\nLos vecinos lo celebraron", "Los")
    lines = source(cited, article, passages(article, "La alcaldesa", "También"), terminal=True).splitlines()
    assert lines[1].endswith("Costó cuatro millones de euros. \x1b[7mEs de acero.\x1b[0m")
    assert lines[2] == ("\x1b[2m   3  \x1b[0m\x1b[1;7mLos\x1b[0m\x1b[7m vecinos lo celebraron\x1b[0m con música.")


def test_a_terminal_without_styles_gets_marks() -> None:
    article = document()
    target = console(terminal=True, styles=False)
    print_source(target, citation(article, "Costó cuatro"), article, [])
    assert written(target) == "[1] puente.txt, line 2\n   2  >>Costó cuatro<<\n"


# Tabs become as many spaces as their place asks for.
TEXTS = st.text(st.characters(exclude_characters="\t") | st.sampled_from(" \n\r.\x1b\x9b\u202e\u2028áé"), min_size=1)


@given(TEXTS, st.data())
def test_nothing_of_a_passage_is_lost_but_what_a_terminal_might_act_on(text: str, data: st.DataObject) -> None:
    article, places = document(text), st.integers(0, len(text))
    begin, end = sorted(data.draw(st.tuples(places, places).filter(lambda each: each[0] != each[1])))
    cited = cite(article, Span(article.id, begin, end))
    start, stop = data.draw(st.integers(0, cited.start)), data.draw(st.integers(cited.end, len(text)))
    head, *lines = source(cited, article, [passage(article, start, stop)]).removesuffix("\n").split("\n")
    assert head.startswith("[1] puente.txt, line")
    assert all(line[:4].strip().isdecimal() and line[4:6] == GAP for line in lines)
    before, own, after, rest = (start, cited.start), (cited.start, begin), (begin, end), (end, cited.end)
    if end - begin > len(cited.quote):  # a very long run is cut
        return
    shown = [harmless(text[a:b]) for a, b in (before, own, after, rest, (cited.end, stop))]
    assert "\n".join(line[6:] for line in lines) == f"{shown[0]}>>{''.join(shown[1:4])}<<{shown[4]}"


# --- why


def hit(article: Document, rank: int, score: float, boilerplate: bool = False) -> Hit:
    origin = ("lexical+dense", "lexical", "dense")
    return Hit(passage(article, 0, 9 * rank, boilerplate), score, rank, origin[rank - 1])  # type: ignore[arg-type]


def why(answer: Answer, terminal: bool = False) -> str:
    target = console(terminal)
    print_why(target, answer, {"d1": "puente.txt", "d2": "otro.txt"})
    return written(target)


def test_all_that_there_is_to_say_about_an_answer() -> None:
    article = document()
    hits = (
        hit(article, 1, 1.23456),
        hit(document("Teaser de otra cosa", "otro.txt", "d2"), 2, 0.5, boilerplate=True),
        hit(document(identity="gone"), 3, -0.0804),
    )
    answer = Answer(
        id="q1",
        question="¿Y cuánto costó?",
        understood="¿Y cuánto costó? (el puente)",
        text="Cuatro millones [1]",
        abstained=False,
        reason=None,
        confidence=0.87654,
        citations=(citation(article, "Costó cuatro millones"),),
        rejected=(Rejected("Costó ocho.", "not in the cited text: 8"), Rejected("Fue caro.", "no evidence given")),
        hits=hits,
        model="m.gguf 0123 composing",
        index="i",
        seconds={"search": 0.012, "read": 1.2345, "total": 1.25},
    )
    assert (
        why(answer)
        == """\
question   ¿Y cuánto costó?
understood ¿Y cuánto costó? (el puente)
confidence 0.88
model      m.gguf 0123 composing
seconds    search 0.01, read 1.23, total 1.25
retrieved
  1.  1.235  lexical+dense  puente.txt:0-9
  2.  0.500  lexical        otro.txt:0-18  boilerplate
  3. -0.080  dense          ?:0-27
rejected   Costó ocho. (not in the cited text: 8)
rejected   Fue caro. (no evidence given)
"""
    )


def test_a_refusal_says_why_and_with_how_little_confidence() -> None:
    answer = Answer("q1", "¿?", None, "No consta.", True, "low_confidence", 0.0, (), (), (), "m", "i")
    assert why(answer) == (
        "question   ¿?\nconfidence 0.00\nrefused    low_confidence\nmodel      m\nnothing was retrieved\n"
    )


def test_a_terminal_shows_the_names_of_the_facts_dimmed() -> None:
    answer = Answer("q1", "¿?", None, "Hola.", False, None, None, (), (), (hit(document(), 1, 1.0),), "m", "i")
    assert why(answer, terminal=True) == (
        "\x1b[2mquestion   \x1b[0m¿?\n\x1b[2mmodel      \x1b[0mm\n\x1b[2mretrieved\x1b[0m\n"
        "  1.  1.000  lexical+dense  \x1b[36mpuente.txt:0-9\x1b[0m\n"
    )


def test_control_characters_of_a_question_a_statement_and_a_name_are_made_harmless() -> None:
    evil = "\x1b[31m\u202e"
    found = (hit(document(), 1, 1.0),)
    answer = Answer(
        "q1", f"¿{evil}?", f"¿{evil} así?", "…", False, None, None, (), (Rejected(evil, evil),), found, evil, "i"
    )
    target = console()
    print_why(target, answer, {"d1": f"a{evil}.txt"})
    assert written(target).count("\ufffd[31m\ufffd") == 6
    assert not set("\x1b\u202e") & set(written(target))


# --- articles


def listed(*articles: Document) -> str:
    target = console()
    print_articles(target, articles)
    return written(target)


def test_articles_are_numbered_and_shown_with_their_beginning() -> None:
    articles = [document("Uno.\n\n  Dos.\r\nTres.", "a.txt"), *[document("Más.", f"{n}.md") for n in range(9)]]
    lines = listed(*articles).splitlines()
    assert lines[:2] == ["  1. a.txt  Uno. Dos. Tres.", "  2. 0.md  Más."]
    assert lines[9] == " 10. 8.md  Más."


def test_a_long_beginning_ends_with_its_last_whole_word() -> None:
    assert listed(document("palabra " * 9 + "ultimas1")) == f"  1. puente.txt  {'palabra ' * 9}ultimas1\n"
    assert listed(document("palabra " * 9 + "ultimas12")) == f"  1. puente.txt  {'palabra ' * 9}…\n"
    assert listed(document("á" * 81)) == f"  1. puente.txt  {'á' * 80} …\n"


def test_white_space_at_the_beginning_hides_nothing() -> None:
    assert listed(document("\n" * 500 + "Título" + " " * 500 + "Texto.")) == "  1. puente.txt  Título Texto.\n"


def test_control_characters_of_articles_and_their_names_are_made_harmless() -> None:
    assert listed(document("\x1b]0;malo\x07 Título\u202e", "a\u202eb.txt")) == (
        "  1. a\ufffdb.txt  \ufffd]0;malo\ufffd Título\ufffd\n"
    )

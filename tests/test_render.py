import sys
import unicodedata
from io import StringIO
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from index.types import Hit, Passage
from qa.render import harmless, print_answer, print_hits
from qa.types import Answer, Citation, Reason

QUOTE = "En febrero, Putin le regaló a Kim una limusina rusa de lujo, contraviniendo las sanciones de la ONU."
ROOT = Path("/artículos")
TEXTS = st.text(st.characters() | st.sampled_from("\x1b\x9b\x07\r\n\t\x85\u202e\u2066\u2028[]31m"), max_size=300)


def console(**options: bool) -> Console:
    plain = {"no_color": True, "highlight": False, "markup": False, "emoji": False}
    return Console(file=StringIO(), width=100, **{**plain, **options})  # type: ignore[arg-type]


def written(target: Console) -> str:
    assert isinstance(target.file, StringIO)
    return target.file.getvalue()


def hit(text: str, rank: int = 1, boilerplate: bool = False) -> Hit:
    return Hit(Passage("d:5-105", "d", 5, 5 + len(text), text, boilerplate), 1.23456, rank, "lexical+dense")


def answered(quote: str = QUOTE, text: str = "una limusina rusa de lujo [1]", file: str = "003.txt") -> Answer:
    start = 34 if quote == QUOTE else 0
    length = 25 if quote == QUOTE else len(quote)
    citation = Citation(1, file, "0" * 64, "utf-8", 10, 10 + len(quote), 11, quote, 10 + start, 10 + start + length)
    return Answer("q1", "¿Qué?", None, text, False, None, 0.9, (citation,), (), (hit("…"),), "m", "i")


def refused(reason: Reason, notice: str = "", hits: tuple[Hit, ...] = ()) -> Answer:
    notices = (notice,) if notice else ()
    return Answer("q1", "¿Qué?", None, "No consta.", True, reason, 0.1, (), (), hits, "m", "i", notices=notices)


def shown(answer: Answer, file: str = "003.txt") -> str:
    target = console()
    print_answer(target, answer, {"d": file}, ROOT)
    return written(target)


def test_an_answer_with_its_quotation() -> None:
    assert shown(answered()) == (
        "una limusina rusa de lujo [1]\n"
        "[1] 003.txt:11 «En febrero, Putin le regaló a Kim una limusina rusa de lujo, contraviniendo las \n"
        "sanciones de la ONU.»\n"
    )


def test_a_refusal_with_its_reason_and_the_nearest_passages() -> None:
    hits = (hit("Corea del Norte\ndijo algo."), *(hit("palabra " * 30, rank) for rank in (2, 3, 4)))
    # 160 characters are 20 words, in lines of at most 100.
    long = "palabra " * 11 + "\n" + "palabra " * 9
    assert shown(refused("low_confidence", hits=hits)) == (
        "No consta.\n"
        "Los artículos hablan de algo cercano, pero nada responde con seguridad.\n"
        "Lo más cercano:\n"
        "  003.txt «Corea del Norte dijo algo.»\n" + f"  003.txt «{long}…»\n" * 2
    )


def test_notices_are_for_standard_error_and_not_shown_here() -> None:
    assert shown(refused("outside_dates", "no article mentions 1999")) == (
        "No consta.\nLa pregunta se sale de las fechas de los artículos.\n"
    )


def test_what_was_understood_stands_first() -> None:
    answer = Answer("q1", "¿Y?", "Resumen de a.txt", "Nada.", False, None, 1.0, (), (), (), "m", "i")
    assert shown(answer) == "Resumen de a.txt\nNada.\n"


def test_the_answering_words_are_emphasised_and_the_file_is_a_link() -> None:
    target = Console(file=StringIO(), width=200, force_terminal=True, color_system="standard", highlight=False)
    print_answer(target, answered(), {"d": "003.txt"}, ROOT)
    assert "le regaló a Kim \x1b[1;4muna limusina rusa de lujo\x1b[0m, contraviniendo" in written(target)
    assert "file:///art%C3%ADculos/003.txt" in written(target)


def test_a_quotation_that_is_all_answer_is_not_emphasised() -> None:
    target = Console(file=StringIO(), width=200, force_terminal=True, color_system="standard", highlight=False)
    print_answer(target, answered("Todo esto."), {"d": "003.txt"}, ROOT)
    assert " «Todo esto.»" in written(target)


def test_hits_are_listed_with_where_and_how_they_were_found() -> None:
    target = console()
    print_hits(target, [hit("Uno."), hit("Dos…", 2, boilerplate=True)], {"d": "003.txt"})
    assert written(target) == (
        "1. 003.txt:5-9  score 1.235  lexical+dense\nUno.\n"
        "2. 003.txt:5-9  score 1.235  lexical+dense  boilerplate\nDos…\n"
    )


def test_brackets_of_a_text_are_no_markup() -> None:
    assert "[red]no[/red] :smile:" in shown(answered(text="[red]no[/red] :smile: [1]"))


def test_every_character_that_a_terminal_acts_on_is_replaced() -> None:
    # All of Unicode: controls, line ends, halves of characters, and what turns the direction of writing.
    kinds = {"Cc", "Cs", "Zl", "Zp", "LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    of_kinds = (
        character
        for character in map(chr, range(sys.maxunicode + 1))
        if {unicodedata.category(character), unicodedata.bidirectional(character)} & kinds
    )
    active = "\u061c\u200e\u200f\ufeff" + "".join(character for character in of_kinds if character not in "\n\t\r")
    assert harmless(active) == "\ufffd" * len(active)
    assert harmless("a\r\nb\rc\td") == "a\nb\nc\td"


@given(TEXTS)
def test_harmless_text_acts_on_no_terminal(text: str) -> None:
    shown_text = harmless(text)
    assert is_safe(shown_text)
    assert harmless(shown_text) == shown_text
    shown_text.encode()


@given(TEXTS.filter(len), TEXTS, TEXTS.filter(lambda text: "\0" not in text))
def test_no_control_character_reaches_the_terminal(quote: str, text: str, name: str) -> None:
    # A corpus takes no such file name, but rendering does not rely on it.
    file = "".join(character for character in name if not "\ud800" <= character <= "\udfff")
    target = console()
    print_answer(target, answered(quote, text, file), {"d": file}, ROOT)
    print_answer(target, refused("no_evidence", text, (hit(quote),)), {"d": file}, ROOT)
    print_hits(target, [hit(quote)], {"d": file})
    assert is_safe(written(target))


def is_safe(text: str) -> bool:
    marks = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff\u2028\u2029")
    kinds = {unicodedata.category(character) for character in text if character not in "\n\t"}
    return not marks & set(text) and not {"Cc", "Cs"} & kinds

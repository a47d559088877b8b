"""Conversations as Markdown: word for word, and read back by a Markdown parser."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from qa.render import harmless
from qa.transcript import to_markdown
from qa.types import Answer, Citation

SHA = "ab" * 32


def citation(quote: str, file: str = "a.txt", marker: int = 1, start: int = 10, line: int = 2) -> Citation:
    end = start + len(quote)
    return Citation(marker, file, SHA, "utf-8", start, end, line, quote, start, end)


def answer(
    question: str = "¿Qué?", text: str = "Nada. [1]", understood: str | None = None, *citations: Citation
) -> Answer:
    return Answer("q1", question, understood, text, False, None, 0.9, citations, (), (), "m", "i")


def test_a_conversation_without_answers_has_a_title_only() -> None:
    assert to_markdown([]) == "# Consta\n"


def test_questions_are_headings_answers_text_and_quotations_are_block_quotes() -> None:
    first = answer(
        "¿Cuánto costó el puente y quién lo abrió?",
        "Costó cuatro millones. [1] · La alcaldesa abrió el puente. [2]",
        None,
        citation("Costó cuatro millones."),
        citation("La alcaldesa abrió el puente.", "notas/río Júcar.md", 2, 0, 1),
    )
    second = answer("¿Y cuándo?", "No consta.", "¿Y cuándo? (abrió el puente)")
    assert (
        to_markdown([first, second])
        == f"""\
# Consta

## ¿Cuánto costó el puente y quién lo abrió?

Costó cuatro millones. \\[1\\] · La alcaldesa abrió el puente. \\[2\\]

> «Costó cuatro millones.»
>
> \\[1\\] a.txt, line 2, characters 10 to 32, SHA-256 `{SHA}`

> «La alcaldesa abrió el puente.»
>
> \\[2\\] notas/río Júcar.md, line 1, characters 0 to 29, SHA-256 `{SHA}`

## ¿Y cuándo?

*¿Y cuándo? (abrió el puente)*

No consta.
"""
    )


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_a_quotation_of_several_lines_stays_one_block_quote(newline: str) -> None:
    quote = newline.join(["Uno.", "", "    - dos", "3. tres", "==="])
    assert (
        to_markdown([answer("¿Qué?", "Uno. [1]", None, citation(quote))])
        == f"""\
# Consta

## ¿Qué?

Uno. \\[1\\]

> «Uno.
>{" "}
> \\- dos
> 3\\. tres
> \\===»
>
> \\[1\\] a.txt, line 2, characters 10 to {10 + len(quote)}, SHA-256 `{SHA}`
"""
    )


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("*a* _b_ `c`", "\\*a\\* \\_b\\_ \\`c\\`"),
        ("[a](b) ![c]", "\\[a\\](b) !\\[c\\]"),
        ("# a", "\\# a"),
        ("a # b #", "a \\# b \\#"),
        ("<b>a</b>", "\\<b\\>a\\</b\\>"),
        ("> a", "\\> a"),
        ("a | b", "a \\| b"),
        ("{a}", "\\{a\\}"),
        ("a \\ b", "a \\\\ b"),
        ("~~a~~", "\\~\\~a\\~\\~"),
        ("&lt; &amp;", "\\&lt; \\&amp;"),
        ("- a", "\\- a"),
        ("+ a", "\\+ a"),
        ("1. a", "1\\. a"),
        ("2) a", "2\\) a"),
        ("a - b + c = 1. d", "a - b + c = 1. d"),
        ("«a» — ¿b? 3,5 %", "«a» — ¿b? 3,5 %"),
        ("  a  ", "a"),
        ("a\x1b[31m\u202eb", "a\ufffd\\[31m\ufffdb"),
    ],
)
def test_what_markdown_takes_for_markup_is_escaped(text: str, written: str) -> None:
    lines = to_markdown([answer(text, text, text, citation("b", text))]).split("\n")
    assert lines[2:7:2] == [f"## {written}", f"*{written}*", written]
    assert lines[10] == f"> \\[1\\] {written}, line 2, characters 10 to 11, SHA-256 `{SHA}`"


def test_control_characters_of_a_quotation_are_made_harmless() -> None:
    markdown = to_markdown([answer("¿Qué?", "Uno. [1]", None, citation("a\x1b[2J\u202e\x07b\u2028c"))])
    assert "> «a\ufffd\\[2J\ufffd\ufffdb\ufffdc»\n" in markdown


# --- read back


def parsed(markdown: str) -> list[Token]:
    return MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(markdown)


def plain(token: Token) -> str:
    """The text of a paragraph or heading as a reader sees it; what is neither text nor emphasis shows as its kind."""
    pieces = []
    for child in token.children or []:
        if child.type in ("text", "text_special"):
            pieces.append(child.content)
        elif child.type == "code_inline":
            pieces.append(f"`{child.content}`")
        elif child.type not in ("em_open", "em_close"):
            pieces.append(" " if child.type == "softbreak" else f"({child.type})")
    return "".join(pieces)


def condensed(text: str) -> str:
    return "".join(harmless(text).split())


PIECES = "* _ ` [ ] ( ) # > < | ~ & ; = - + 1. 2) a b «c» \\ http://x.es ! {e} $ : ^ &amp; é".split()
TEXTS = st.lists(
    st.sampled_from([*PIECES, " ", "    ", "\t", "\n", "\n\n", "\r\n", "\x1b", "\u2028"]) | st.text(max_size=3)
)
WORDS = TEXTS.map("".join).filter(lambda text: any(character.isalnum() for character in text))
LINES = WORDS.map(lambda text: " ".join(text.split()))


@settings(max_examples=60)
@given(LINES, WORDS, WORDS, LINES)
@example("a", "- b", "1. c\n\n    d", "e.txt")
@example("a", "b\n---", "c\n===\n# d", "*e*.txt")
@example("a", "```b", "~~~c", "&lt;.txt")
def test_a_markdown_parser_reads_back_what_was_said(question: str, text: str, quote: str, file: str) -> None:
    found = parsed(to_markdown([answer(question, text, question, citation(quote, file))] * 2))
    opened = [token.type for token in found if token.nesting == 1 and token.type != "paragraph_open"]
    assert opened == ["heading_open", *["heading_open", "blockquote_open"] * 2]
    shown = "".join(plain(token) for token in found if token.type == "inline")
    place = f"[1] {file}, line 2, characters 10 to {10 + len(quote)}, SHA-256 `{SHA}`"
    assert condensed(shown) == "Consta" + 2 * condensed(f"{question}{question}{text}«{quote}»{place}")

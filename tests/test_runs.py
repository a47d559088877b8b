"""A passage as tokens: which code points each stands for, and where a run of them may begin and end."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.runs import LONGEST_RUN, TokenText, is_word_boundary, token_text
from tests.fake_model import CONTROL, FakeModel

MODEL = FakeModel()
# Runs of letters and figures that the fake's tokens never cut within a letter, and signs that may stand around them.
WHOLE = ["Kim", "Pyongyang", "No", "consta", "la", "España", "1.500", "3,5", "14:30", "x2", "2026"]
SIGNS = ["«", "»", "%", "$", "-", "…", "–", "👍🏽", "\n", "  ", "(", ")", "¿", "?", ".", ",", "100 €", "ñ"]
WORDS = st.lists(st.sampled_from(WHOLE), min_size=1, max_size=8).map(" ".join)
MIXED = st.lists(st.sampled_from([*WHOLE, *SIGNS, " "]), max_size=15).map("".join)
TEXTS = WORDS | MIXED | st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


def told(text: str) -> TokenText:
    return token_text(text, MODEL.tokenize(text), MODEL.piece)


def by_letters(text: str) -> TokenText:
    """One token for each code point, so that only the text decides."""
    return token_text(text, [ord(character) for character in text], lambda token: chr(token).encode())


def sliced(text: TokenText) -> list[str]:
    """What each token stands for."""
    return [text.text[start:end] for start, end in zip(text.starts, text.ends, strict=True)]


def beginning(text: TokenText) -> list[int]:
    return [text.starts[i] for i, begins in enumerate(text.begins) if begins]


def closing(text: TokenText) -> list[int]:
    return [text.ends[i] for i, closes in enumerate(text.closes) if closes]


def runs(text: TokenText) -> list[tuple[int, int]]:
    """First and last token of every run that is not too long."""
    return [
        (first, last)
        for first in range(len(text.tokens))
        for last in range(first, min(first + LONGEST_RUN, len(text.tokens)))
        if text.begins[first] and text.closes[last]
    ]


# --- tokens and code points


def test_a_word_of_two_tokens_begins_with_the_first_and_closes_with_the_last() -> None:
    text = told("En Pyongyang")
    assert sliced(text) == ["E", "n", "Pyong", "yang"]
    assert (text.starts, text.ends) == ((0, 1, 3, 8), (1, 2, 8, 12))
    assert text.begins == (True, False, True, False)
    assert text.closes == (False, True, False, True)


def test_the_blank_that_a_token_brings_along_is_not_part_of_its_words() -> None:
    text = told("  la\n Kim")
    assert sliced(text) == ["", "la", "", "Kim"]
    assert (text.starts, text.ends) == ((1, 2, 5, 6), (1, 4, 5, 9))
    assert text.begins == text.closes == (False, True, False, True)


def test_half_a_letter_counts_with_its_first_token() -> None:
    # «ñ» and the sign for euro are two tokens each.
    assert sliced(told("ñu")) == ["ñ", "", "u"]
    assert sliced(told("5 €.")) == ["5", "€", "", "."]
    assert (told("5 €.").starts, told("5 €.").ends) == ((0, 2, 3, 3), (1, 3, 3, 4))


def test_a_split_letter_within_a_word_is_no_place_to_begin_or_close() -> None:
    text = told("año")
    assert sliced(text) == ["a", "ñ", "", "o"]
    assert (beginning(text), closing(text)) == ([0], [3])


@pytest.mark.parametrize("word", ["ñandú", "Ávila", "Łódź", "Москва", "ñ"])
def test_a_word_whose_first_and_last_letters_are_split_is_a_run(word: str) -> None:
    text = told(f"({word}) a {word}")
    for start in (1, len(word) + 5):
        run = text.run(start, start + len(word))
        assert run is not None
        assert text.text[text.starts[run[0]] : text.ends[run[1]]] == word


def test_an_emoji_is_one_code_point_of_many_tokens_and_no_run() -> None:
    text = told("ok 👍 a")
    assert sliced(text) == ["o", "k", "", "👍", "", "", "", "", "a"]
    assert (beginning(text), closing(text)) == ([0, 5], [2, 6])


@pytest.mark.parametrize(
    ("text", "begins", "closes"),
    [
        ("1.500", [0], [5]),
        ("de 1.500.000, no", [0, 3, 14], [2, 12, 16]),
        ("3,5 %", [0], [3, 5]),
        ("a las 14:30.", [0, 2, 6], [1, 5, 11, 12]),
        ("Fin. 5.", [0, 5], [3, 4, 6, 7]),
        ("$5 y -3º", [0, 1, 3, 5, 6], [1, 2, 4, 8]),
        ("«Kim»", [0, 1], [4, 5]),
        ("¿Él?", [0, 1], [3, 4]),
        ("cafe\u0301 a", [0, 6], [5, 7]),
        ("sí: «no», (x)", [0, 4, 5, 10, 11], [2, 7, 8, 12, 13]),
        ("a — b, c;", [0, 4, 7], [1, 5, 8]),
        (" \n\t ", [], []),
        ("", [], []),
    ],
)
def test_runs_begin_and_close_at_words_figures_and_the_signs_that_belong_to_them(
    text: str, begins: list[int], closes: list[int]
) -> None:
    found = by_letters(text)
    assert (beginning(found), closing(found)) == (begins, closes)


@given(TEXTS)
def test_tokens_divide_the_text_and_only_blanks_are_skipped(text: str) -> None:
    found = told(text)
    assert found.tokens == tuple(MODEL.tokenize(text))
    for start, end, before in zip(found.starts, found.ends, [0, *found.ends], strict=False):
        assert before <= start <= end
        assert not text[before:start].strip()
    assert max(found.ends, default=0) == len(text)
    for token, covered in zip(found.tokens, sliced(found), strict=True):
        piece = MODEL.piece(token)
        if piece.decode(errors="ignore").encode() == piece:  # the others hold a part of a letter
            assert covered == piece.decode().lstrip()


@pytest.mark.parametrize("text", ["Kim", "ñ", "", "a la"])
def test_tokens_that_stand_for_more_or_less_than_the_text_are_a_programming_mistake(text: str) -> None:
    tokens = MODEL.tokenize(text)
    with pytest.raises(ValueError, match="more than the text"):
        token_text(text, [*tokens, ord("x")], MODEL.piece)
    if tokens:
        with pytest.raises(ValueError, match="less than the text"):
            token_text(text, tokens[:-1], MODEL.piece)
        with pytest.raises(ValueError, match="less than the text"):
            token_text(text, [*tokens[:-1], CONTROL], MODEL.piece)


# --- runs


@given(TEXTS)
def test_every_run_is_whole_words_without_blanks_around_them(text: str) -> None:
    found = told(text)
    for first, last in runs(found):
        start, end = found.starts[first], found.ends[last]
        assert text[start:end] == text[start:end].strip() != ""
        assert is_word_boundary(text, start)
        assert is_word_boundary(text, end)


@given(WORDS)
def test_every_word_and_figure_is_a_run(text: str) -> None:
    found = told(text)
    for match in re.finditer(r"\S+", text):
        run = found.run(*match.span())
        assert run is not None
        assert (found.starts[run[0]], found.ends[run[1]]) == match.span()


@given(TEXTS.filter(str.strip), st.data())
def test_a_span_is_covered_by_the_shortest_run_that_may_be(text: str, data: st.DataObject) -> None:
    found = told(text)
    inked = [point for point, character in enumerate(text) if not character.isspace()]
    start, last = sorted((data.draw(st.sampled_from(inked)), data.draw(st.sampled_from(inked))))
    covering = [(i, j) for i, j in runs(found) if found.starts[i] <= start and last < found.ends[j]]
    assert found.run(start, last + 1) == min(covering, key=lambda run: run[1] - run[0], default=None)


@pytest.mark.parametrize(
    ("text", "asked", "covered"),
    [
        ("En Pyongyang.", "ongya", "Pyongyang"),
        ("de 1.500 euros", "5", "1.500"),
        ("la casa de Kim", "sa d", "casa de"),
        ("dijo «Kim»", "Kim", "Kim"),
        ("dijo «Kim»", "«Kim»", "«Kim»"),
        ("sube 3,5 %", "3,5 %", "3,5 %"),
        ("No - la", "No -", "No - la"),
        ("No - la", "- la", "No - la"),
        ("No «la»", "«la", "«la"),
        ("a -5 %", "-5", "-5"),
    ],
)
def test_a_span_is_widened_to_where_a_run_may_begin_and_close(text: str, asked: str, covered: str) -> None:
    found = by_letters(text)
    start = text.index(asked)
    run = found.run(start, start + len(asked))
    assert run is not None
    assert text[found.starts[run[0]] : found.ends[run[1]]] == covered


@pytest.mark.parametrize(("text", "asked"), [("- - -", "-"), ("Kim —", "—"), ("— Kim", "—"), ("👍", "👍"), (" ", " ")])
def test_a_span_that_no_words_end_has_no_run(text: str, asked: str) -> None:
    start = text.index(asked)
    assert by_letters(text).run(start, start + len(asked)) is None


def test_a_run_has_at_most_so_many_tokens() -> None:
    longest, longer = "x" * LONGEST_RUN, "x" * (LONGEST_RUN + 1)
    assert told(longest).run(0, LONGEST_RUN) == (0, LONGEST_RUN - 1)
    assert told(longer).run(0, LONGEST_RUN + 1) is None
    # A part of a word is not less than the word.
    assert told(longest).run(0, 1) == (0, LONGEST_RUN - 1)
    assert told(longer).run(0, 1) is None
    assert told(f"a {longer} b").run(0, 1) == (0, 0)


# --- word boundaries


@pytest.mark.parametrize(
    "marked",
    [
        "|a| |la|",
        "|niño|",
        "|nin\u0303o|",
        "|Kim|.|",
        "|«|Kim|»|,| |no|",
        "|1.500|",
        "|1.500.000|.|",
        "|3,5| |%|",
        "|14:30|",
        "|5|.| |6|",
        "|x|.|5|",
        "|5|.|x|",
        "|100| |€|",
        "|COVID|-|19|",
        "|25º|",
        "||",
    ],
)
def test_word_boundaries_lie_outside_words_and_figures(marked: str) -> None:
    text = marked.replace("|", "")
    expected = {match.start() - number for number, match in enumerate(re.finditer(r"\|", marked))}
    assert {i for i in range(len(text) + 1) if is_word_boundary(text, i)} == expected


_UNBROKEN = re.compile("(?:[aZñ٣15\u0301]|(?<=[٣15])[.,:](?=[٣15]))+")


@given(st.text("aZñ٣15.,:-% \u0301", max_size=14))
def test_a_boundary_is_what_no_unbroken_word_or_figure_runs_across(text: str) -> None:
    inside = {i for match in _UNBROKEN.finditer(text) for i in range(match.start() + 1, match.end())}
    assert {i for i in range(len(text) + 1) if not is_word_boundary(text, i)} == inside


@given(TEXTS)
def test_boundaries_cut_a_text_into_pieces_that_have_none_within(text: str) -> None:
    # Pieces of letters alone are whole words: joined to a neighbour of letters they would be one piece.
    cuts = [i for i in range(len(text) + 1) if is_word_boundary(text, i)]
    pieces = [text[begin:end] for begin, end in pairwise(cuts)]
    assert "".join(pieces) == text
    for one, other in pairwise(pieces):
        assert not (one[-1].isalnum() and other[0].isalnum())

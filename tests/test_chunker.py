from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.chunker import ChunkerSettings, passages
from index.corpus import load
from index.types import Document

SEEDS = Path(__file__).parents[1] / "seeds"
DEFAULTS = ChunkerSettings()
SMALL = ChunkerSettings(max_characters=60, min_characters=20)


def document(text: str) -> Document:
    return Document("d", "a.txt", "0", "utf-8", text)


def cut(text: str, settings: ChunkerSettings = DEFAULTS) -> list[str]:
    return [passage.text for passage in passages(document(text), settings)]


def boilerplate(text: str, settings: ChunkerSettings = DEFAULTS) -> list[str]:
    return [passage.text for passage in passages(document(text), settings) if passage.boilerplate]


# Pieces from which texts with headings, teasers, long sentences and odd white space come about often.
PIECES = st.sampled_from(
    ["Titular", "Habló ayer. ", "Fue a Seúl; ", "dijo que ", "«Sí», ", "palabra", "…", "...", "\n", "\r\n", " ", "\t"]
)
TEXTS = st.text() | st.lists(PIECES, max_size=60).map("".join)
SETTINGS = st.tuples(st.integers(1, 80), st.integers(0, 80)).map(lambda two: ChunkerSettings(max(two), min(two)))


@given(TEXTS, SETTINGS)
def test_passages_stand_in_the_text_in_order_and_cover_it(text: str, settings: ChunkerSettings) -> None:
    found = passages(document(text), settings)
    end = 0
    for passage in found:
        assert passage.id == f"d:{passage.start}-{passage.end}"
        assert text[passage.start : passage.end] == passage.text == passage.text.strip() != ""
        assert text[end : passage.start].strip() == ""
        end = passage.end
    assert text[end:].strip() == ""


@given(TEXTS, SETTINGS)
def test_no_passage_is_longer_than_the_longest_sentence_allowed(text: str, settings: ChunkerSettings) -> None:
    assert all(len(passage) <= 1.5 * settings.max_characters for passage in cut(text, settings))


def test_a_paragraph_of_fair_length_is_a_passage() -> None:
    first, second = "A" * 250 + ".", "B" * 690 + "."
    assert cut(f"{first}\n\n{second}\r\n") == [first, second]


def test_a_long_paragraph_is_divided_evenly_at_sentence_ends() -> None:
    # Three sentences of 24 characters: 74 in all, at most 60 a passage, so two passages of about 37.
    sentence = "Habló mucho y se fue ya."
    assert cut(" ".join([sentence] * 3), SMALL) == [f"{sentence} {sentence}", sentence]
    assert cut(" ".join([sentence] * 4), SMALL) == [f"{sentence} {sentence}"] * 2


def test_a_heading_joins_what_it_heads_even_if_that_has_to_be_divided() -> None:
    first, second = "Kim viajó en tren hasta Rusia.", "Putin lo recibió allí mismo."
    assert cut(f"La visita\n{first} {second}", SMALL) == [f"La visita\n{first}", second]


def test_short_paragraphs_join_the_next_one_while_there_is_room() -> None:
    long = "Esta frase tiene más de cuarenta letras, sí."
    assert cut(f"Corto.\n{long}", SMALL) == [f"Corto.\n{long}"]
    assert cut(f"Dieciocho letras..\n{long}", SMALL) == ["Dieciocho letras..", long]


def test_a_short_last_paragraph_joins_the_one_before_it() -> None:
    assert cut("Una frase de treinta letras o así.\nEFE.", SMALL) == ["Una frase de treinta letras o así.\nEFE."]


def test_a_sentence_half_as_long_again_stays_whole_and_a_longer_one_is_split_at_clauses() -> None:
    whole = "Dijo que " + "x" * 80 + "."
    assert cut(whole, SMALL) == [whole]
    clauses = ["Vino de lejos, según la prensa;", "habló con el ministro durante horas,", "comió: poco y mal, dicen."]
    assert cut(" ".join(clauses), SMALL) == clauses


def test_a_sentence_without_clauses_is_split_between_words_and_a_word_without_end_anywhere() -> None:
    assert cut("palabra " * 20, SMALL) == [" ".join(["palabra"] * count) for count in (7, 7, 6)]
    assert cut("x" * 130, SMALL) == ["x" * 60, "x" * 60, "x" * 10]


def test_only_the_six_last_lines_of_one_seed_are_boilerplate() -> None:
    marked = {
        article.file: [passage for passage in passages(article, DEFAULTS) if passage.boilerplate]
        for article in load(SEEDS).documents
    }
    teasers = marked.pop("003_6b36a17d40a337a5.txt")
    lines = (SEEDS / "003_6b36a17d40a337a5.txt").read_text(encoding="utf-8").splitlines()
    assert [passage.text for passage in teasers] == lines[-6:]
    assert not any(marked.values())


@pytest.mark.parametrize("ending", ["…", "...", " […]", " [...]", "… Leer más", "... (leer más)", "… Seguir leyendo »"])
def test_teasers_are_known_by_their_ending(ending: str) -> None:
    teasers = [f"China ha iniciado una investigación{ending}", f"La nieta del presidente{ending}"]
    assert boilerplate("\n".join(["Kim viajó a Rusia.", *teasers])) == teasers
    assert boilerplate("\n".join([*teasers, "Kim viajó a Rusia."])) == teasers


@pytest.mark.parametrize(
    "text",
    [
        "Kim viajó a Rusia.\nChina ha iniciado una…",
        "Uno que…\nKim viajó a Rusia.\nOtro que…",
        "Kim viajó a Rusia.\n«No lo sé…»\n“Ni yo…”",
        "Kim viajó a Rusia.\n[…]\n[…]",
        "Uno que…\nOtro que…",
    ],
    ids=["one alone", "one at each end", "quotations", "omissions", "nothing else"],
)
def test_other_ellipses_are_text_of_the_article(text: str) -> None:
    assert boilerplate(text) == []


def test_headings_do_not_join_across_the_border_to_teasers() -> None:
    text = "Kim viajó a Rusia.\nAdemás\nUno que…\nOtro que…"
    assert cut(text) == ["Kim viajó a Rusia.\nAdemás", "Uno que…", "Otro que…"]


def test_settings_that_contradict_themselves_are_refused() -> None:
    with pytest.raises(ValueError, match="no passages of 10 to 5 characters"):
        ChunkerSettings(max_characters=5, min_characters=10)

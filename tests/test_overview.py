from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.chunker import ChunkerSettings, passages
from index.corpus import load
from index.types import Document, Passage
from qa.overview import SENTENCES, summarise
from qa.types import Draft

SEEDS = Path(__file__).parents[1] / "seeds"
TOPICS = {
    "misiles": "Corea del Norte probó misiles balísticos de largo alcance cerca de la costa",
    "vino": "La cosecha de uva blanca será abundante gracias al otoño lluvioso en Galicia",
    "futbol": "El equipo local ganó la final del campeonato con dos goles de cabeza",
    "museo": "El museo abrió una exposición de cuadros holandeses traídos desde Ámsterdam",
}


def cut(*texts: str) -> list[Passage]:
    """The passages of texts as documents 0, 1, 2 ..."""
    documents = [Document(str(number), f"{number}.txt", "0", "utf-8", text) for number, text in enumerate(texts)]
    return [passage for document in documents for passage in passages(document, ChunkerSettings())]


def sentence(topic: str, rest: str = "") -> str:
    return f"{TOPICS[topic]}{rest}."


def chosen(draft: Draft) -> list[tuple[str, str]]:
    return [(part.spans[0].document_id, part.text) for part in draft.parts]


@pytest.mark.parametrize("texts", [(), ("Corto.",), ("Titular de la noticia\nMuy corto todo.",)])
def test_where_nothing_says_anything_there_is_no_overview(texts: tuple[str, ...]) -> None:
    assert summarise(cut(*texts)).parts == ()


def test_every_part_is_an_article_s_own_sentence() -> None:
    documents = {document.id: document for document in load(SEEDS).documents}
    draft = summarise([one for document in documents.values() for one in passages(document, ChunkerSettings())])
    assert len(draft.parts) == SENTENCES
    for part in draft.parts:
        (span,) = part.spans
        assert part.copied
        assert documents[span.document_id].text[span.start : span.end] == part.text
        assert part.text[0].isupper() and part.text[-1] in ".»"


def test_several_articles_give_a_sentence_each() -> None:
    # Standing late counts against the sentences of the other two, yet they go before the second one of the first.
    late = "Nada más. " * 9
    texts = (f"{sentence('misiles')} {sentence('vino')}", late + sentence("museo"), late + sentence("futbol"))
    assert chosen(summarise(cut(*texts))) == [
        ("0", sentence("misiles")),
        ("1", sentence("museo")),
        ("2", sentence("futbol")),
    ]


def test_one_article_gives_its_sentences_in_reading_order() -> None:
    # The second is worth most, as the third takes it up; the third repeats it.
    text = f"{sentence('vino')} {sentence('misiles')} {sentence('misiles', ' ayer')}"
    assert chosen(summarise(cut(text))) == [("0", sentence("vino")), ("0", sentence("misiles"))]


def test_what_repeats_a_chosen_sentence_is_passed_over() -> None:
    repeated = " ".join(sentence("misiles", f" el día {day}") for day in range(5))
    found = [part for _, part in chosen(summarise(cut(f"{repeated} {sentence('vino')}")))]
    assert sum("misiles" in part for part in found) == 1
    assert sentence("vino") in found


def test_what_the_article_comes_back_to_is_said_before_an_aside() -> None:
    # Four beginnings for three places: the last one wins its place by what the third article says later.
    theme = [
        sentence("misiles", f" {rest}")
        for rest in ("según fuentes oficiales del ministerio de Defensa", "ante diplomáticos de varios países vecinos")
    ]
    texts = [sentence("vino"), sentence("museo"), f"{sentence('futbol')} {theme[0]}", theme[1]]
    worth = [part for _, part in chosen(summarise(cut(*texts)))]
    assert any("misiles" in part for part in worth)


def test_teasers_around_an_article_are_left_out() -> None:
    teasers = "\n".join(f"{TOPICS[topic]}..." for topic in ("vino", "museo"))
    found = chosen(summarise(cut(f"{sentence('misiles')}\n{teasers}")))
    assert found == [("0", sentence("misiles"))]


@given(st.lists(st.sampled_from([*TOPICS.values(), "\n", ". ", "…", "Sr. ", "Breve. "]), max_size=30).map("".join))
def test_any_text_gives_at_most_three_of_its_sentences(text: str) -> None:
    draft = summarise(cut(text))
    assert len(draft.parts) <= SENTENCES
    assert len({part.spans for part in draft.parts}) == len(draft.parts)
    for part in draft.parts:
        assert text[part.spans[0].start : part.spans[0].end] == part.text


def test_a_large_corpus_is_summed_up_in_little_time() -> None:
    # Comparing 5,000 sentences with one another would take minutes.
    assert len(summarise(cut(*(sentence("misiles", f" en la provincia número {n}") for n in range(5000)))).parts) >= 1

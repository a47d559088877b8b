import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.types import Document
from qa.errors import QuestionError
from qa.intent import MOST_QUESTION_CHARACTERS, absent_years, checked, intent_of

FILES = ("000_a.txt", "001_b.txt", "002_c.txt")
DOCUMENTS = [Document(f"d{file[2]}", file, "0", "utf-8", f"Texto de 202{file[2]}.") for file in FILES]
ALL = "012"


def kind(question: str) -> str:
    return intent_of(question, DOCUMENTS).kind


def summed_up(question: str) -> str:
    """The numbers of the documents that an overview is of, «-» if none is asked for."""
    intent = intent_of(question, DOCUMENTS)
    return "".join(document.id[1] for document in intent.documents) if intent.kind == "overview" else "-"


@pytest.mark.parametrize(
    "line", ["hola", "¡Hola!", "¡Hola! ¿Qué tal?", "Buenos días", "muchas gracias", "Hello there", "Adiós.", "help"]
)
def test_greetings(line: str) -> None:
    assert kind(line) == "greeting"


@pytest.mark.parametrize(
    "line",
    [
        "Hola, ¿quién es Peskov?",
        "¿Quién dio las gracias?",
        "ayuda militar a Ucrania",
        "¿Qué dice el resumen de la ONU?",
        "resume la postura de Rusia",
        "¿De qué trata el acuerdo entre Rusia y Corea del Norte?",
        "¿De qué habló Putin?",
        "¿Qué dice el artículo 3 sobre Kim?",
        "¿Qué artículo 5 invocó la OTAN?",
        "",
    ],
)
def test_questions(line: str) -> None:
    assert kind(line) == "question"


@pytest.mark.parametrize(
    ("question", "documents"),
    [
        ("resume el artículo 3", "2"),
        ("Resume el articulo 1.", "0"),
        ("resume el artículo número 2", "1"),
        ("¿De qué trata el artículo 002?", "2"),
        ("¿de qué va el segundo artículo?", "1"),
        ("resume la primera noticia", "0"),
        ("resume el artículo tercero", "2"),
        ("resume la última noticia", "2"),
        ("Summarize article 2", "1"),
        ("What is the second article about?", "1"),
        ("What is article 3 about?", "2"),
        ("What is the last story about?", "2"),
        ("resume 001_b.txt", "1"),
        ("resume 001_B", "1"),
        ("¿De qué tratan?", ALL),
        ("¿de que va todo esto?", ALL),
        ("¿De qué tratan las noticias?", ALL),
        ("¿Qué dicen los artículos?", ALL),
        ("What are these articles about?", ALL),
        ("resumen", ALL),
        ("haz un resumen", ALL),
        ("resume los artículos", ALL),
    ],
)
def test_overviews_and_what_they_are_of(question: str, documents: str) -> None:
    assert summed_up(question) == documents


@pytest.mark.parametrize(
    ("question", "topic"),
    [
        ("hazme un resumen de la noticia que habla de un puente en Cádiz", "un puente en Cádiz"),
        ("Resume el artículo sobre la sequía.", "la sequía"),
        ("¿De qué va la noticia acerca de los Óscar?", "los Óscar"),
        ("Summarize the article about the drought", "the drought"),
        ("resume el artículo 3", ""),
        ("resume los artículos", ""),
        ("¿De qué va el segundo artículo sobre Perú?", ""),
    ],
)
def test_the_topic_of_the_article_that_an_overview_is_of(question: str, topic: str) -> None:
    assert intent_of(question, DOCUMENTS).topic == topic


@pytest.mark.parametrize("number", ["0", "4", "99"])
def test_an_article_that_does_not_exist_is_told(number: str) -> None:
    with pytest.raises(QuestionError, match="one of 1 to 3"):
        intent_of(f"resume el artículo {number}", DOCUMENTS)


@given(st.text())
def test_any_line_has_an_intent(line: str) -> None:
    try:
        intent = intent_of(line, DOCUMENTS)
    except QuestionError:
        return
    assert bool(intent.documents) == (intent.kind == "overview")


def test_white_space_around_and_inside_a_question_is_levelled() -> None:
    assert checked("  ¿Quién\n\tes  Peskov? \r\n") == "¿Quién es Peskov?"


@pytest.mark.parametrize("question", ["", " \n", "¿?", "...", "🚗"])
def test_a_question_without_words_is_none(question: str) -> None:
    with pytest.raises(QuestionError, match="an empty question"):
        checked(question)


def test_a_question_too_long_to_be_one_is_told() -> None:
    assert len(checked("a" * MOST_QUESTION_CHARACTERS)) == MOST_QUESTION_CHARACTERS
    with pytest.raises(QuestionError, match="a question of 2001 characters"):
        checked("a" * (MOST_QUESTION_CHARACTERS + 1))


def test_a_question_with_bytes_that_are_no_text_is_told() -> None:
    # How Python hands over an argument with the byte FF.
    with pytest.raises(QuestionError, match="not text"):
        checked("¿Quién es \udcff?")


@pytest.mark.parametrize(
    ("question", "absent"),
    [
        ("¿Qué pasó en 2021?", []),
        ("¿Qué pasó en 2021, en 2023 y en 2023?", ["2023"]),
        ("¿Qué pasó en 1999?", ["1999"]),
        ("¿Qué pasó en el año 2150?", ["2150"]),
        ("¿Quién tiene 1.999 misiles o 1999,5 toneladas?", []),
        ("¿Quién tiene 19990 misiles?", []),
        ("¿Qué pasó en 1200?", []),
        ("¿Qué pasó?", []),
    ],
)
def test_years_that_no_article_names(question: str, absent: list[str]) -> None:
    assert absent_years(question, DOCUMENTS) == absent

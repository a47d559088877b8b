"""What a question asks for, and sentences that hold it or only seem to."""

import pytest

from qa.expectation import holds_kind, kind_of, needs_sentence
from qa.ranking import names


def held(question: str, text: str) -> bool:
    return holds_kind(kind_of(question), question, text, lambda each: names(each, anywhere=True))


@pytest.mark.parametrize(
    ("question", "text", "expected"),
    [
        ("¿Cuántos años tiene Ana?", "Ana, de 41 años, dimitió.", True),
        ("¿Cuántos años tiene Ana?", "Ana dimitió tras años de espera.", False),
        ("¿Cuánto costó el puente?", "El puente costó dos millones de euros.", True),
        ("¿Cuánto costó el puente?", "El puente fue muy caro.", False),
        ("¿Cuánto costó el puente?", "Las obras del puente, libradas ya, incluyen un mirador.", False),
        ("¿Cuánto costó el puente?", "El puente costó 300 dólares.", True),
        ("¿Cuántos proyectiles envió?", "Envió casi cinco millones de proyectiles de artillería.", True),
        ("¿Cuántos proyectiles envió?", "En mayo llegaron los proyectiles.", False),
        ("¿Cuántos barcos envió?", "Envió cinco millones de proyectiles y barcos.", False),
        ("¿Cuántas veces fue?", "Fue por segunda vez.", True),
        ("¿Cuánto duró el viaje?", "El viaje duró 20 horas.", True),
        ("¿Cuánto duró el viaje?", "El viaje fue largo.", False),
        ("¿Qué día llegó?", "Llegó el viernes.", True),
        ("¿Qué día llegó?", "Llegó del 15 al 17 de enero.", True),
        ("¿Qué día llegó?", "Llegó en septiembre.", False),
        ("¿En qué año fue?", "Fue en 2019.", True),
        ("¿En qué año fue?", "Fue en abril.", False),
        ("¿Cuándo fue?", "Fue en abril.", True),
        ("¿Cuándo fue?", "Fue en Lima.", False),
        ("¿Quién lo dijo?", "Lo dijo Ana Ruiz.", True),
        ("¿Quién es Ana Ruiz?", "lo dijo Ana Ruiz.", False),
        ("¿Dónde fue?", "Fue en Lima.", True),
        ("¿Dónde nació Lima?", "nació en Lima.", False),
        ("¿Por qué se fue?", "Se fue debido al frío.", True),
        ("¿Por qué se fue?", "Se fue ayer.", False),
        ("¿Cómo viajó?", "Viajó en tren.", True),
        ("¿Cómo viajó?", "Viajó ayer.", False),
        ("How many shells?", "Unos proyectiles.", False),
        ("¿Qué le dio?", "Nada.", True),
    ],
)
def test_a_sentence_holds_what_is_asked_for(question: str, text: str, expected: bool) -> None:
    assert held(question, text) is expected


@pytest.mark.parametrize(
    "question",
    [
        "¿Por qué se fue?",
        "¿Cómo viajó?",
        "¿Sigue Ana de alcaldesa?",
        "¿Ha dicho el ministro que dimite?",
        "sigue ana de alcaldesa",
        "Is Ana still the mayor?",
        "¿Quiénes votaron en contra?",
        "¿Cuáles son las condiciones?",
        "¿En qué dos ciudades se vieron?",
        "que paises votaron en contra",
        "Which countries voted against it?",
        "Según Ana, ¿qué medidas faltan?",
        "¿Con qué fin viajó Ana?",
        "¿Qué dijo Ana del puente?",
        "¿Qué ha dicho Ana?",
        "que cree ana que pasara",
        "¿Qué pasó en el puente?",
        "¿Y qué hizo Ana?",
        "What did Ana say about the bridge?",
    ],
)
def test_few_words_seldom_answer_reasons_ways_several_things_and_yes_or_no(question: str) -> None:
    assert needs_sentence(question)


@pytest.mark.parametrize(
    "question",
    [
        "¿Qué país votó en contra?",
        "que pais voto en contra",
        "¿Qué le regaló a Ana?",
        "¿Qué día pasó Ana por Lima?",
        "¿A qué se dedica Ana?",
        "¿Qué decisión tomó Ana?",
        "¿Qué dictador huyó?",
        "¿Qué pensión cobra Ana?",
        "¿Qué sucesor tuvo Ana?",
        "¿A quién visitó?",
        "cuando llego ana",
        "¿Cuántos años tiene?",
        "En mayo, ¿dónde estaba Ana?",
        "El puente de Ana, que todos conocen, ¿cuándo se abrió?",
        "What does Ana want?",
        "What did Ana give to Eva?",
        "What was the name of the ship that was lost?",
    ],
)
def test_few_words_may_answer_what_asks_for_one_thing(question: str) -> None:
    assert not needs_sentence(question)


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("¿En qué fecha llegó?", "date"),
        ("¿Cuál es la fecha del viaje?", "date"),
        ("cuales son las fechas", "date"),
        ("¿Qué dijo Ana sobre las fechas del viaje?", "thing"),
        ("¿Quién fijó la fecha?", "person"),
    ],
)
def test_a_date_is_asked_for_and_not_only_spoken_of(question: str, kind: str) -> None:
    assert kind_of(question) == kind

"""What a question asks for, and sentences that hold it or only seem to."""

import pytest

from qa.expectation import holds_kind, kind_of
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

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index import echo
from index.echo import own_words, share_of_its_own

GIFT = "¿Qué le regaló Putin a Kim en febrero?"
HEAD = "¿Quién es el jefe del comité militar de la OTAN?"
GOAL = "¿Qué objetivo dijo Kim que Corea del Norte abandona?"


@pytest.mark.parametrize(
    ("question", "text", "heard"),
    [
        (GIFT, "Pregunta: ¿Qué le regaló Putin a Kim en febrero? Respuesta: un yate.", "Pregunta: Respuesta: un yate."),
        (GIFT, "«¿que le regalo putin a kim en febrero?» Un yate.", "Un yate."),
        (GIFT, "Y entonces, ¿qué le regaló Putin a Kim en marzo? Nada.", "Y entonces, marzo? Nada."),
        ("Who is the Kremlin spokesman?", "Q: Who is the Kremlin spokesman? A: Nobody.", "Q: A: Nobody."),
        (GOAL, "objetivo dijo Kim Corea Norte abandona: la Luna.", ": la Luna."),
        (GOAL, "abandona Norte, Corea, Kim, dijo objetivo: la Luna.", ": la Luna."),
        (HEAD, "comité militar OTAN comité militar OTAN: nadie.", ": nadie."),
    ],
)
def test_the_question_repeated_is_left_out(question: str, text: str, heard: str) -> None:
    own = own_words(question, text)
    assert len(own) == len(text)
    assert " ".join(own.split()) == heard
    assert share_of_its_own(question, text) < 1


@pytest.mark.parametrize(
    ("question", "text"),
    [
        (GIFT, "En febrero, Putin le regaló a Kim una limusina rusa de lujo."),
        (GIFT, "¿Por qué le regaló Putin una limusina?"),
        (HEAD, "El almirante Rob Bauer, jefe del comité militar de la OTAN, llamó a Occidente a prepararse."),
        (HEAD, "Rob Bauer, quien es el jefe del comité militar de la OTAN, habló."),
        (GOAL, "Kim dijo que Corea del Norte abandona su objetivo."),
        ("¿Cuándo fue la primera cumbre de Kim y Putin?", "En 2019, cuando fue la primera cumbre de Kim y Putin."),
        ("¿Y?", "¿Y? ¿Y qué?"),
        ("¿Qué abrió el panadero Julián Ortega?", "El panadero Julián Ortega abrió su tienda."),
        ("", "Nada."),
        (GIFT, ""),
    ],
)
def test_a_sentence_with_the_same_words_stays_as_it_is(question: str, text: str) -> None:
    assert own_words(question, text) == text
    assert share_of_its_own(question, text) == 1


def test_the_share_is_that_of_the_questions_terms_which_are_said_otherwise_too() -> None:
    text = "¿Qué le regaló Putin a Kim en febrero? Putin le regaló un yate."
    # Of the terms regal, putin, kim and febrer the rest has two.
    assert share_of_its_own(GIFT, text) == 0.5
    assert share_of_its_own(GIFT, GIFT) == 0


WORDS = (
    "¿Quién es el alcalde de la ciudad puente qué abrió Julián Ortega CUÁNDO? ; cafe\u0301 İzmir Łódź 2º — ?".split()
)
SENTENCES = st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join)


@given(SENTENCES, SENTENCES, SENTENCES)
def test_what_is_not_looked_at_closely_has_no_echo(question: str, before: str, after: str) -> None:
    text = f"{before} {question} {after}"
    with pytest.MonkeyPatch.context() as patch:
        for told in (text, f"{before} {after}", question[5:]):
            quick = own_words(question, told)
            patch.setattr(echo, "_may_echo", lambda asked, text: True)
            assert own_words(question, told) == quick
            patch.undo()

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.citations import unsupported
from qa.prompt import rewriting_prompt
from qa.rewriting import rewritten
from qa.types import Turn
from tests.fake_model import FakeModel

TURN = Turn("¿Quién es Choe Son Hui?", "La ministra Choe Son Hui visitó Rusia del 15 al 17 de enero. [1]")
QUESTION = "¿Con quién se reunió allí?"
COMPLETE = "¿Con quién se reunió Choe Son Hui en Rusia?"


def prompt_of(model: FakeModel) -> str:
    (tokens,) = model.prompts
    return b"".join(model.piece(token) for token in tokens).decode()


def written(completion: str, *turns: Turn, question: str = QUESTION) -> str | None:
    return rewritten(FakeModel(completions=[completion]), question, turns or [TURN])


@pytest.mark.parametrize(
    "completion", [COMPLETE, f"  {COMPLETE}\n", f"{COMPLETE} Con el ministro.", f"{COMPLETE} ¿Y cuándo?"]
)
def test_the_first_question_that_the_model_writes_is_taken(completion: str) -> None:
    assert written(completion) == COMPLETE


@pytest.mark.parametrize("completion", ["", "Con el ministro.", "No lo sé", COMPLETE.rstrip("?")])
def test_what_is_no_question_is_not_taken(completion: str) -> None:
    assert written(completion) is None


@pytest.mark.parametrize(
    "completion",
    [
        "¿Con quién se reunió Lavrov en Rusia?",
        "¿Con quién se reunió Choe Son Hui en China?",
        "¿Con quién se reunió Choe Son Hui el 18 de enero?",
        "¿Con quién se reunió Choe Son Hui en 2024?",
        "¿Con qué tres ministros se reunió Choe Son Hui?",
    ],
)
def test_names_and_numbers_that_nobody_said_turn_it_down(completion: str) -> None:
    assert written(completion) is None


def test_names_and_numbers_of_the_question_and_of_how_it_was_understood_may_stand_in_it() -> None:
    assert written("¿Qué dijo Lavrov en 2024?", question="¿Y Lavrov en 2024?") == "¿Qué dijo Lavrov en 2024?"
    understood = Turn("¿Y él?", "No consta.", understood="¿Qué dijo Peskov?")
    assert written("¿Cuándo habló Peskov?", understood) == "¿Cuándo habló Peskov?"


def test_a_country_may_have_another_of_its_names() -> None:
    assert written("¿Qué ministros rusos vieron a Choe?") == "¿Qué ministros rusos vieron a Choe?"


def test_the_prompt_holds_the_turns_as_they_were_understood_and_the_question() -> None:
    model = FakeModel(completions=[COMPLETE])
    rewritten(model, QUESTION, [TURN, Turn("¿Y él?", "Habló. [1]", understood="¿Qué dijo Peskov?")])
    said = prompt_of(model)
    assert f"Pregunta: {TURN.question}\nRespuesta: {TURN.answer}\n" in said
    assert "Pregunta: ¿Qué dijo Peskov?\nRespuesta: Habló. [1]\n" in said
    assert "¿Y él?" not in said
    assert QUESTION in said


def test_only_the_last_three_turns_count() -> None:
    turns = [Turn(f"¿Qué dijo {name}?", f"Dijo {name}.") for name in ("Peskov", "Lavrov", "Shoigu", "Putin")]
    model = FakeModel(completions=["¿Dónde vive Lavrov?", "¿Dónde vive Peskov?"])
    assert rewritten(model, "¿Dónde vive?", turns) == "¿Dónde vive Lavrov?"
    said = prompt_of(model)
    assert [name in said for name in ("Peskov", "Lavrov", "Shoigu", "Putin")] == [False, True, True, True]
    assert rewritten(model, "¿Dónde vive?", turns) is None


def test_without_room_for_the_prompt_and_a_question_the_model_is_not_asked() -> None:
    length = len(rewriting_prompt(FakeModel(), QUESTION, [TURN]))
    tight = FakeModel(completions=[COMPLETE], context_tokens=length + 79)
    assert rewritten(tight, QUESTION, [TURN]) is None
    assert tight.prompts == []
    assert rewritten(FakeModel(completions=[COMPLETE], context_tokens=length + 80), QUESTION, [TURN]) == COMPLETE


PIECES = st.sampled_from("¿Quién ¿ Choe Lavrov Rusia China 15 18 mil enero? ? , . dijo\n en el [1]".split(" "))


@given(st.lists(PIECES, max_size=10).map(" ".join) | st.text(max_size=30))
def test_whatever_the_model_writes_one_question_of_what_was_said_is_taken_or_none(completion: str) -> None:
    found = written(completion)
    if found is None:
        return
    assert found.index("?") == len(found) - 1
    assert found in " ".join(completion.split())
    assert unsupported(found, f"{TURN.question} {TURN.answer} {QUESTION}", translated=True) == []

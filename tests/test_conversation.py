"""Lines of a conversation: the questions in one, which of them lean on an earlier turn, and how those are completed."""

import re
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from index.spanish import fold
from qa.conversation import MOST_PARTS, completed, divide
from qa.intent import ORDINALS
from qa.types import Citation, Turn
from qa.wording import Dependence, dependence_of


def words(text: str) -> list[str]:
    return re.findall(r"\w+", fold(text))


# --- the questions in one line


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("¿Quién es Peskov y qué dijo?", ["¿Quién es Peskov?", "¿qué dijo?"]),
        ("¿Qué dijo que hará y cómo lo sabe?", ["¿Qué dijo que hará?", "¿cómo lo sabe?"]),
        ("¿Cuándo llegó Putin y a quién vio?", ["¿Cuándo llegó Putin?", "¿a quién vio?"]),
        ("¿Por qué viajó Kim y por qué volvió?", ["¿Por qué viajó Kim?", "¿por qué volvió?"]),
        ("¿Qué pasó en 2020, y quién lo dijo?", ["¿Qué pasó en 2020?", "¿quién lo dijo?"]),
        ("¿Qué busca Rusia y qué quiere China?", ["¿Qué busca Rusia?", "¿qué quiere China?"]),
        ("¿Cómo viajó Kim y con quién?", ["¿Cómo viajó Kim?", "¿con quién?"]),
        ("¿Qué quieren Putin y Kim y cuándo se vieron?", ["¿Qué quieren Putin y Kim?", "¿cuándo se vieron?"]),
        ("Who is Peskov and when did he speak?", ["Who is Peskov?", "when did he speak?"]),
        ("Where did Kim go and what did he say?", ["Where did Kim go?", "what did he say?"]),
        ("What did Kim say and to whom?", ["What did Kim say?", "to whom?"]),
    ],
)
def test_a_line_is_divided_where_a_conjunction_joins_two_questions(line: str, parts: list[str]) -> None:
    assert divide(line) == parts


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("quien es peskov y cuando nacio", ["quien es peskov", "cuando nacio"]),
        ("cuando llego putin y a quien vio", ["cuando llego putin", "a quien vio"]),
        ("donde esta kim y por que viajo", ["donde esta kim", "por que viajo"]),
        ("quien es peskov y donde vive?", ["quien es peskov?", "donde vive?"]),
        ("quien es peskov? que dijo?", ["quien es peskov?", "que dijo?"]),
    ],
)
def test_careless_typing_is_divided_too(line: str, parts: list[str]) -> None:
    assert divide(line) == parts


@pytest.mark.parametrize(
    "line", ["¿Quién es Peskov? ¿Qué dijo?", "¿Quién es Peskov?¿Qué dijo?", "  ¿Quién es Peskov?   ¿Qué dijo? "]
)
def test_every_sentence_that_ends_in_a_question_mark_is_a_question(line: str) -> None:
    assert divide(line) == ["¿Quién es Peskov?", "¿Qué dijo?"]


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("¿Cuándo y dónde se reunieron?", ["¿Cuándo se reunieron?", "¿dónde se reunieron?"]),
        ("¿Cuándo y dónde se vieron Putin y Kim?", ["¿Cuándo se vieron Putin y Kim?", "¿dónde se vieron Putin y Kim?"]),
        ("¿Por qué y para qué viajó Kim?", ["¿Por qué viajó Kim?", "¿para qué viajó Kim?"]),
        ("¿A quién y cuándo se lo dijo Kim?", ["¿A quién se lo dijo Kim?", "¿cuándo se lo dijo Kim?"]),
        ("donde y cuando se reunieron", ["donde se reunieron", "cuando se reunieron"]),
    ],
)
def test_two_interrogatives_share_what_follows_the_second(line: str, parts: list[str]) -> None:
    assert divide(line) == parts


@pytest.mark.parametrize(
    "line",
    [
        "¿Quién es Peskov?",
        "¿Qué quieren Putin y Kim?",
        "¿Qué quieren Rusia y Corea del Norte?",
        "¿Por qué Kim y Putin se reunieron?",
        "que quieren putin y kim",
        "What do Kim and Putin want?",
        "¿Qué dijo que hará y que no hará?",
        "¿Quién dijo «Putin y Kim ganarán»?",
        "¿Quién dijo «ni nosotros» y «ya veremos»?",
        "Kim dijo que sí y quién sabe",
        "ayuda a Ucrania y Rusia",
        "¿Sabe alguien cuándo llegó y dónde está?",
        "¿Y cuándo llegó?",
        "Peskov",
    ],
)
def test_one_question_stays_whole(line: str) -> None:
    assert divide(line) == [line]


@pytest.mark.parametrize("line", ["", " ", "?", "¿?", "¿? ¿?"])
def test_a_line_without_words_has_no_questions(line: str) -> None:
    assert divide(line) == []


def test_what_is_beyond_the_limit_stays_with_the_last() -> None:
    assert divide("¿Qué es A y qué es B y qué es C y qué es D?") == [
        "¿Qué es A?",
        "¿qué es B?",
        "¿qué es C? ¿qué es D?",
    ]
    assert divide("¿A? ¿B? ¿C?") == ["¿A?", "¿B?", "¿C?"]
    assert divide("¿A? ¿B? ¿C? ¿D? ¿E?") == ["¿A?", "¿B?", "¿C? ¿D? ¿E?"]


JOINERS = {"y", "e", "and"}
LINES = st.lists(
    st.tuples(
        st.sampled_from(
            "qué quién cuándo dónde cómo por con a que quien cuando what who when y y y e and Putin Kim dijo llegó "
            "es did en 2000 «sí» lo".split()
        ),
        st.sampled_from([" ", " ", " ", "? ", " ¿", "? ¿", ", ", ". "]),
    ),
    max_size=14,
).map(lambda pairs: "".join(word + gap for word, gap in pairs))


@given(LINES | LINES.map("¿{}?".format) | st.text())
@example("¿Cuándo y dónde y por qué se reunieron y quién lo dijo?")
def test_no_word_of_a_line_is_lost_by_division(line: str) -> None:
    parts = divide(line)
    assert len(parts) <= MOST_PARTS
    assert all(re.search(r"\w", part) for part in parts)
    missing = Counter(words(line)) - Counter(words(" ".join(parts)))
    assert missing.keys() <= JOINERS
    assert set(words(" ".join(parts))) <= set(words(line))


# --- whether a question leaves out what it is about

COMPLETE = (
    "¿Qué ha dicho Lavrov sobre la OTAN?",
    "Who said that North Korea's help is unlikely to change the war?",
    "Is it true that Putin visited China?",
    "¿Quién es Peskov?",
    "¿Qué dijo Lavrov de Occidente?",
    "¿Qué le regaló Putin a Kim?",
    "¿Qué opina Putin de su visita?",
    "¿Qué busca Rusia en Corea del Norte?",
    "¿Por qué está sancionada Corea del Norte?",
    "¿Cuándo visitó Putin Pyongyang?",
    "¿Cuándo la ONU impuso sanciones?",
    "¿Cuándo viajó Putin a Rusia este año?",
    "¿Cuándo se reunieron Putin y Kim?",
    "¿Cómo está Kim?",
    "¿Dónde está Putin ahora?",
    "¿Quién gobierna Rusia?",
    "¿Cuántos misiles lanzó Corea del Norte?",
    "¿Cuál fue la primera visita de Putin?",
    "¿Quién fue el primero en llegar a Pyongyang?",
    "¿Cómo se llama la nieta de Donald Trump?",
    "¿Cuántos años tiene Kim?",
    "¿Qué pasó esta semana en Ucrania?",
    "¿Qué tiempo va a hacer mañana en Madrid?",
    "¿Qué les dijo el Kremlin a los que se oponen?",
    "¿Y cuántos soldados norcoreanos han muerto en Ucrania?",
    "que busca rusia en corea del norte",
    "Who is Peskov?",
    "What did Putin give Kim?",
    "What did Putin say about his visit?",
    "When did North Korea launch missiles?",
    "Which countries are holding military exercises together?",
)
DEPENDENT = (
    # what is no sentence
    "¿Y la primera?",
    "¿Y en 2000?",
    "¿Y Shoigu?",
    "¿Y a Trump?",
    "¿Y después?",
    "el segundo",
    "And the second one?",
    "What about China?",
    # an interrogative and nothing that it may be about
    "¿Por qué?",
    "por que",
    "¿Con quién?",
    "¿Dónde fue?",
    "¿Y quién más?",
    "Why?",
    "And when?",
    # a pronoun
    "¿Y qué dijo él?",
    "y que dijo el",
    "¿Con quién se reunió allí?",
    "¿Cuál es su cargo?",
    "¿Qué pidieron ambos?",
    "What did he say?",
    "Where did they meet?",
    # what was said or done
    "¿Quién lo dijo?",
    "quien lo dijo",
    "¿Cuándo se lo regaló?",
    "¿Qué dijo Putin de eso?",
    "¿Cuándo ocurrió esa visita?",
    "Who said it?",
    "Who said that?",
    "What is that agreement about?",
    "¿Era su hermana?",
    "¿Cuándo abrió su tienda?",
    "¿Cuál es su cargo?",
    # a circumstance of nobody who is named
    "¿Qué días estuvo en Rusia?",
    "¿Cuándo se reunieron?",
    # more of it
    "¿Qué más dijo?",
    "¿Qué más vende la compañía?",
    "What else did he say?",
)
DOUBTFUL = (
    "¿Qué cargo tiene?",
    "¿Qué cargo ocupa?",
    "¿Cuánto costó?",
    "¿Y cuánto costó?",
    "¿Cuántos vagones tenía?",
    "¿Cuántos misiles lanzaron?",
    "¿Cuál es la capital?",
    "¿Qué pasó este año?",
    "¿Qué ocurrió después?",
    "¿Por qué se reunieron los presidentes?",
)


@pytest.mark.parametrize(
    ("question", "dependence"),
    [
        *((question, "none") for question in COMPLETE),
        *((question, "surely") for question in DEPENDENT),
        *((question, "perhaps") for question in DOUBTFUL),
    ],
)
def test_whether_a_question_leaves_out_what_it_is_about(question: str, dependence: Dependence) -> None:
    assert dependence_of(question) == dependence


@given(st.text())
def test_any_line_leans_on_another_or_does_not(line: str) -> None:
    assert dependence_of(line) in ("none", "perhaps", "surely")


# --- completing it

OVERVIEW = "resume el artículo 1"


def turn(question: str, quote: str = "", understood: str | None = None) -> Turn:
    citation = Citation(1, "a.txt", "0" * 64, "utf-8", 0, len(quote), 1, quote, 0, len(quote)) if quote else None
    return Turn(question, f"{quote} [1]", (citation,) if citation else (), understood)


def unasked(wording: str) -> float:
    """A coverage that nobody may ask for."""
    raise AssertionError(f"the coverage of {wording} was asked for")


def held(**shares: float) -> Callable[[str], float]:
    """A coverage by the last word of a question in ASCII letters, none where it is not named."""
    return lambda wording: shares.get(re.findall(r"[A-Za-z]+", wording)[-1], 0.0)


def after(before: str | Turn, question: str) -> str | None:
    """A question that surely leaves something out, completed after a turn."""
    return completed(question, [turn(before) if isinstance(before, str) else before], unasked)


@pytest.mark.parametrize(
    ("before", "question", "wording"),
    [
        ("¿Cuál fue la primera visita de Putin?", "¿Y la segunda?", "¿Cuál fue la segunda visita de Putin?"),
        ("¿Quién fue el primero?", "¿Y el segundo?", "¿Quién fue el segundo?"),
        ("cual fue la primera visita", "y la tercera", "cual fue la tercera visita"),
        ("What was the first visit?", "And the second one?", "What was the second visit?"),
    ],
)
def test_one_ordinal_takes_the_place_of_another(before: str, question: str, wording: str) -> None:
    assert after(before, question) == wording


@pytest.mark.parametrize(
    ("before", "question", "wording"),
    [
        ("¿Qué pasó en 2000?", "¿Y en 2024?", "¿Qué pasó en 2024?"),
        ("¿Qué pasó el 3 de mayo?", "¿Y el 14 de junio?", "¿Qué pasó el 14 de junio?"),
        ("¿Qué hizo Putin en enero?", "¿Y en febrero?", "¿Qué hizo Putin en febrero?"),
        ("What happened in 2000?", "And in 2024?", "What happened in 2024?"),
    ],
)
def test_one_date_takes_the_place_of_another(before: str, question: str, wording: str) -> None:
    assert after(before, question) == wording


@pytest.mark.parametrize(
    ("before", "question", "wording"),
    [
        ("¿Qué dijo Lavrov?", "¿Y Shoigu?", "¿Qué dijo Shoigu?"),
        ("¿Qué dijo Lavrov?", "¿Y Choe Son Hui?", "¿Qué dijo Choe Son Hui?"),
        ("¿Qué le regaló Putin a Kim?", "¿Y Trump?", "¿Qué le regaló Trump a Kim?"),
        ("¿Qué le regaló Putin a Kim?", "¿Y a Trump?", "¿Qué le regaló Putin a Trump?"),
        ("¿Cuándo llegó Lavrov a Pekín?", "¿Y a Moscú?", "¿Cuándo llegó Lavrov a Moscú?"),
        ("¿Qué hizo Rusia?", "¿Y Ucrania?", "¿Qué hizo Ucrania?"),
        ("¿Qué dijo Putin de la guerra en Ucrania?", "¿Y en Siria?", "¿Qué dijo Putin de la guerra en Siria?"),
        ("¿Cuántos soldados tiene Corea del Norte?", "¿Y Corea del Sur?", "¿Cuántos soldados tiene Corea del Sur?"),
        ("What did Putin give to Kim?", "And to Trump?", "What did Putin give to Trump?"),
        ("What did Putin say about Ukraine?", "What about China?", "What did Putin say about China?"),
    ],
)
def test_one_name_takes_the_place_of_another_of_its_kind(before: str, question: str, wording: str) -> None:
    assert after(before, question) == wording


@pytest.mark.parametrize(
    ("before", "question", "wording"),
    [
        ("¿Qué busca Rusia en Corea del Norte?", "¿Y Corea del Norte?", "¿Qué busca Corea del Norte en Rusia?"),
        ("¿Qué quiere China con Rusia?", "¿Y Rusia?", "¿Qué quiere Rusia con China?"),
        ("¿Qué le regaló Putin a Kim?", "¿Y Kim?", "¿Qué le regaló Kim a Putin?"),
        ("What did Russia sell to China?", "And China?", "What did China sell to Russia?"),
    ],
)
def test_two_names_that_are_both_there_change_places(before: str, question: str, wording: str) -> None:
    assert after(before, question) == wording


@pytest.mark.parametrize(
    ("question", "wording"),
    [
        ("¿Y el segundo?", "resume el artículo 2"),
        ("¿y el 3?", "resume el artículo 3"),
        ("¿Y el último?", "resume el último artículo"),
        ("y la tercera", "resume el artículo 3"),
    ],
)
def test_after_an_overview_another_article_is_summed_up(question: str, wording: str) -> None:
    assert after(OVERVIEW, question) == wording


@pytest.mark.parametrize(
    ("before", "question", "wording"),
    [
        ("¿Cuándo visitó Putin Pyongyang?", "¿Por qué?", "¿Por qué? (visitó Putin Pyongyang)"),
        ("¿Cuándo visitó Putin Pyongyang?", "¿Y con quién?", "¿Y con quién? (visitó Putin Pyongyang)"),
        ("¿Cuándo visitó Putin Pyongyang?", "¿Dónde fue?", "¿Dónde fue? (visitó Putin Pyongyang)"),
        ("cuanta gente quiere movilizar rusia", "por qué?", "por qué? (gente quiere movilizar rusia)"),
        ("¿Qué dijo Lavrov sobre Occidente?", "¿Y cuándo?", "¿Y cuándo? (dijo Lavrov sobre Occidente)"),
    ],
)
def test_an_interrogative_alone_carries_the_question_before(before: str, question: str, wording: str) -> None:
    assert after(before, question) == wording


@pytest.mark.parametrize(
    ("before", "question", "wording"),
    [
        ("¿Cuándo visitó Putin Pyongyang?", "¿Quién lo dijo?", "¿Quién lo dijo? (visitó Putin Pyongyang)"),
        ("¿Qué le regaló Putin a Kim?", "¿Qué opina China de eso?", "¿Qué opina China de eso? (le regaló Putin a Kim)"),
    ],
)
def test_what_points_to_something_said_carries_the_question_before(before: str, question: str, wording: str) -> None:
    assert after(before, question) == wording


@pytest.mark.parametrize(
    ("before", "question", "wording"),
    [
        ("¿Qué cargo tiene Rob Bauer?", "¿Con quién habló él?", "¿Con quién habló él? (Rob Bauer)"),
        ("¿Quién es Choe Son Hui?", "¿Con quién se reunió allí?", "¿Con quién se reunió allí? (Choe Son Hui)"),
        ("¿Qué firmaron Putin y Kim?", "¿Cuándo se reunieron?", "¿Cuándo se reunieron? (Putin, Kim)"),
        ("What did Peskov announce?", "Where did he speak?", "Where did he speak? (Peskov)"),
        # Without a person it is all that was asked.
        ("¿Qué vende Rusia?", "¿Dónde lo compra ella?", "¿Dónde lo compra ella? (vende Rusia)"),
    ],
)
def test_a_pronoun_carries_whom_the_question_before_was_about(before: str, question: str, wording: str) -> None:
    assert after(before, question) == wording


def test_whoever_a_question_was_answered_with_is_carried() -> None:
    who = turn("¿Quién es el ministro de Exteriores de Rusia?", "El ministro ruso Serguéi Lavrov llegó a Pekín.")
    assert after(who, "¿Con quién se reunió allí?") == "¿Con quién se reunió allí? (Serguéi Lavrov)"
    assert after(who, "¿Por qué?") == "¿Por qué? (el ministro de Exteriores de Rusia, Serguéi Lavrov)"


def test_who_somebody_is_stays_about_them_whatever_the_answer_names() -> None:
    who = turn("¿Quién es el almirante Rob Bauer?", "El almirante Rob Bauer llamó a Occidente a prepararse.")
    assert after(who, "¿Y qué dijo?") == "¿Y qué dijo? (el almirante Rob Bauer)"


def test_the_answer_to_no_question_for_a_person_is_not_carried() -> None:
    when = turn("¿Cuándo llegó Kim?", "Serguéi Lavrov dijo que llegó el lunes.")
    assert after(when, "¿Con quién se reunió allí?") == "¿Con quién se reunió allí? (Kim)"


def test_a_turn_without_an_answer_carries_its_question_alone() -> None:
    assert after("¿Quién bloquea las sanciones?", "¿Por qué?") == "¿Por qué? (bloquea las sanciones)"


def test_what_a_question_has_itself_is_not_added_to_it() -> None:
    assert after("¿Qué dijo Lavrov?", "¿Qué más dijo Lavrov?") is None
    assert after("¿Por qué?", "¿Dónde?") is None


# --- several turns


def conversation(*questions: str) -> list[str]:
    """How each question is understood after those before it."""
    turns: list[Turn] = []
    for question in questions:
        turns.append(Turn(question, understood=completed(question, turns, unasked)))
    return [each.understood or each.question for each in turns]


@pytest.mark.parametrize(
    ("questions", "last"),
    [
        (("¿Cuál fue la primera visita?", "¿Y la segunda?", "¿Y la tercera?"), "¿Cuál fue la tercera visita?"),
        (("¿Qué pasó en 2000?", "¿Y en 2023?", "¿Y en 2024?"), "¿Qué pasó en 2024?"),
        (("¿Qué dijo Lavrov en 2000?", "¿Y Shoigu?", "¿Y en 2024?"), "¿Qué dijo Shoigu en 2024?"),
        (("¿Qué busca Rusia en China?", "¿Y China?", "¿Y Rusia?"), "¿Qué busca Rusia en China?"),
        (
            ("¿Quién es Choe Son Hui?", "¿Qué días estuvo en Rusia?", "¿Con quién se reunió allí?"),
            "¿Con quién se reunió allí? (Choe Son Hui)",
        ),
        (
            ("¿Cuándo visitó Putin Pyongyang?", "¿Por qué?", "¿Y con quién?"),
            "¿Y con quién? (visitó Putin Pyongyang)",
        ),
    ],
)
def test_a_subject_is_carried_over_several_turns(questions: tuple[str, ...], last: str) -> None:
    assert conversation(*questions)[-1] == last


def test_only_the_turn_before_counts() -> None:
    questions = ("¿Qué dijo Lavrov?", "¿Quién es Peskov?", "¿Con quién se reunió allí?")
    assert conversation(*questions) == [*questions[:2], "¿Con quién se reunió allí? (Peskov)"]


# --- questions that may stand for themselves


@pytest.mark.parametrize(
    ("question", "alone", "wording", "understood"),
    [
        # The articles hold the question as it is.
        ("¿Qué cargo tiene?", 1.0, 1.0, None),
        ("¿Qué cargo tiene?", 0.75, 1.0, None),
        # They hold it better with what was said before.
        ("¿Qué cargo tiene?", 0.74, 0.75, "¿Qué cargo tiene? (Shoigu)"),
        ("¿Qué cargo tiene?", 0.1, 0.2, "¿Qué cargo tiene? (Shoigu)"),
        # They do not.
        ("¿Qué cargo tiene?", 0.5, 0.5, None),
        ("¿Qué cargo tiene?", 0.5, 0.2, None),
        # They know nothing of it: it is of something else, unless it goes on from what was said.
        ("¿Qué cargo tiene?", 0.0, 1.0, None),
        ("¿Y qué cargo tiene?", 0.0, 1.0, "¿Y qué cargo tiene? (Shoigu)"),
        ("¿Y qué cargo tiene?", 0.0, 0.0, None),
        ("¿Y qué cargo tiene?", 0.8, 1.0, None),
    ],
)
def test_a_doubtful_question_is_completed_where_the_articles_hold_it_better_then(
    question: str, alone: float, wording: float, understood: str | None
) -> None:
    assert completed(question, [turn("¿Quién es Shoigu?")], held(tiene=alone, Shoigu=wording)) == understood


@pytest.mark.parametrize(
    ("question", "understood"),
    [("¿Por qué?", "¿Por qué? (dijo Lavrov)"), ("¿Y Shoigu?", "¿Qué dijo Shoigu?"), ("¿Quién es Peskov?", None)],
)
def test_the_articles_are_asked_only_where_there_is_doubt(question: str, understood: str | None) -> None:
    before = [turn("¿Qué dijo Lavrov?")]
    assert completed(question, before, unasked) == understood
    with pytest.raises(AssertionError, match="cargo"):
        completed("¿Qué cargo tiene?", before, unasked)


# --- whatever was said

QUESTIONS = st.sampled_from([*COMPLETE, *DEPENDENT, *DOUBTFUL, OVERVIEW])
QUOTES = st.sampled_from(["", "El ministro Serguéi Lavrov llegó a Rusia.", "Fue en 2000, según China y Kim Jong Un."])
TURNS = st.lists(st.builds(turn, QUESTIONS | st.text(), QUOTES, st.none() | QUESTIONS), max_size=3)


@given(QUESTIONS | st.text())
def test_without_turns_nothing_is_completed(question: str) -> None:
    assert completed(question, [], unasked) is None


@given(st.sampled_from(COMPLETE), TURNS)
def test_a_complete_question_is_never_changed(question: str, turns: list[Turn]) -> None:
    assert completed(question, turns, unasked) is None


@given(
    QUESTIONS | LINES, st.lists(st.builds(turn, QUESTIONS, QUOTES, st.none() | QUESTIONS), min_size=1), st.floats(0, 1)
)
@example("el segundo", [turn("resume el artículo 1")], 0.0)
@example("¿Y el último?", [turn("resume el artículo 1")], 0.0)
def test_nothing_is_added_that_was_not_said_in_the_turn_before(question: str, turns: list[Turn], share: float) -> None:
    wording = completed(question, turns, lambda asked: share if asked == question else 0.5)
    if wording is None:
        return
    before = turns[-1]
    said = words(" ".join([question, OVERVIEW, before.question, before.understood or "", before.answer]))
    # «El segundo» after an overview is said with its number: «artículo 2».
    numbers = [str(ORDINALS[word]) for word in said if word in ORDINALS]
    assert set(words(wording)) <= {*said, *numbers}


@given(st.text(), TURNS, st.floats(0, 1))
def test_any_line_can_follow_any_other(question: str, turns: list[Turn], share: float) -> None:
    wording = completed(question, turns, lambda asked: share)
    assert wording is None or wording.strip()

"""Questions and passages for the embedder: each with its own, and no passage that may answer counts against it."""

import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from index.chunker import ChunkerSettings
from qa.training.examples import Asked, Reading, from_corpus
from qa.training.pairs import Pairs, Place, batches, near_groups, pairs, places
from qa.training.passages import Passage, Question, Span

SENTENCES = [
    "El Ayuntamiento de Cusco abrió el lunes una biblioteca de tres plantas en el barrio de San Blas. ",
    "La directora, Ana Quispe, dijo que habrá veinte mil libros y salas para los niños. ",
    "El edificio costó cuatro millones de soles, según la memoria que se publicó en marzo. ",
    "Los vecinos pidieron que también se arreglara la plaza, donde faltan bancos y sombra. ",
]


def bare(text: str) -> str:
    return text.lower().replace("\u0301", "").translate(str.maketrans("áéíóúüñ", "aeiouun"))


@st.composite
def long_readings(draw: st.DrawFn) -> Reading:
    """A text of several paragraphs, with questions about words anywhere in it."""
    paragraphs = draw(st.lists(st.lists(st.sampled_from(SENTENCES), min_size=1, max_size=9), min_size=1, max_size=4))
    text = "\n\n".join("".join(each).strip() for each in paragraphs)
    begins = [0, *(i + 1 for i, character in enumerate(text) if character.isspace() and text[i + 1].strip())]
    asked = []
    for number in range(draw(st.integers(0, 5))):
        start = draw(st.sampled_from(begins))
        end = min(len(text), start + draw(st.integers(1, 120)))
        asked.append((number, (start, end) if draw(st.booleans()) else None))
    return Reading(
        text,
        tuple(Asked(f"¿{number}?", place, text[slice(*place)] if place else "") for number, place in asked),
        tuple(Asked(f"{number}?", place, text[slice(*place)] if place else "") for number, place in asked),
    )


@given(long_readings())
def test_a_question_goes_to_the_passage_in_which_its_answer_begins(reading: Reading) -> None:
    found = places([reading])
    assert "".join("".join(each.text for each in found).split()) == "".join(reading.text.split())
    assert all(len(each.text) <= 1.5 * ChunkerSettings().max_characters for each in found)
    told = {asked.question: asked for asked in reading.asked if asked.answer}
    assert Counter(question for each in found for question in each.spanish) == Counter(list(told))
    end = 0
    for each in found:
        start = reading.text.index(each.text, end)
        end = start + len(each.text)
        for question, words in zip(each.spanish, each.answers, strict=False):
            answer = told[question].answer
            assert answer and start <= answer[0] < end
            assert words == bare(told[question].words).strip()
        assert each.english == tuple(question.removeprefix("¿") for question in each.spanish)
        assert each.answers == (each.answers[: len(each.spanish)]) * 2
        assert each.plain == bare(each.text).strip()


def test_a_long_text_is_more_than_one_place() -> None:
    text = "".join(SENTENCES * 4).strip()
    last = text.rindex("sombra")
    asked = (Asked("¿Qué falta?", (last, last + 6), "sombra"), Asked("¿Qué se abrió?", (30, 35), text[30:35]))
    first, *_, end = places([Reading(text, asked)])
    assert (first.spanish, end.spanish) == (("¿Qué se abrió?",), ("¿Qué falta?",))
    assert (end.english, end.answers) == ((), ("sombra",))


def test_an_answer_across_two_places_is_of_the_first() -> None:
    text = "".join(SENTENCES * 4).strip()
    cut = len(places([Reading(text, ())])[0].text)
    first, second, *_ = places([Reading(text, (Asked("¿Qué?", (cut - 9, cut + 9), text[cut - 9 : cut + 9]),))])
    assert (first.spanish, second.spanish) == (("¿Qué?",), ())


def test_near_misses_of_the_corpus_are_no_questions_of_a_place() -> None:
    text = SENTENCES[1].strip()
    words = Span("Ana Quispe", text.index("Ana Quispe"))
    questions = (
        Question("1", "who", "¿Quién dirige el museo?", "Who runs the museum?", (), words),
        Question("2", "who", "¿Quién es la directora?", "Who is the director?", (words,)),
    )
    (place,) = places(from_corpus([Passage("1", "cultura", "breve", "Perú", "t", text, questions)]))
    assert place.spanish == ("¿Quién es la directora?",)
    assert place.english == ("Who is the director?",)
    assert place.answers == ("ana quispe", "ana quispe")


WORDS = "puente río escuela mercado café volcán huelga elecciones lluvia tren".split()


def place_of(text: str, *asked: tuple[str, str], english: bool = False) -> Place:
    told = tuple(f"Who: {question}" for question, _ in asked) if english else ()
    answers = [bare(words) for _, words in asked]
    return Place(text, tuple(question for question, _ in asked), told, tuple(answers * (1 + english)), bare(text))


@st.composite
def some_places(draw: st.DrawFn, most: int = 8) -> list[Place]:
    """Places of few words, so that the answer of one often stands in others; no two questions are alike."""
    made = []
    for number in range(draw(st.integers(1, most))):
        words = draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=5))
        answers = draw(st.lists(st.sampled_from(words), max_size=4))
        asked = [(f"¿Qué {number} {i} de {words[0]}?", answer) for i, answer in enumerate(answers)]
        made.append(place_of(" ".join(words), *asked, english=draw(st.booleans())))
    return made


@given(found=some_places(most=14), size=st.integers(1, 5))
def test_groups_hold_every_place_once(found: list[Place], size: int) -> None:
    groups = near_groups(found, size)
    assert sorted(number for group in groups for number in group) == list(range(len(found)))
    assert all(len(group) == size for group in groups[:-1]) and 1 <= len(groups[-1]) <= size
    assert [group[0] for group in groups] == sorted(group[0] for group in groups)


def test_near_texts_end_up_together() -> None:
    themes = [
        ("El volcán arrojó ceniza.", "La ceniza del volcán cubre el pueblo.", "El volcán y su ceniza, en calma."),
        ("La huelga de trenes sigue.", "Los trenes paran por la huelga.", "Acaba la huelga de los trenes."),
        ("El café subió de precio.", "El precio del café baja.", "Precio récord del café."),
    ]
    texts = [theme[number] for number in range(3) for theme in themes]
    groups = near_groups([place_of(text) for text in texts], 3)
    assert sorted(map(sorted, groups)) == [[0, 3, 6], [1, 4, 7], [2, 5, 8]]


def test_questions_choose_a_group_where_there_are_some() -> None:
    texts = ["Cayó ceniza del volcán.", "La ceniza del volcán cae.", "Ganó el equipo de Lima el partido."]
    found = [place_of(texts[0], ("¿Qué equipo ganó el partido?", "ceniza")), *map(place_of, texts[1:])]
    assert near_groups(found, 2)[0] == [0, 2]


def owners_of(group: list[Place]) -> dict[str, tuple[int, str]]:
    """Which place a question is about, and the plain words of its answer."""
    told = {}
    for owner, place in enumerate(group):
        for number, words in enumerate(place.answers[: len(place.spanish)]):
            told[place.spanish[number]] = told[f"Who: {place.spanish[number]}"] = (owner, words)
    return told


@given(group=some_places(), most=st.integers(1, 6), seed=st.integers(0, 99))
def test_passages_that_hold_the_answer_and_only_they_are_excused(group: list[Place], most: int, seed: int) -> None:
    batch, told = pairs(group, most, random.Random(seed)), owners_of(group)
    assert batch.passages == tuple(place.text for place in group)
    assert batch.owners == tuple(told[question][0] for question in batch.questions)
    assert len(set(batch.excused)) == len(batch.excused)
    assert set(batch.excused) == {
        (number, other)
        for number, question in enumerate(batch.questions)
        for other, place in enumerate(group)
        if other != told[question][0] and told[question][1] in bare(place.text)
    }


@given(group=some_places(), most=st.integers(1, 6), seed=st.integers(0, 99))
def test_english_questions_are_twins_of_the_same_in_spanish(group: list[Place], most: int, seed: int) -> None:
    batch = pairs(group, most, random.Random(seed))
    assert len(set(batch.questions)) == len(batch.questions)
    english = [number for number, question in enumerate(batch.questions) if question.startswith("Who: ")]
    assert sorted(number for number, _ in batch.twins) == english
    assert all(batch.questions[one] == f"Who: {batch.questions[other]}" for one, other in batch.twins)
    for owner, place in enumerate(group):
        of_place = [number for number, each in enumerate(batch.owners) if each == owner]
        wanted = 2 * min(len(place.spanish), most // 2) if place.english else min(len(place.spanish), most)
        assert len(of_place) == wanted <= most
    assert pairs(group, most, random.Random(seed)) == batch


def test_accents_and_case_do_not_hide_an_answer() -> None:
    group = [
        place_of("Lo dijo José Pérez.", ("¿Quién?", "José Pérez")),
        place_of("JOSE PEREZ calla."),
        place_of("José."),
    ]
    assert pairs(group, 2, random.Random(0)).excused == ((0, 1),)


def is_of(batch: Pairs, group: list[int], found: list[Place]) -> bool:
    return {found[number].text for number in group} <= set(batch.passages)


@given(count=st.integers(1, 30), size=st.integers(1, 4), batch_groups=st.integers(1, 4), seed=st.integers(0, 9))
def test_an_epoch_has_every_group_once(count: int, size: int, batch_groups: int, seed: int) -> None:
    found = [place_of(f"Texto {number}", (f"¿{number}?", f"{number}")) for number in range(count)]
    groups = [list(range(begin, min(count, begin + size))) for begin in range(0, count, size)]
    made = batches(found, groups, batch_groups, 3, random.Random(seed))
    assert Counter(text for batch in made for text in batch.passages) == Counter(each.text for each in found)
    assert all(sum(is_of(batch, group, found) for batch in made) == 1 for group in groups)
    held = [sum(is_of(batch, group, found) for group in groups) for batch in made]
    assert all(each == batch_groups for each in held[:-1]) and held[-1] <= batch_groups
    assert sum(held) == len(groups)
    assert batches(found, groups, batch_groups, 3, random.Random(seed)) == made


def test_groups_without_questions_are_in_a_batch_with_others_only() -> None:
    found = [place_of("Uno", ("¿Uno?", "uno")), place_of("Dos"), place_of("Tres")]
    assert [batch.passages for batch in batches(found, [[0], [1], [2]], 1, 3, random.Random(0))] == [("Uno",)]
    (whole,) = batches(found, [[0], [1], [2]], 3, 3, random.Random(0))
    assert set(whole.passages) == {"Uno", "Dos", "Tres"}


def test_epochs_come_in_another_order() -> None:
    found = [place_of(f"Texto {number}", (f"¿{number}?", f"{number}")) for number in range(12)]
    chance, groups = random.Random(0), [[number] for number in range(12)]
    first, second = (batches(found, groups, 1, 3, chance) for _ in range(2))
    assert first != second and sorted(map(repr, first)) == sorted(map(repr, second))

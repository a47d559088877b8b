"""Each check of the reading corpus passes a good passage and finds the one fault of a bad one."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.training.faults import _candidates, accepted_words, duplicates, faults_of, has_dictionary, misspellings
from qa.training.passages import Passage, Question, Span

OPENING = "La alcaldesa Ruth Quispe abrió el martes la posta de Ñahuimpuquio. Costó 12 000 soles."
FILLING = " ".join(["Los vecinos llegaron temprano con bancos y termos, según la regidora."] * 8)
TEXT = f"{OPENING} {FILLING}"


def span(piece: str) -> Span:
    return Span(piece, TEXT.index(piece))


WHO = Question("t-01-1", "who", "¿Quién abrió la posta?", "Who opened the health post?", (span("Ruth Quispe"),))
LIST = Question(
    "t-01-2", "list", "¿Qué traían los vecinos?", "What did the neighbours bring?", (span("bancos"), span("termos"))
)
YES = Question(
    "t-01-3", "yes_no", "¿Tuvo un costo?", "Did it have a cost?", (span("Costó 12 000 soles."),), None, "yes"
)
NEAR = Question("t-01-4", "why", "¿Por qué se tardó?", "Why was it late?", (), span(OPENING.split(". ")[0] + "."))
TYPED = replace(WHO, id="t-01-5", question="kien abrio la posta", question_en="Who opened it?", typed=True)
MANY = Question("t-01-6", "how_many", "¿Cuánto costó?", "How much did it cost?", (span("12 000 soles"),))
GOOD = Passage("t-01", "t", "brief", "Perú", "La posta", TEXT, (WHO, LIST, YES, NEAR, TYPED, MANY))


def faults_with(question: Question) -> list[str]:
    return list(faults_of(replace(GOOD, questions=(question,))))


def test_a_good_passage_has_no_faults() -> None:
    assert not list(faults_of(GOOD))
    assert not list(duplicates([GOOD]))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("Corto.", "1 words"),
        (f"{TEXT} {TEXT} {TEXT}", "words, expected"),
        (f"{TEXT} An\u0303o.", "NFC"),
        (f"{TEXT}  Más.", "white space"),
        (f"{TEXT}\n\nMás.", "white space"),
        (f"{TEXT}\u00a0Más.", "white space"),
        (f"{TEXT} Dijo «sí.", "1 « but 0 »"),
        (f"{TEXT} ¿Sí.", "1 ¿ but 0 ?"),
    ],
)
def test_faults_of_a_text(text: str, fault: str) -> None:
    found = list(faults_of(replace(GOOD, text=text, questions=(WHO,))))
    assert fault in found[0] and found[0].startswith("t-01: ")


def test_a_text_that_is_cut_off_may_leave_a_quotation_open() -> None:
    assert not list(faults_of(replace(GOOD, text=f"{TEXT} Dijo «sí …", questions=(WHO,))))


@pytest.mark.parametrize(
    ("question", "fault"),
    [
        (replace(WHO, kind="quien"), "kind quien"),
        (replace(WHO, question="Quién abrió la posta?"), "without ¿"),
        (replace(WHO, question="¿Quién abrió la posta"), "without ¿"),
        (replace(WHO, question_en="Who opened the post"), "English without ?"),
        (replace(WHO, question_en="¿Quién abrió la posta?"), "not Spanish and English"),
        (replace(WHO, question="¿Who opened the post?"), "not Spanish and English"),
        (replace(TYPED, question="quién abrio la posta"), "accents"),
        (replace(TYPED, question="¿quien abrio la posta?"), "with ¿"),
        (replace(WHO, answers=()), "neither an answer"),
        (replace(WHO, answers=(Span("Ruth Quispe", 0),)), "does not stand at 0"),
        (replace(WHO, answers=(Span("", 0),)), "does not stand"),
        (replace(WHO, answers=(span("Ruth Quisp"),)), "within a word"),
        (replace(WHO, answers=(span("Ruth Quispe "),)), "white space or punctuation"),
        (replace(WHO, answers=(span("Ruth"), span("Quispe"))), "2 answers for a question of kind who"),
        (replace(LIST, answers=(span("bancos"),)), "1 answers for a question of kind list"),
        (replace(LIST, answers=LIST.answers[::-1]), "another order"),
        (replace(LIST, answers=(span("bancos y termos"), span("termos"))), "overlap"),
        (
            replace(WHO, answers=(span("La alcaldesa"), span("Ruth")), kind="list", question="¿A Ruth?"),
            "in the question",
        ),
        (replace(WHO, answers=(Span(TEXT[: TEXT.index("termos", 400)].strip(), 0),)), "words"),
        (replace(MANY, answers=(span("soles"),)), "no number"),
        (replace(YES, yes_no=""), 'yes_no is ""'),
        (replace(YES, yes_no="maybe"), "yes_no is"),
        (replace(WHO, yes_no="yes"), "yes_no is"),
        (replace(YES, answers=(span("12 000 soles"),)), "not a whole sentence"),
        (replace(NEAR, tempting=span("la posta")), "not a whole sentence"),
        (replace(NEAR, answers=(span("la posta"),)), "a near miss with an answer"),
    ],
)
def test_faults_of_a_question(question: Question, fault: str) -> None:
    found = faults_with(question)
    assert any(fault in each for each in found), found
    assert all(each.startswith(question.id) for each in found)


def test_a_question_is_asked_once() -> None:
    again = replace(WHO, id="t-01-9", question="¿QUIÉN ABRIÓ LA POSTA?", question_en="Who was it that opened it?")
    found = list(faults_of(replace(GOOD, questions=(WHO, again))))
    assert found == ["t-01-9: asked before: ¿QUIÉN ABRIÓ LA POSTA?"]


def test_an_answer_may_not_go_over_a_paragraph() -> None:
    text = TEXT.replace(". Costó", ".\nCostó")
    answer = Span("Ñahuimpuquio.\nCostó 12 000 soles", text.index("Ñahuimpuquio"))
    found = list(faults_of(replace(GOOD, text=text, questions=(replace(WHO, answers=(answer,)),))))
    assert any("end of a paragraph" in fault for fault in found)


def other(text: str, *questions: Question) -> Passage:
    return Passage("u-01", "u", "brief", "Chile", "Otra", text, questions)


def test_what_two_passages_share_is_found() -> None:
    shared = "abrió el martes la posta de Ñahuimpuquio. Costó 12 000 pesos"
    assert not list(duplicates([GOOD, other("Nada que ver con lo demás, ni de lejos, créanme ustedes.")]))
    (fault,) = duplicates([GOOD, other(f"Allí {shared}.")])
    assert fault.startswith("u-01: «abrio el martes la posta de nahuimpuquio costo»") and fault.endswith("as in t-01")


def test_nearly_the_same_question_of_two_passages_is_found() -> None:
    near = replace(WHO, id="u-01-1", question="¿Y quién abrió la posta?")
    far = replace(WHO, id="u-01-2", question="¿Quién abrió la puerta del invernadero?")
    (fault,) = duplicates([replace(GOOD, questions=(WHO, LIST)), other("Otro texto.", near, far)])
    assert fault == "u-01-1: ¿Y quién abrió la posta? is much like t-01-1: ¿Quién abrió la posta?"


@given(st.lists(st.sets(st.sampled_from("abcdefgh"), min_size=1), max_size=8))
def test_no_pair_of_alike_sets_is_passed_over(sets: list[set[str]]) -> None:
    pairs = {(one, other) for other in range(len(sets)) for one in range(other)}
    alike = {(a, b) for a, b in pairs if len(sets[a] & sets[b]) / len(sets[a] | sets[b]) >= 0.75}
    assert alike <= _candidates(sets) <= pairs


def test_ids_are_used_once() -> None:
    assert list(duplicates([GOOD, replace(GOOD, text="Otro texto.", questions=())])) == ["t-01: an id used before"]


@pytest.mark.skipif(not has_dictionary(), reason="needs hunspell with its Spanish dictionary")
def test_spelling_is_checked_but_for_names_typed_questions_and_accepted_words() -> None:
    texts = replace(GOOD, text="El desarroyo de Ñahuimpuquio, con marraquetas.", questions=(TYPED,))
    assert [fault.split("«")[1].split("»")[0] for fault in misspellings([texts], frozenset())] == [
        "desarroyo",
        "marraquetas",
    ]
    assert len(list(misspellings([texts], frozenset({"marraquetas"})))) == 1
    assert not list(misspellings([GOOD], frozenset()))


def test_accepted_words_are_read_from_a_file_if_there_is_one(tmp_path: Path) -> None:
    assert accepted_words(tmp_path / "none.txt") == frozenset()
    (tmp_path / "words.txt").write_text("chacra\nposta\n", encoding="utf-8")
    assert accepted_words(tmp_path / "words.txt") == {"chacra", "posta"}

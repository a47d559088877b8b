"""The handwritten list: its form, and what it relates."""

from importlib.resources import files

from index.spanish import stem, stopwords
from index.thesaurus import parse, related

GROUPS = parse(files("index").joinpath("thesaurus.txt").read_text(encoding="utf-8"))


def test_parse_leaves_out_comments_and_blank_lines() -> None:
    assert parse("# x\n\nlazo, nexo | tie\n") == [(("lazo", "nexo"), ("tie",))]


def test_every_group_is_single_lower_case_words_on_both_sides() -> None:
    assert len(GROUPS) > 1_500
    for spanish, english in GROUPS:
        assert spanish and english, (spanish, english)
        for side in (spanish, english):
            assert len(set(side)) == len(side), side
            assert all(word == word.lower() and " " not in word for word in side), side


def test_related_words_of_a_spanish_question() -> None:
    assert stem("obsequio") in related(stem("regaló"))
    assert stem("atmósfera") in related(stem("ambiente"))
    assert related("xyzzy") == frozenset()


def test_a_term_is_not_related_to_itself() -> None:
    assert all(stem(word) not in related(stem(word)) for spanish, _ in GROUPS for word in spanish)


def test_english_words_lead_to_spanish_ones_only_in_english_questions() -> None:
    assert stem("vínculo") in related(stem("ties"), english=True)
    assert stem("vínculo") not in related(stem("ties"))


def test_function_words_stay_out_but_for_a_few_homographs() -> None:
    # «era» is a time as well as a verb; a list that relates function words would relate everything.
    homographs = {"era", "siente", "tanto", "uno", "ninguno", "llama", "solo", "ir", "vio"}
    assert {word for spanish, _ in GROUPS for word in spanish if word in stopwords()} <= homographs

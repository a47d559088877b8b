"""Measures against hand-worked values."""

from eval.metrics import holds_fact, normalised, overlaps, stands


def test_normalised_leaves_words_and_figures() -> None:
    assert normalised("¿«Kim Jong-un», 5.000?") == " kim jong un 5 000 "


def test_every_group_must_be_met_by_whole_words() -> None:
    groups = [["TASS"], ["RIA", "agencia RIA"]]
    assert holds_fact(groups, "Según TASS y la agencia RIA.")
    assert not holds_fact(groups, "Según TASS.")
    # «variación» contains the letters of RIA, not the word
    assert not holds_fact(groups, "TASS habla de variación.")


def test_accents_do_not_matter() -> None:
    assert holds_fact([["fracaso"]], "La ofensiva fracasó.")


def test_overlap_needs_the_same_file_and_a_shared_character() -> None:
    gold = [{"file": "a.txt", "start": 10, "end": 20}]
    assert overlaps({"file": "a.txt", "start": 19, "end": 30}, gold)
    assert not overlaps({"file": "a.txt", "start": 20, "end": 30}, gold)
    assert not overlaps({"file": "b.txt", "start": 10, "end": 20}, gold)


def test_a_quotation_stands_only_at_its_offsets() -> None:
    assert stands({"start": 3, "end": 6, "quote": "dos"}, "un dos")
    assert not stands({"start": 2, "end": 5, "quote": "dos"}, "un dos")

"""Near misses that the wording of their questions gives away are found, and none where it gives nothing away."""

import random

from qa.training.passages import Passage, Question, Span
from qa.training.telling import auroc_of_wording, told_by_wording

WORDS = "barco puerto red ancla muelle faro vela remo bote cabo".split()


def passages(wordings: tuple[str, str]) -> list[Passage]:
    """Forty passages with an answered question of the first wording and a near miss of the second, about any thing."""
    drawn = random.Random(0)
    made = []
    for number in range(40):
        first, second = (f"¿{wording} {drawn.choice(WORDS)}?" for wording in wordings)
        answered = Question(f"t-{number}-1", "what", first, "What?", (Span("red", 0),))
        near = Question(f"t-{number}-2", "what", second, "What?", (), Span("red", 0))
        made.append(Passage(f"t-{number}", "t", "brief", "Perú", "", "red", (answered, near)))
    return made


def test_a_wording_of_near_misses_alone_gives_them_away() -> None:
    assert auroc_of_wording(passages(("Con qué", "Cuánto cuesta el"))) == 1.0
    told = {it.question.id: it.log_odds for it in told_by_wording(passages(("Con qué", "Cuánto cuesta el")))}
    assert told["t-7-2"] > 0 > told["t-7-1"]


def test_the_same_wordings_give_nothing_away() -> None:
    assert 0.3 < auroc_of_wording(passages(("Con qué", "Con qué"))) < 0.7

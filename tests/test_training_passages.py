"""Passages of the reading corpus as lines of JSON, and back."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.training.passages import KINDS, Passage, Question, Span, read_passages, to_line, write_passages

# A lone surrogate is no text: it cannot be written as UTF-8.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
SPANS = st.builds(Span, TEXTS, st.integers(0, 2_000))
ANSWERED = st.builds(
    Question, TEXTS, st.sampled_from(KINDS), TEXTS, TEXTS, st.lists(SPANS, min_size=1).map(tuple), st.none(), TEXTS
)
NEAR_MISSES = st.builds(Question, TEXTS, st.sampled_from(KINDS), TEXTS, TEXTS, st.just(()), SPANS, typed=st.booleans())
PASSAGES = st.builds(
    Passage, TEXTS, TEXTS, TEXTS, TEXTS, TEXTS, TEXTS, st.lists(ANSWERED | NEAR_MISSES, max_size=3).map(tuple)
)


@given(passages=st.lists(PASSAGES, max_size=3))
def test_written_and_read_again_is_the_same(passages: list[Passage], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("passages") / "train.jsonl"
    write_passages(path, passages)
    assert list(read_passages([path])) == passages


def test_a_line_has_the_keys_of_squad() -> None:
    answered = Question("t-01-1", "yes_no", "¿Sí?", "Yes?", (Span("Sí.", 0),), None, "yes", True)
    near = Question("t-01-2", "who", "¿Quién?", "Who?", (), Span("Sí.", 0))
    record = json.loads(to_line(Passage("t-01", "t", "brief", "Perú", "Título", "Sí.", (answered, near))))
    assert record["context"] == "Sí."
    assert record["qas"] == [
        {
            "id": "t-01-1",
            "kind": "yes_no",
            "question": "¿Sí?",
            "question_en": "Yes?",
            "is_impossible": False,
            "answers": [{"text": "Sí.", "answer_start": 0}],
            "yes_no": "yes",
            "typed": True,
        },
        {
            "id": "t-01-2",
            "kind": "who",
            "question": "¿Quién?",
            "question_en": "Who?",
            "is_impossible": True,
            "answers": [],
            "tempting_sentence": {"text": "Sí.", "answer_start": 0},
        },
    ]


@pytest.mark.parametrize("change", [{"is_impossible": True}, {"tempting_sentence": {"text": "Sí.", "answer_start": 0}}])
def test_impossible_goes_with_a_tempting_sentence(change: dict[str, object], tmp_path: Path) -> None:
    question = Question("t-01-1", "who", "¿Quién?", "Who?", (Span("Sí.", 0),))
    record = json.loads(to_line(Passage("t-01", "t", "brief", "Perú", "Título", "Sí.", (question,))))
    record["qas"][0] |= change
    (tmp_path / "train.jsonl").write_text(json.dumps(record), encoding="utf-8")
    with pytest.raises(ValueError, match="t-01-1"):
        read_passages([tmp_path / "train.jsonl"])


def test_a_span_ends_after_its_last_character() -> None:
    assert Span("Sí.", 4).end == 7

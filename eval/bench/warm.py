"""Questions asked of a program that has everything open, over the bare calls of llama.cpp that answering them takes."""

from collections.abc import Callable
from functools import partial

from eval.bench.ground import Ground
from eval.bench.pairs import Pairs, alternated, drawn, seconds_of
from eval.bench.recording import Evaluated, Explored, recorded
from eval.bench.replaying import Replayer, decodes
from eval.bench.rows import Row, ratio_row
from eval.types import Question
from qa.answer import Assistant
from qa.model import LlamaModel
from qa.types import Turn

_QUESTIONS, _PAIRS_OF_A_QUESTION = 120, 3
_MOST_TIMES = 1.1


def warm_ask(ground: Ground) -> list[Row]:
    """With all passages read before, whose states both sides put back; and with none."""
    return [_asked(ground, "warm_ask", keeping=True), _asked(ground, "warm_ask_cold_prefixes", keeping=False)]


def _asked(ground: Ground, name: str, keeping: bool) -> Row:
    replayer = Replayer(ground.model)
    pairs, calls = Pairs(), list[int]()
    for question in drawn(ground.questions, ground.runs(_QUESTIONS)):
        made, measured = measure(ground.assistant, ground.model, replayer, question, keeping, len(pairs.ours))
        pairs += measured
        calls.append(made)
    before = "every passage kept" if keeping else "no passage kept"
    titles = (f"ask, {before}", "llama_decode on the same tokens")
    details = {"questions": len(calls), "without_decoding": calls.count(0), "decodes": sum(calls)}
    return ratio_row(name, _MOST_TIMES, titles, pairs, details=details)


def measure(
    assistant: Assistant, model: LlamaModel, replayer: Replayer, question: Question, keeping: bool, begun: int = 0
) -> tuple[int, Pairs]:
    """How often one question has the model decode, and the seconds of both sides; `begun` pairs were measured before.

    The question is asked before, so that all is warm; where passages are kept, it is recorded when it is asked again.
    """
    turns = list[Turn]()
    for asked in question.history:
        turns.append(assistant.ask(asked, history=turns).turn)
    ask = partial(assistant.ask, question.question, question.id, turns)
    with recorded(model) as calls:
        ask()
        if keeping:
            calls.clear()
            ask()
    replayer.check(calls)
    script = replayer.script(calls)
    replayer.run(script)
    ours = _timed(ask, (lambda: None) if keeping else model.forget)
    pairs = alternated(ours, partial(seconds_of, partial(replayer.run, script)), _PAIRS_OF_A_QUESTION, begun)
    return sum(len(decodes(call)) for call in calls if isinstance(call, Evaluated | Explored)), pairs


def _timed(work: Callable[[], object], before: Callable[[], None]) -> Callable[[], float]:
    """Times something that has to be prepared each time, without the preparing."""

    def measured() -> float:
        before()
        return seconds_of(work)

    return measured

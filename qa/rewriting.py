"""A follow-up question and the turns before it -> the question written out by a model that writes well.

What the model adds is checked: a name or number that neither the conversation nor the question holds turns it down.
"""

import re
from collections.abc import Sequence

from index.spanish import fold, function_words
from qa.citations import unsupported
from qa.model import Model
from qa.prompt import rewriting_prompt
from qa.types import Turn

MOST_TURNS = 3
"""So many turns at most are shown to the model."""
_MOST_TOKENS = 80
_GRAMMAR = r"root ::= [^\x00-\x20\x7F<>\[\]] [^\x00-\x1F\x7F<>\[\]]{2,200}"


def rewritten(model: Model, question: str, turns: Sequence[Turn]) -> str | None:
    """The question as the model completes it; None where it wrote none, or one that is not from the conversation."""
    recent = turns[-MOST_TURNS:]
    prompt = rewriting_prompt(model, question, recent)
    if len(prompt) + _MOST_TOKENS > model.context_tokens:
        return None
    text = " ".join(model.complete(prompt, _GRAMMAR, _MOST_TOKENS).text.split())
    found = re.search(r"¿[^?]*\?|^[^?]*\?", text)
    if found is None:
        return None
    said = " ".join(f"{turn.understood or turn.question} {turn.answer}" for turn in recent)
    return found.group() if _is_from(found.group(), f"{said} {question}") else None


def _is_from(written: str, said: str) -> bool:
    first = re.search(r"\w+", written)
    # What opens a sentence has its capital from there, so its first word must be an old one or no name at all.
    opens_well = first is not None and fold(first.group()) in function_words() | set(re.findall(r"\w+", fold(said)))
    return opens_well and not unsupported(written, said, translated=True)

"""Prompts: a question and passages enter; the tokens that a model is started with leave.

Texts of articles and users are content: they are tokenised with control tokens off, so that `<|im_end|>` in an article
stays text. Only the scaffolding that a model's own chat template puts around them is tokenised with control tokens on.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, NoReturn

from index.types import Passage
from qa.errors import ContextError, ModelError
from qa.model import Model
from qa.types import Turn

if TYPE_CHECKING:
    from jinja2.sandbox import ImmutableSandboxedEnvironment

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
# Put in place of the contents while a chat template is rendered; nothing a template would touch or contain.
_SYSTEM, _USER = "7QsystemcontentQ7", "7QusercontentQ7"
_SENTINEL = re.compile(f"({_SYSTEM}|{_USER})")
_PASSAGE_TAG = re.compile(r"<(?=/?pasaje)")


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a prompt; in a `special` one control tokens are recognised."""

    text: str
    special: bool


@dataclass(frozen=True, slots=True)
class Fitted:
    """A prompt that leaves room for its answer, the passages in it, and how many of the lowest-ranked were dropped."""

    tokens: tuple[int, ...]
    passages: tuple[Passage, ...]
    dropped: int


def load_template(name: str) -> str:
    """The text of `prompts/<name>.txt`, without its last line break."""
    return files("prompts").joinpath(f"{name}.txt").read_text(encoding="utf-8").removesuffix("\n")


def fill(template: str, values: Mapping[str, str]) -> str:
    """Put values in place of `{placeholders}`; braces inside a value stay as they are.

    Raises `ValueError` that lists every placeholder without a value and every value without a placeholder.

    >>> fill("Texto: {sentence}", {"sentence": "Llovió {mucho}."})
    'Texto: Llovió {mucho}.'
    """
    wanted = set(_PLACEHOLDER.findall(template))
    missing, unknown = sorted(wanted - set(values)), sorted(set(values) - wanted)
    if missing or unknown:
        raise ValueError(f"template values missing: {missing}, unknown: {unknown}")
    return _PLACEHOLDER.sub(lambda match: values[match[1]], template)


def tokenize_segments(model: Model, segments: Sequence[Segment]) -> list[int]:
    """The segments' tokens after the model's own first token where prompts must have it and the scaffold does not."""
    tokens = [token for part in segments for token in model.tokenize(part.text, special=part.special)]
    if model.begin_token is not None and tokens[:1] != [model.begin_token]:
        return [model.begin_token, *tokens]
    return tokens


def likelihood_prompt(model: Model, sentence: str) -> list[int]:
    """The prefix for scoring a question: a text that the question may be about."""
    text = fill(load_template("likelihood"), {"sentence": sentence})
    return tokenize_segments(model, [Segment(text, special=False)])


def likelihood_continuation(model: Model, question: str) -> list[int]:
    """A question as it continues `likelihood_prompt`. The space belongs to its first word, as in running text."""
    return model.tokenize(" " + question.strip())


def composing_prompt(model: Model, question: str, passages: Sequence[Passage]) -> list[int]:
    """The chat prompt that asks for sentences with the markers of the passages, which count from 1."""
    delimited = "\n".join(_delimited(number, passage.text) for number, passage in enumerate(passages, 1))
    user = fill(load_template("composing_user"), {"passages": delimited, "question": question})
    return render_chat(model, fill(load_template("composing_system"), {}), user)


def rewriting_prompt(model: Model, question: str, turns: Sequence[Turn]) -> list[int]:
    """The chat prompt that asks for a follow-up question written out, after the turns before it."""
    said = "\n".join(f"Pregunta: {turn.understood or turn.question}\nRespuesta: {turn.answer}" for turn in turns)
    return render_chat(model, "", fill(load_template("rewriting"), {"turns": said, "question": question}))


def _delimited(number: int, text: str) -> str:
    # A tag of ours inside an article must not end its passage.
    return f"<pasaje>\n[{number}] {_PASSAGE_TAG.sub('‹', text)}\n</pasaje>"


def render_chat(model: Model, system: str, user: str) -> list[int]:
    """Tokens of one exchange in the model's own chat template, up to where the assistant's text begins.

    A template that refuses the system role, or leaves its text out, gets it at the head of the user's; a model without
    a template gets plain text. Raises `ModelError` for a template that cannot be rendered.
    """
    contents = {_SYSTEM: system.strip(), _USER: user.strip()}
    parts = _SENTINEL.split(_scaffold(model, with_system=bool(system)))
    if system and _SYSTEM not in parts:
        contents[_USER] = f"{system.strip()}\n\n{user.strip()}"
    segments = [Segment(contents.get(part, part), special=part not in contents) for part in parts]
    return tokenize_segments(model, [segment for segment in segments if segment.text])


def _scaffold(model: Model, with_system: bool) -> str:
    if model.chat_template is None:
        return (f"{_SYSTEM}\n\n" if with_system else "") + f"{_USER}\nRespuesta:"
    try:
        return _render(model.chat_template, model.begin_text, model.end_text, with_system)
    except ValueError as error:
        raise ModelError(
            f"the chat template of {model.name} cannot be used ({error})",
            "a template that takes one question of a user",
            "name another model with --model",
        ) from error


@cache
def _render(template: str, begin_text: str, end_text: str, with_system: bool) -> str:
    """The template around sentinels, with exactly one for the user and at most one for the system.

    Raises `ValueError` where the template fails even without the system role.
    """
    from jinja2 import TemplateError

    messages = [{"role": "system", "content": _SYSTEM}] if with_system else []
    try:
        text = (
            _environment()
            .from_string(template)
            .render(
                messages=[*messages, {"role": "user", "content": _USER}],
                add_generation_prompt=True,
                enable_thinking=False,
                bos_token=begin_text,
                eos_token=end_text,
            )
        )
    except (TemplateError, _RefusalError) as error:
        text, failure = "", str(error)
    else:
        failure = "it does not show the user's text once"
    if text.count(_USER) == 1 and text.count(_SYSTEM) == int(with_system):
        return _close_thinking(text)
    if with_system:
        return _render(template, begin_text, end_text, with_system=False)
    raise ValueError(failure)


def _environment() -> "ImmutableSandboxedEnvironment":
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    # The settings that model makers write their templates for; sandboxed, because a template comes with the weights.
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )
    environment.globals["raise_exception"] = _refuse
    environment.globals["strftime_now"] = _fixed_date
    return environment


class _RefusalError(Exception):
    """A chat template called `raise_exception`."""


def _refuse(message: str) -> NoReturn:
    raise _RefusalError(message)


def _fixed_date(form: str) -> str:
    # Not today's: the same question must give the same answer tomorrow.
    return date(2024, 7, 26).strftime(form)


def _close_thinking(scaffold: str) -> str:
    """End a thinking block that the template opens for the assistant: an answer must follow, not a soliloquy."""
    if scaffold.rfind("<think>") > max(scaffold.rfind("</think>"), scaffold.rfind(_USER)):
        return scaffold.rstrip("\n") + "\n\n</think>\n\n"
    return scaffold


def fit(passages: Sequence[Passage], room_tokens: int, prompt: Callable[[Sequence[Passage]], list[int]]) -> Fitted:
    """The longest prompt of at most `room_tokens`, dropping passages from the end, which must be the lowest-ranked.

    Raises `ContextError` where not even the first passage fits.
    """
    for count in range(len(passages), 0, -1):
        tokens = prompt(passages[:count])
        if len(tokens) <= room_tokens:
            return Fitted(tuple(tokens), tuple(passages[:count]), len(passages) - count)
    raise ContextError(
        f"a context with {room_tokens} tokens for the prompt",
        "room for the question and one passage",
        "shorten the question, or name a model with a larger context",
    )

"""Writing a question set: a question is typed, its evidence picked from what is found, its answer put in words.

It knows nothing of keyboards: a terminal, a pipe and a test give it a line for each prompt alike. A file grows by whole
lines, each on disk before the next question is asked.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from eval.drafting import Found, answers_of, are_twins, essentials, guessed_type, new_id, one_line
from eval.growing import append_question, questions_so_far
from eval.metrics import holds_fact
from eval.normalisation import normalised
from eval.types import SPLITS, TYPES, UNANSWERABLE, Evidence, Question
from index.corpus import TEXT_SUFFIXES
from index.spanish import is_english
from index.types import Hit
from qa.errors import QuestionError, QuestionsError
from qa.intent import checked
from qa.options import assistant_for
from qa.render import harmless
from qa.settings import Settings
from qa.terminal import at_terminal, console, standard_lines

if TYPE_CHECKING:
    from rich.console import Console

Ask = Callable[[str], str]
"""Shows a prompt and gives the line typed for it. Raises `EOFError` at the end, `KeyboardInterrupt` for Ctrl-C."""

_WHY = {
    "near_miss": "the articles speak of it, but do not say just this",
    "false_premise": "the question takes something for true that is not so in the articles",
    "off_topic": "the articles do not speak of it at all",
    "beyond_time": "it lies before or after the time of the articles",
}
_REASONS = "\n".join(f"  {name:<13}  {meaning}" for name, meaning in _WHY.items())
_WELCOME = "Each question is written as soon as it is complete. ? helps at every prompt, an empty line or Ctrl-D ends."
_QUESTION_HELP = "A question as a reader would ask it, best not in the words of the article. An empty line ends."
_SENTENCES_HELP = """\
1a 2c    the sentences that hold the answer, each by its label
/ words  search with other words; what was found before can still be named
0        no article answers this
An empty line drops the question."""
_WHY_HELP = f"Why there is no answer, by its name or the beginning of it:\n{_REASONS}"
_ANSWER_HELP = """\
The fewest words that a right answer must have, as in: Marta Ruiz
 | between wordings of which one is enough, as in: 5 millones | cinco millones
 + between facts that must all be there, as in: Putin + Lavrov | canciller ruso
Case, accents and punctuation do not count."""
_TYPE_HELP = f"What is asked for, by its name or the beginning of it: {', '.join(TYPES)}."
_SPLIT_HELP = "dev is for trying things out; test is only measured, and what is tuned must not have seen it."


class Finder(Protocol):
    """What finds passages: an `Assistant`."""

    @property
    def files(self) -> Mapping[str, str]:
        """The file name of each article by its document's id."""

    def search(self, question: str) -> Sequence[Hit]:
        """The passages most likely to answer a question, best first."""


class Dropped(Exception):  # not a fault: the user thinks better of it
    """The question is not to be written."""


def run_authoring(settings: Settings, target: Path) -> int:
    """Has questions about the folder of the settings written into a file; gives how many were.

    Raises `UserError` kinds for what a user can mend, and `KeyboardInterrupt`.
    """
    if target.suffix.lower() in TEXT_SUFFIXES and target.resolve().is_relative_to(settings.corpus.resolve()):
        found = f"{target} would be read as an article of {settings.corpus}"
        raise QuestionsError(found, "a file elsewhere, or one in .jsonl", "name one with -o")
    questions_so_far(target)  # before the articles are read, which may take a while
    with assistant_for(settings, at_once=True) as assistant:
        shown = console()
        return write_questions(assistant, typed() if at_terminal() else fed(standard_lines(), shown), shown, target)


def typed() -> Ask:
    """Lines from the keyboard, with those of this time to go back to."""
    from prompt_toolkit import PromptSession

    session: PromptSession[str] = PromptSession()
    return lambda prompt: session.prompt(prompt)


def fed(lines: Iterable[str], console: "Console") -> Ask:
    """Lines from a pipe or a file; each is shown behind its prompt, so that the output reads like a terminal's."""
    waiting = iter(lines)

    def ask(prompt: str) -> str:
        line = next(waiting, None)
        if line is None:
            raise EOFError
        _say(console, (prompt + line).rstrip())
        return line

    return ask


def write_questions(finder: Finder, ask: Ask, console: "Console", target: Path) -> int:
    """Asks for one question after another and appends each to the file; gives how many were written.

    What the file holds is kept. An interruption passes through; the question it comes in is not written. Raises
    `QuestionsError` where the file cannot be read as a question set or cannot grow.
    """
    author = _Author(finder, ask, console, target)
    questions_so_far(target)
    _say(console, _WELCOME)
    written = 0
    try:
        while question := author.next_question():
            try:
                author.write(question)
                written += 1
            except Dropped:
                _say(console, "Dropped.")
    except EOFError:
        pass
    finally:
        _say(console, f"{written} question{'s' * (written != 1)} written to {target}")
    return written


class _Author:
    """The dialogue about one question after another."""

    def __init__(self, finder: Finder, ask: Ask, console: "Console", target: Path) -> None:
        self._finder = finder
        self._ask = ask
        self._console = console
        self._target = target

    def next_question(self) -> str:
        """What is asked next; empty when the user is done."""
        while line := self._line("question> ", _QUESTION_HELP):
            try:
                return checked(line)
            except QuestionError as error:
                self._say(f"{error.found}; expected {error.expected}")
        return ""

    def write(self, text: str) -> None:
        """Asks for all that belongs to a question and appends it. Raises `Dropped`."""
        known = questions_so_far(self._target)
        for repeated in (each.id for each in known if normalised(each.question) == normalised(text)):
            self._say(f"This is asked already in {repeated}; an empty line drops it.")
        evidence = self._evidence(text)
        answers = self._answers(evidence) if evidence else ()
        kind, why = (self._type(text), None) if evidence else (self._why(),) * 2
        lang = "en" if is_english(text) else "es"
        question = Question("", "", kind, lang, text, bool(evidence), answers, evidence, why)
        question = replace(question, split=self._split(question, known))
        # Read again: somebody may have written to the file meanwhile.
        question = replace(question, id=new_id(text, [each.id for each in questions_so_far(self._target)]))
        append_question(self._target, question)
        self._say(essentials(question))

    def _evidence(self, text: str) -> tuple[Evidence, ...]:
        """The sentences that hold the answer; none if no article does."""
        found = Found()
        self._search(text, found)
        while True:
            line = self._needed("sentences> ", _SENTENCES_HELP)
            labels = line.lower().replace(",", " ").split()
            unknown = [label for label in labels if label not in found.sentences]
            if line == "0":
                return ()
            if line.startswith("/"):
                self._search(line[1:].strip() or text, found)
            elif unknown or not labels:
                self._say(f"No sentence {' '.join(unknown) or line}; expected labels such as 1a, or / words, or 0.")
            else:
                return tuple(dict.fromkeys(found.sentences[label] for label in labels))

    def _search(self, words: str, found: "Found") -> None:
        with self._console.status("searching") if self._console.is_terminal else nullcontext():
            shown = found.add(self._finder.search(words), self._finder.files)
        self._say("\n".join(shown) or "Nothing further is found.")

    def _why(self) -> str:
        self._say(f"No article answers this. Why not?\n{_REASONS}")
        return self._chosen("why", UNANSWERABLE, "", _WHY_HELP)

    def _answers(self, evidence: Sequence[Evidence]) -> tuple[tuple[str, ...], ...]:
        """The answer in words; one that the evidence does not hold is kept only if the user says so."""
        self._say("\n".join(f"  «{one_line(each.quote)}»" for each in evidence))
        held = " ".join(each.quote for each in evidence)
        answers: tuple[tuple[str, ...], ...] = ()
        while line := self._line("answer> ", _ANSWER_HELP):
            answers = answers_of(line)
            absent = [each for group in answers for each in group if not holds_fact([[each]], held)]
            if answers and not absent:
                return answers
            if absent:
                named = ", ".join(f"«{each}»" for each in absent)
                self._say(f"Not in these sentences: {named}. Enter keeps the answer; or type it anew.")
            else:
                self._say("No answer with a letter or digit in it; type it anew.")
        if not answers:
            raise Dropped
        return answers

    def _type(self, text: str) -> str:
        return self._chosen("type", TYPES, guessed_type(text), _TYPE_HELP)

    def _split(self, question: Question, known: Sequence[Question]) -> str:
        default = SPLITS[bool(known) and known[-1].split == SPLITS[0]]
        split = self._chosen("split", SPLITS, default, _SPLIT_HELP)
        twin = next((each for each in known if each.split != split and are_twins(question, each)), None)
        if twin is None:
            return split
        self._say(f"The same answer from the same sentence is asked for in {twin.id}, which is in {twin.split}.")
        return self._chosen("split", SPLITS, split, _SPLIT_HELP)

    def _chosen(self, name: str, options: Sequence[str], default: str, help_text: str) -> str:
        """One of the options, by its beginning; the default for an empty line, or `Dropped` if there is none."""
        prompt = f"{name} [{default}]> " if default else f"{name}> "
        while True:
            line = self._line(prompt, help_text) or default
            if not line:
                raise Dropped
            begun = [option for option in options if option.startswith(line.lower())]
            if line.lower() in begun or len(begun) == 1:
                return line.lower() if line.lower() in begun else begun[0]
            self._say(f"No {name} {line}; expected one of {', '.join(begun or options)}.")

    def _needed(self, prompt: str, help_text: str) -> str:
        line = self._line(prompt, help_text)
        if not line:
            raise Dropped
        return line

    def _line(self, prompt: str, help_text: str) -> str:
        while True:
            # What is pasted may have marks that nobody sees, or half a character that no file can hold.
            line = " ".join(harmless(self._ask(prompt)).replace("\ufffd", "").split())
            if line != "?":
                return line
            self._say(help_text)

    def _say(self, text: str) -> None:
        _say(self._console, text)


def _say(console: "Console", text: str) -> None:
    from rich.text import Text

    console.print(Text(harmless(text)))

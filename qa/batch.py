"""A batch: questions in, one record a line out, in their order, each whole and on disk before the next is written.

What is wrong with one question becomes the `error` of its record; what would befall all alike stops the run, which goes
on where it was when the same command is given again.
"""

import json
import os
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from index.corpus import TEXT_SUFFIXES
from index.errors import CorpusError
from qa.answer import Assistant
from qa.answers_file import answers_file
from qa.errors import ContextError, QuestionError, QuestionsError
from qa.questions import Asked, read_questions
from qa.record import SCHEMA, dumps, to_json
from qa.render import harmless, print_answer
from qa.settings import Settings
from qa.terminal import console, counting_bar, note, print_record
from qa.types import Answer

MOST_AT_ONCE = 4
"""Questions that are answered at a time, if there are as many threads: each takes a context of the model."""
# What a record of ours has: the same key of a question must not pass through and be taken for ours.
_OUR_KEYS = frozenset(
    "schema id question understood answer abstained reason confidence citations rejected passages notices model index "
    "seconds error".split()
)


@dataclass(frozen=True, slots=True)
class Done:
    """A question of a batch, its record as a line of JSON, and its answer, None where there was an error."""

    asked: Asked
    record: str
    answer: Answer | None

    @property
    def outcome(self) -> str:
        """What became of it, in a word or two."""
        if self.answer is None:
            return "failed"
        return "not on record" if self.answer.abstained else "answered"


def answer_all(assistant: Assistant, questions: Iterable[Asked], at_once: int = 1) -> Generator[Done, None, None]:
    """Answers the questions in their order, at most so many at a time. More than one asks for more questions than are
    answered: that is not for those of somebody who waits.

    Raises `UserError` kinds for what would befall all alike.
    """
    with assistant.several(at_once) as assistants:
        if len(assistants) == 1:
            yield from (_done(assistant, asked) for asked in questions)
        else:
            yield from _side_by_side(assistants, questions)


def _side_by_side(assistants: Sequence[Assistant], questions: Iterable[Asked]) -> Iterator[Done]:
    with ThreadPoolExecutor(len(assistants)) as pool:
        free: SimpleQueue[Assistant] = SimpleQueue()
        for each in assistants:
            free.put(each)

        def done(asked: Asked) -> Done:
            taken = free.get()
            try:
                return _done(taken, asked)
            finally:
                free.put(taken)

        waiting: deque[Future[Done]] = deque()
        try:
            for asked in questions:
                waiting.append(pool.submit(done, asked))
                if len(waiting) > 2 * len(assistants):
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def _done(assistant: Assistant, asked: Asked) -> Done:
    try:
        answer = _answer(assistant, asked)
    except (QuestionError, ContextError) as error:
        return Done(asked, _error_record(asked, str(error)), None)
    return Done(asked, _with_extra(to_json(answer, assistant.files), asked), answer)


def _answer(assistant: Assistant, asked: Asked) -> Answer:
    if asked.error is not None or asked.question is None:
        raise QuestionError("no question", "a question in words", "mend the line")
    try:
        return assistant.ask(asked.question, asked.id, asked.history)
    except CorpusError:
        # A file that was changing while it was read is at rest a moment later.
        return assistant.ask(asked.question, asked.id, asked.history)


def _error_record(asked: Asked, error: str) -> str:
    record = {"schema": SCHEMA, "id": asked.id, "question": asked.question, "error": asked.error or error}
    return _with_extra(dumps(record), asked)


def _with_extra(line: str, asked: Asked) -> str:
    """A record with the further keys of its question behind its own."""
    if not asked.extra:
        return line
    record: dict[str, Any] = json.loads(line)
    return dumps({**record, **{key: value for key, value in asked.extra.items() if key not in _OUR_KEYS}})


def run_batch(
    assistant: Assistant,
    lines: Iterable[bytes],
    total: int | None,
    output: Path | None,
    restart: bool = False,
    follow: bool = False,
) -> int:
    """Answers the questions of the lines into a file, or to standard output; gives how many could not be asked,
    those of an earlier run among them.

    `total` is the number of questions where it is known, that is where all are there to be read; then several are
    answered at a time. With `follow` each answer is also shown as it comes, in place
    of a progress bar.
    """
    assistant.prepare()
    questions = read_questions(lines)
    if output is None:
        with closing(answer_all(assistant, questions, _at_once(total))) as answered:
            return _write_all(answered, _print_at_once, lambda done: None)
    with answers_file(output, restart) as answers:
        kept, failed = answers.kept(questions)
        # Closed before the file: nobody goes on answering when it is released.
        with closing(answer_all(assistant, questions, _at_once(total, kept))) as answered:
            if follow:
                return _write_all(answered, answers.write, _follower(assistant), kept, failed)
            with counting_bar("Answering", total, kept) as advance:
                return _write_all(answered, answers.write, lambda done: advance(), kept, failed)


def _at_once(total: int | None, kept: int = 0) -> int:
    """How many questions are answered at a time: one for somebody who may wait for it, and none without need."""
    return 1 if total is None else max(1, min(MOST_AT_ONCE, total - kept))


def require_apart(questions: Path | None, output: Path, settings: Settings) -> None:
    """Raises `QuestionsError` where the answers would replace the questions or become an article themselves."""
    # Not `resolve`, which crashes where a link leads to itself: that is told when the file is opened.
    place = Path(os.path.realpath(output))
    if questions is not None and _is_same_file(questions, output):
        raise QuestionsError(f"{output} holds the questions", "another file for the answers", "name one with -o")
    if place.is_relative_to(os.path.realpath(settings.corpus)) and place.suffix.lower() in TEXT_SUFFIXES:
        raise QuestionsError(
            f"{output} would be read as an article of {settings.corpus}",
            "a file elsewhere, or one in .jsonl",
            "name one",
        )


def _is_same_file(one: Path, other: Path) -> bool:
    """Whether both name one file, through links of any kind; what cannot be looked at is told when it is opened."""
    try:
        return one.samefile(other)
    except OSError:
        return False


def _print_at_once(record: str) -> None:
    """Through a pipe as well: whoever reads it gets each record when it is there, and may go away."""
    print_record(record)
    sys.stdout.flush()


def _write_all(
    answered: Iterable[Done],
    write: Callable[[str], None],
    heard: Callable[[Done], None],
    kept: int = 0,
    failed_before: int = 0,
) -> int:
    outcomes: Counter[str] = Counter()
    began = time.monotonic()
    try:
        for done in answered:
            write(done.record)
            outcomes[done.outcome] += 1
            heard(done)
    finally:
        _summarise(outcomes, kept, failed_before, time.monotonic() - began)
    return failed_before + outcomes["failed"]


def _summarise(outcomes: Counter[str], kept: int, failed_before: int, seconds: float) -> None:
    count = outcomes.total()
    told = ", ".join(f"{outcomes[each]} {each}" for each in ("answered", "not on record", "failed") if outcomes[each])
    before = f", {kept} from an earlier run" if kept else ""
    before += f", {failed_before} of them failed" if failed_before else ""
    rate = f", {60 * count / seconds:.0f} a minute" if count > 1 else ""
    note(f"{count} question{'s' * (count != 1)} in {seconds:.0f} s{rate}{': ' * bool(told)}{told}{before}")


def _follower(assistant: Assistant) -> Callable[[Done], None]:
    shown = console()

    def follow(done: Done) -> None:
        shown.print(harmless(f"{done.asked.id}  {done.asked.question or ''}"), style="dim")
        if done.answer is None:
            shown.print(harmless(json.loads(done.record)["error"]))
        else:
            print_answer(shown, done.answer, assistant.files, assistant.settings.corpus)

    return follow

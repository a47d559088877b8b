"""The command of the reading corpus: look at drafts, add them, check what is there, let a second reader answer.

    python -m qa.training.corpus look DRAFT...    faults and figures of drafts
    python -m qa.training.corpus add DRAFT...     write them to qa/training/data/, split by passage
    python -m qa.training.corpus draft ID...      passages of the corpus as a draft again, to mend them and add them
    python -m qa.training.corpus check            faults of what is there; exit status 1 if there are any
    python -m qa.training.corpus telling          near misses that the wording of the question gives away
    python -m qa.training.corpus sheet --seed 2   a random sample for a second reader, without the answers
    python -m qa.training.corpus agree ANSWERS    how far a second reader's answers agree, and where they do not
    python -m qa.training.corpus card             write the figures into the data card

Spelling is checked where hunspell is installed with its Spanish dictionary.
"""

from collections.abc import Collection, Iterable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer

from qa.training import second_reader
from qa.training.card import CARD, agreement_rows, figures, filled, named
from qa.training.drafts import draft_of, passages_of
from qa.training.faults import accepted_words, duplicates, faults_of, has_dictionary, misspellings
from qa.training.figures import imbalances
from qa.training.passages import (
    DATA,
    TRAIN,
    VALIDATION,
    WIRE_TRAIN,
    WIRE_VALIDATION,
    Passage,
    read_passages,
    write_passages,
)
from qa.training.second_reader import Reading, answers_of, readings
from qa.training.telling import told_by_wording

SECOND_READER = DATA / "second_reader.txt"
"""The answers of the second reader that the data card reports."""
_VALIDATION_SHARE = 0.15

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.command()
def look(drafts: Annotated[list[Path], typer.Argument(help="drafts to look at, as one batch")]) -> None:
    """Faults and figures of drafts."""
    passages, faults = _read(drafts)
    faults += all_faults(passages)
    uneven = [f"out of balance: {each}" for each in imbalances(passages)]
    _say([*faults, "", figures(passages), "", *uneven, "", f"{len(faults)} faults"])
    raise typer.Exit(bool(faults))


@app.command()
def add(
    drafts: Annotated[list[Path], typer.Argument(help="drafts without faults")],
    folder: Annotated[Path, typer.Option(help="where the corpus lies")] = DATA,
) -> None:
    """Write the passages of drafts into the corpus, in place of those with the same ids."""
    passages, faults = _read(drafts)
    paths = [folder / TRAIN.name, folder / VALIDATION.name]
    before = [{it.id: it for it in read_passages([path])} if path.exists() else {} for path in paths]
    merged = {**before[0], **before[1], **{passage.id: passage for passage in passages}}
    ordered = sorted(merged.values(), key=lambda it: it.id)
    faults += all_faults(ordered)
    if faults:
        _say([*faults, f"{len(faults)} faults; nothing written"])
        raise typer.Exit(1)
    for path, part in zip(paths, split(ordered, *before), strict=True):
        write_passages(path, part)
    _say([f"{len(passages)} passages added or replaced, {len(merged)} in all"])


@app.command()
def draft(identities: Annotated[list[str], typer.Argument(help="ids of passages, such as health-07")]) -> None:
    """Passages of the corpus as a draft, to be mended and added again."""
    passages = {passage.id: passage for passage in read_passages()}
    if unknown := [identity for identity in identities if identity not in passages]:
        raise typer.BadParameter(f"no passage {', '.join(unknown)}")
    _say(draft_of(passages[identity]) for identity in identities)


@app.command()
def check() -> None:
    """Faults of the corpus as it is, both parts together."""
    faults = all_faults(read_passages([TRAIN, VALIDATION, WIRE_TRAIN, WIRE_VALIDATION]))
    _say([*faults, f"{len(faults)} faults"])
    raise typer.Exit(bool(faults))


@app.command()
def telling(count: Annotated[int, typer.Option(help="how many to show")] = 40) -> None:
    """Near misses that the wording of the question gives away most, judged from the other passages."""
    told = sorted(told_by_wording(read_passages()), key=lambda it: -it.log_odds)
    near = [it for it in told if it.question.is_near_miss]
    _say(f"{it.question.id} {it.log_odds:.2f} {it.question.question}" for it in near[:count])


@app.command()
def sheet(
    count: Annotated[int, typer.Option(help="how many questions")] = 150,
    seed: Annotated[int, typer.Option(help="another seed, another sample")] = 1,
) -> None:
    """Passages with a random sample of their questions, for a second reader."""
    typer.echo(second_reader.sheet(read_passages(), count, seed))


@app.command()
def agree(answers: Annotated[Path, typer.Argument(help="a second reader's answers, «id | answer» a line")]) -> None:
    """How far a second reader's answers agree with the corpus, and where they do not."""
    read = readings_of(answers)
    apart = [it for it in read if it.agreement < 1]
    _say(
        f"{it.question.id} {it.agreement:.2f} {it.question.question} {second_reader.told(it.question)} / {it.said}"
        for it in apart
    )
    _say(["", named(agreement_rows(read))])


@app.command()
def card() -> None:
    """Write the figures of the corpus into its data card."""
    CARD.write_text(filled(CARD.read_text("utf-8"), read_passages(), readings_of(SECOND_READER)), "utf-8")


def readings_of(answers: Path) -> list[Reading]:
    """A second reader's answers in a file, beside those of the corpus."""
    return readings(read_passages(), answers_of(answers.read_text("utf-8")))


def all_faults(passages: Sequence[Passage]) -> list[str]:
    """Every fault of every check; without hunspell and its dictionary, spelling is left out, and said to be."""
    faults = [fault for passage in passages for fault in faults_of(passage)]
    faults += duplicates(passages)
    if has_dictionary():
        faults += misspellings(passages, accepted_words())
    else:
        typer.echo("no hunspell with a Spanish dictionary: spelling is not checked", err=True)
    return faults


def split(
    passages: Iterable[Passage], trained: Collection[str] = (), validated: Collection[str] = ()
) -> tuple[list[Passage], list[Passage]]:
    """Training and validation passages: of each topic, 15 % are validation, those whose ids have the smallest digests.

    Passages whose ids were in one part before stay there, so that no model is measured on what another was trained on.
    """
    topics: dict[str, list[Passage]] = {}
    for passage in passages:
        topics.setdefault(passage.topic, []).append(passage)
    training, validation = [], []
    for members in topics.values():
        held_out = {it.id for it in members if it.id in validated}
        new = [it.id for it in members if it.id not in trained and it.id not in validated]
        missing = max(0, round(_VALIDATION_SHARE * len(members)) - len(held_out))
        held_out.update(sorted(new, key=lambda identity: sha256(identity.encode()).digest())[:missing])
        training += [it for it in members if it.id not in held_out]
        validation += [it for it in members if it.id in held_out]
    return training, validation


def _read(drafts: Iterable[Path]) -> tuple[list[Passage], list[str]]:
    passages: list[Passage] = []
    faults: list[str] = []
    for path in drafts:
        its, its_faults = passages_of(path.read_text("utf-8"))
        passages += its
        faults += its_faults
    return passages, faults


def _say(lines: Iterable[str]) -> None:
    typer.echo("\n".join(lines))


if __name__ == "__main__":
    app()

"""Answers questions about a folder of Spanish articles with quotations that are proven to stand in them.

    from qa import open_corpus

    answer = open_corpus("seeds").ask("¿Qué le regaló Putin a Kim en febrero?")
    print(answer.text)
    for citation in answer.citations:
        print(citation.file, citation.line, citation.quote)

Importing this costs nothing: models and index are opened by the first question.
"""

from os import PathLike
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qa.answer import Assistant

__all__ = ["open_corpus"]


def open_corpus(
    folder: str | PathLike[str],
    *,
    index_dir: str | PathLike[str] | None = None,
    embedder: str | None = None,
    model: str | None = None,
    reader: str | None = None,
    top_k: int | None = None,
) -> "Assistant":
    """The assistant for a folder of articles, the same object that the commands use.

    `ask(question, history=[...])` gives an `Answer`, in the light of earlier questions or of the `turn` of each answer
    before; `search(question)` gives the passages; `index()` brings the index up to date, which the first question does
    by itself. What is not given here comes from the environment (`QA_MODEL` ...) and from `qa.toml` in the working
    folder, as for the commands. Use it from one thread at a time.

    Raises `index.errors.UserError`, or a kind of it, for whatever the user can mend: a folder without articles, a
    missing model, an empty question.
    """
    from qa.answer import Assistant
    from qa.settings import resolve

    given = {"corpus": folder, "index_dir": index_dir, "embedder": embedder, "model": model, "reader": reader}
    flags = {name: None if value is None else str(value) for name, value in given.items()}
    return Assistant(resolve({**flags, "top_k": None if top_k is None else str(top_k)}, caller="open_corpus"))

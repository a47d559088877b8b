"""Counts how many complete questions are taken for follow-ups, by their words alone.

    python -m eval.wording squad_es_train.json xquad_es_dev.json

The questions are in SQuAD format, those marked impossible left out. Most are complete, so «surely» should be rare among
them; some do point back («este asunto») and are rightly counted. «perhaps» is decided by the articles.
"""

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from eval.squad import read_squad
from qa.wording import dependence_of


def main(files: Annotated[list[Path], typer.Argument(help="Questions in SQuAD format.")]) -> None:
    """Print the share of each kind of dependence, a line for each file."""
    for file in files:
        found = Counter(dependence_of(each.question) for each in read_squad(file).questions)
        shares = ", ".join(f"{kind} {found[kind] / found.total():.3f}" for kind in ("none", "perhaps", "surely"))
        print(f"{file.name}: {found.total()} questions; {shares}")


if __name__ == "__main__":
    typer.run(main)

"""A process that brings indexes up to date with the parts that it is given, and says of each what came of it.

Run as a module with the parts as JSON; each line of standard input is an index folder, each answered by a line with
`loaded` and the generation or `refused` and the message. An index that is not there is made.
"""

import json
import sys
from pathlib import Path

from index.build import update
from index.chunker import ChunkerSettings
from index.errors import UserError
from tests.fakes import FakeEmbedder


def main() -> None:
    parts = json.loads(sys.argv[1])
    embedder = FakeEmbedder(parts["digest"], dimension=parts["dimension"])
    lengths = ChunkerSettings(parts["most"], parts["least"])
    for line in sys.stdin:
        try:
            stored, _ = update(Path(parts["corpus"]), Path(json.loads(line)), embedder, lengths)
            print(json.dumps(["loaded", stored.generation]), flush=True)
        except UserError as error:
            print(json.dumps(["refused", f"{type(error).__name__}: {error}"]), flush=True)


if __name__ == "__main__":
    main()

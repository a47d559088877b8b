"""What a stored index says of itself: its files with their digests, and what it was made from.

Values and their JSON form; where they lie on disk is the business of `store`.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from index.chunker import ChunkerSettings
from index.corpus import FileStat
from index.errors import IndexMismatchError

SCHEMA = 2
"""Raised by one whenever the files of an index change their form or meaning."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What decides an index besides its articles. Two embedders of one digest give the same vectors."""

    chunker: ChunkerSettings
    embedder_name: str
    embedder_digest: str
    dimension: int
    normalisation: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """`files` and `corpus` map names to SHA-256; `skipped` maps files that were tried in vain to the reason."""

    generation: str
    files: Mapping[str, str]
    corpus: Mapping[str, str]
    recipe: Recipe
    skipped: Mapping[FileStat, str]

    @property
    def fingerprint(self) -> str:
        """Names the contents: equal for two indexes made of the same articles in the same way (16 hex digits)."""
        return hashlib.sha256(json.dumps(_depends(self), sort_keys=True).encode()).hexdigest()[:16]


def to_json(manifest: Manifest) -> bytes:
    """The bytes of `manifest.json`."""
    skipped = [{**asdict(file), "reason": reason} for file, reason in manifest.skipped.items()]
    fields = {
        "schema": SCHEMA,
        "generation": manifest.generation,
        "files": dict(manifest.files),
        "depends": _depends(manifest),
        "skipped": skipped,
    }
    return json.dumps(fields, ensure_ascii=False, indent=1).encode()


def from_json(raw: bytes) -> Manifest:
    """Reads what `to_json` wrote, of which the digest was checked.

    Raises `IndexMismatchError` if it has another schema, and `ValueError` if it has not the form of a manifest.
    """
    fields = json.loads(raw)
    match fields:
        case {"schema": int(schema)} if schema != SCHEMA:
            raise IndexMismatchError(
                f"an index of schema {schema}", f"schema {SCHEMA}", "run `qa index --rebuild` to make it anew"
            )
        case {
            "schema": int(),
            "generation": str(generation),
            "files": dict(files),
            "depends": {"corpus": dict(corpus), **depends},
            "skipped": list(skipped),
        }:
            return Manifest(generation, files, corpus, _recipe(depends), dict(map(_skipped, skipped)))
    raise ValueError("not a manifest")


def _recipe(depends: object) -> Recipe:
    match depends:
        case {
            "chunker": {"max_characters": int(most), "min_characters": int(least)},
            "embedder": {"name": str(name), "digest": str(digest), "dimension": int(dimension)},
            "normalisation": str(normalisation),
        }:
            return Recipe(ChunkerSettings(most, least), name, digest, dimension, normalisation)
    raise ValueError("nothing that an index is made from")


def _skipped(fields: object) -> tuple[FileStat, str]:
    match fields:
        case {"file": str(file), "size": int(size), "mtime_ns": int(mtime_ns), "reason": str(reason)}:
            return FileStat(file, size, mtime_ns), reason
    raise ValueError("not a file that was tried in vain")


def _depends(manifest: Manifest) -> dict[str, object]:
    recipe = manifest.recipe
    return {
        "corpus": dict(manifest.corpus),
        "chunker": asdict(recipe.chunker),
        "embedder": {
            "name": recipe.embedder_name,
            "digest": recipe.embedder_digest,
            "dimension": recipe.dimension,
        },
        "normalisation": recipe.normalisation,
    }

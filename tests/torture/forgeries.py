"""An index whose digests are right and whose contents are not: the work of someone who can write its folder.

Bytes of a file enter, other bytes leave; `forge` puts them there and makes manifest and pointer agree with them.
Digests cannot tell such an index; nothing in it may crash the process, take its memory or be run. Nothing here opens
an index.
"""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from tests.torture.mutations import Place, files_below

Make = Callable[[bytes], bytes]

MANIFEST = "manifest.json"
HALF_A_CHARACTER = "\ud800"


class Forgery(NamedTuple):
    """What is done to one file of a generation."""

    name: str
    file: str
    make: Make


def forge(place: Place, forgery: Forgery) -> None:
    """Alters the file and mends the digests."""
    path = place.generation / forgery.file
    path.write_bytes(forgery.make(path.read_bytes()))
    if forgery.file != MANIFEST:
        seal(place)
    point(place)


def seal(place: Place) -> None:
    """Gives the manifest the digests of the files as they are now."""
    path = place.generation / MANIFEST
    fields = json.loads(path.read_bytes())
    named = (each for each in files_below(place.generation) if each != path)
    fields["files"] = {each.relative_to(place.generation).as_posix(): _digest(each) for each in named}
    path.write_text(json.dumps(fields))


def point(place: Place) -> None:
    """Gives the pointer the digest of the manifest as it is now."""
    digest = _digest(place.generation / MANIFEST)
    place.pointer.write_text(json.dumps({"generation": place.generation.name, "manifest": digest}))


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def drawn(place: Place, random: Random) -> Forgery:
    """Something done at random: a byte or a value of JSON altered, a file cut off, one of another index taken.

    Some of it may pass, because nothing is wrong with its form.
    """
    path = random.choice(files_below(place.generation))
    file = path.relative_to(place.generation).as_posix()
    donor = random.choice(place.donors) / file
    kinds: dict[str, Make] = {
        "a byte of": lambda raw: _spoiled(raw, random),
        "a cut in": lambda raw: raw[: random.randrange(len(raw) + 1)],
        "another": lambda raw: donor.read_bytes(),
    }
    if file.endswith(("json", "jsonl")):
        kinds["a value of"] = kinds["some value of"] = lambda raw: _with_other_value(raw, random)
    kind = random.choice(list(kinds))
    return Forgery(f"{kind} {file}", file, kinds[kind])


def _spoiled(raw: bytes, random: Random) -> bytes:
    place = random.randrange(len(raw))
    return raw[:place] + random.randbytes(1) + raw[place + 1 :]


def _with_other_value(raw: bytes, random: Random) -> bytes:
    lines = raw.splitlines() if raw.count(b"\n{") else [raw]
    number = random.randrange(len(lines))
    value = json.loads(lines[number])
    _replace_somewhere(value, random)
    lines[number] = json.dumps(value).encode()
    return b"\n".join(lines)


def _replace_somewhere(value: Any, random: Random) -> None:
    key = random.choice(list(value) if isinstance(value, dict) else range(len(value)))
    if isinstance(value[key], dict | list) and value[key] and random.random() < 0.8:
        _replace_somewhere(value[key], random)
    else:
        texts = ("", "x" * 10_000, HALF_A_CHARACTER, "../../etc/passwd", "/dev/zero", "\x1b[31m", "\0")
        numbers = (0, -1, 1, 7, True, 10**9, 2**31, 2**63, 10**40, 0.5, 1e308, float("nan"), float("-inf"))
        value[key] = random.choice((*texts, *numbers, None, [], {}, [[]], {"a": {}}))

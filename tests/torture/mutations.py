"""What may befall a stored index: bits flip, files are cut, mixed up, put in each other's place or made into traps.

A place on disk and a random generator enter; the index there is altered, and the name of what was done leaves. Digests
are not mended here: that is the business of `forgeries`. Nothing here opens an index.
"""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.torture import pickles

State = dict[str, bytes | str]
"""A folder as it lies there: each path in it with its bytes, or with what else it is."""


@dataclass(frozen=True, slots=True)
class Place:
    """An index, generations of other indexes to take files from, and a folder outside of all of them."""

    index_dir: Path
    generation: Path
    donors: tuple[Path, ...]
    outside: Path

    @property
    def pointer(self) -> Path:
        return self.index_dir / "current"

    @property
    def files(self) -> list[Path]:
        return [self.pointer, *files_below(self.generation)]


def files_below(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def state(folder: Path) -> State:
    found: State = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = f"link to {os.readlink(path)}"
        elif path.is_file():
            found[name] = path.read_bytes()
        else:
            found[name] = "folder" if path.is_dir() else "pipe"
    return found


def restore(folder: Path, before: State) -> None:
    """Puts a folder of nothing but files and folders back as it was."""
    shutil.rmtree(folder)
    for name, content in before.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)


def mutate(place: Place, random: Random) -> str:
    """Does one of the kinds to the index and gives its name; what happens to change nothing is tried again."""
    before = state(place.index_dir)
    while True:
        kind = random.choice(list(KINDS))
        KINDS[kind](place, random)
        if state(place.index_dir) != before:
            return kind


def _alter(place: Place, random: Random, change: Callable[[bytearray], object]) -> None:
    path = random.choice(place.files)
    raw = bytearray(path.read_bytes())
    change(raw)
    path.write_bytes(raw)


def flip_bit(place: Place, random: Random) -> None:
    def change(raw: bytearray) -> None:
        raw[random.randrange(len(raw))] ^= 1 << random.randrange(8)

    _alter(place, random, change)


def flip_bytes(place: Place, random: Random) -> None:
    def change(raw: bytearray) -> None:
        for _ in range(random.randint(2, 20)):
            raw[random.randrange(len(raw))] = random.randrange(256)

    _alter(place, random, change)


def zero_block(place: Place, random: Random) -> None:
    def change(raw: bytearray) -> None:
        start, length = random.randrange(len(raw)), random.choice((1, 16, 512, 4096))
        raw[start : start + length] = bytes(len(raw[start : start + length]))

    _alter(place, random, change)


def truncate(place: Place, random: Random) -> None:
    _alter(place, random, lambda raw: raw.__delitem__(slice(random.choice((0, random.randrange(len(raw)))), None)))


def extend(place: Place, random: Random) -> None:
    more = random.choice((b"\n", b" ", b"\0", b"{}", random.randbytes(100)))
    _alter(place, random, lambda raw: raw.extend(more))


def swap(place: Place, random: Random) -> None:
    one, other = random.sample(place.files, 2)
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)


def take_from_another(place: Place, random: Random) -> None:
    donor = random.choice(place.donors)
    foreign = random.choice(files_below(donor))
    shutil.copyfile(foreign, place.generation / foreign.relative_to(donor))


def take_all_from_another(place: Place, random: Random) -> None:
    shutil.rmtree(place.generation)
    shutil.copytree(random.choice(place.donors), place.generation)


def remove(place: Place, random: Random) -> None:
    # Without a pointer there is no index, which is nothing to be told of.
    random.choice(place.files[1:]).unlink()


def add(place: Place, random: Random) -> None:
    # Names that bm25s knows, an editor's, one that a terminal acts on, one that is not UTF-8.
    names = ("corpus.jsonl", "vocab.index.pkl", "manifest.json~", "a\n\x1b[31m", "\udcff")
    folder = random.choice((place.generation, place.generation / "lexical"))
    (folder / random.choice(names)).write_bytes(pickles.leaving_a_mark(place.outside / "mark"))


def pickle_in_place(place: Place, random: Random) -> None:
    random.choice(place.files).write_bytes(pickles.leaving_a_mark(place.outside / "mark"))


def link(place: Place, random: Random) -> None:
    path = random.choice(place.files)
    same = place.outside / "same"
    shutil.copyfile(path, same)
    target = random.choice((str(same), str(path), "/dev/zero", "nowhere", str(random.choice(place.donors))))
    path.unlink()
    path.symlink_to(target)


def folder(place: Place, random: Random) -> None:
    path = random.choice(place.files[1:])
    path.unlink()
    path.mkdir()
    if random.random() < 0.5:
        (path / "file").write_bytes(b"")


def pipe(place: Place, random: Random) -> None:
    path = random.choice(place.files)
    path.unlink()
    os.mkfifo(path)


def linked_generation(place: Place, random: Random) -> None:
    shutil.rmtree(place.generation)
    random.choice(
        (
            lambda: place.generation.symlink_to(random.choice(place.donors)),
            lambda: place.generation.symlink_to(place.generation.name),
            lambda: os.mkfifo(place.generation),
            lambda: place.generation.write_bytes(b""),
            lambda: None,
        )
    )()


def pointer(place: Place, random: Random) -> None:
    """Another text in the place of the pointer, most of them JSON, some of them the same in another way."""
    fields = json.loads(place.pointer.read_bytes())
    generation, digest = fields["generation"], fields["manifest"]
    texts = [
        json.dumps({**fields, "generation": random.choice(place.donors).name}),
        json.dumps({**fields, "generation": f"../{place.generation.parent.name}/{generation}"}),
        json.dumps({**fields, "generation": generation.upper() if generation.upper() != generation else ".."}),
        json.dumps({**fields, "generation": [generation]}),
        json.dumps({**fields, "manifest": random.randbytes(32).hex()}),
        json.dumps({**fields, "manifest": digest.upper()}),
        json.dumps({**fields, "manifest": int(digest, 16)}),
        json.dumps({**fields, "more": 1}),
        json.dumps(fields, indent=1),
        json.dumps([fields]),
        json.dumps({"generation": generation}),
        f'{{"generation": {"9" * random.choice((10, 5000))}, "manifest": 1e999}}',
        "[" * random.choice((100, 100_000)),
        '{"generation":' * 50_000,
        "null",
        "no JSON",
    ]
    place.pointer.write_text(random.choice(texts))


KINDS: dict[str, Callable[[Place, Random], None]] = {
    kind.__name__.replace("_", " "): kind
    for kind in (
        flip_bit,
        flip_bytes,
        zero_block,
        truncate,
        extend,
        swap,
        take_from_another,
        take_all_from_another,
        remove,
        add,
        pickle_in_place,
        link,
        folder,
        pipe,
        linked_generation,
        pointer,
    )
}

"""What the user set, as one frozen value: flags before environment before `qa.toml` before defaults.

Knows the names and types of the settings, not what they do.
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from qa.errors import SettingsError

ReaderName = Literal["auto", "copying", "composing"]
READERS: tuple[ReaderName, ...] = ("auto", "copying", "composing")
FILE = "qa.toml"
COMMAND_LINE = "the command line"
MOST_TOP_K = 50
_MOST_DIGITS = 9
_SHOWN_CHARACTERS = 60


@dataclass(frozen=True, slots=True)
class Settings:
    """Every choice that a run depends on. Empty strings and None mean: take the installed default.

    `corpus` is the folder of articles, `index_dir` where its index lies, `embedder` and `model` name the two models,
    `top_k` is how many passages are retrieved and read, `threads` how many processor threads the model may use.
    """

    corpus: Path = Path("seeds")
    index_dir: Path | None = None
    embedder: str = ""
    model: str = ""
    reader: ReaderName = "auto"
    top_k: int = 5
    threads: int | None = None


def resolve(
    flags: Mapping[str, object],
    environment: Mapping[str, str] = os.environ,
    folder: Path = Path("."),
    caller: str = COMMAND_LINE,
) -> Settings:
    """Settings from what was given, the strongest source first; a flag of None counts as not given.

    Environment variables are the names in capitals after `QA_` (`QA_INDEX_DIR`); `qa.toml` in `folder` holds the
    names as they are. `SettingsError` names the source of a value that cannot be used; that of a flag is the `caller`.
    """
    chosen: dict[str, Any] = {}
    known = [field.name for field in fields(Settings)]
    for source, values in (
        (FILE, _file(folder / FILE)),
        ("the environment", {name: environment.get(f"QA_{name.upper()}") for name in known}),
        (caller, flags),
    ):
        for name, value in values.items():
            # An empty variable is one that was taken back; an empty flag is a mistake, such as a misspelt "$FOLDER".
            if value is None or (value == "" and source != caller):
                continue
            if name not in known:
                raise SettingsError(f"{source} sets '{name}'", f"one of {', '.join(known)}", "correct its name")
            chosen[name] = _converted(name, value, source)
    return Settings(**chosen)


def _file(path: Path) -> Mapping[str, object]:
    if not path.is_file():
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise SettingsError(f"{path.name} cannot be read ({error})", "a TOML file", "correct or remove it") from error


def _converted(name: str, value: object, source: str) -> object:
    if name in ("top_k", "threads"):
        return _number(name, value, source)
    if not isinstance(value, str) or not value or "\0" in value:
        raise SettingsError(f"{source} sets {name} to {_shown(value)}", "a text that is not empty", "give one")
    if name in ("corpus", "index_dir"):
        return _path(name, value, source)
    if name == "reader":
        return _one_of(name, value, READERS, source)
    return value


def _path(name: str, value: str, source: str) -> Path:
    try:
        return Path(value).expanduser()
    except RuntimeError as error:  # "~somebody" who has no home here
        raise SettingsError(f"{source} sets {name} to {_shown(value)}", "a folder", "write its path in full") from error


def _one_of(name: str, value: str, allowed: tuple[str, ...], source: str) -> str:
    if value not in allowed:
        raise SettingsError(f"{source} sets {name} to {_shown(value)}", " or ".join(allowed), "choose one of these")
    return value


def _number(name: str, value: object, source: str) -> int:
    text = str(value)
    # The length first: int() refuses thousands of digits with an error of its own.
    if not text.isdecimal() or len(text) > _MOST_DIGITS or not 1 <= int(text) <= MOST_TOP_K:
        raise SettingsError(
            f"{source} sets {name} to {_shown(value)}",
            f"a whole number from 1 to {MOST_TOP_K}",
            "give one in that range",
        )
    return int(text)


def _shown(value: object) -> str:
    text = str(value)
    return f"'{text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + '…'}'"

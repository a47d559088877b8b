"""SECURITY.md promises nothing that no test holds."""

import re
from pathlib import Path

import pytest

from tests.commands import ROOT

DOCUMENT = (ROOT / "SECURITY.md").read_text("utf-8")
SECTIONS = dict(re.findall(r"^### (.+)\n((?:(?!^#).*\n)*)", DOCUMENT, re.MULTILINE))
HELD = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


def test_there_are_promises() -> None:
    assert len(SECTIONS) >= 15


@pytest.mark.parametrize("section", SECTIONS)
def test_every_promise_names_tests_that_are_there(section: str) -> None:
    named = HELD.findall(SECTIONS[section])
    assert named
    for file, test in named:
        text = (ROOT / file).read_text("utf-8")
        assert not test or f"\ndef {test}(" in text, f"{file}::{test}"


@pytest.mark.parametrize("path", sorted((ROOT / "tests" / "torture").glob("test_*.py")), ids=lambda path: path.stem)
def test_every_trial_is_a_promise(path: Path) -> None:
    assert f"`tests/torture/{path.name}" in DOCUMENT

"""The examples in docstrings say what happens."""

import doctest
import importlib

import pytest

from tests.test_layers import MODULES

WITH_EXAMPLES = [name for name, path in MODULES.items() if ">>> " in path.read_text(encoding="utf-8")]


def test_there_are_examples() -> None:
    assert {"index.spanish", "index.countries", "qa.citations"} <= set(WITH_EXAMPLES)


@pytest.mark.parametrize("module", WITH_EXAMPLES)
def test_examples_of_a_module_hold(module: str) -> None:
    result = doctest.testmod(importlib.import_module(module))
    assert result.attempted > 0
    assert result.failed == 0

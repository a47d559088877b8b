"""What `make audit` makes of pip-audit's answer."""

import json
from collections.abc import Mapping
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from types import ModuleType

import pytest

from tests.commands import ROOT

FLAW = {"id": "CVE-2025-69872", "fix_versions": [], "aliases": [], "description": "..."}
OTHER = {"id": "PYSEC-2026-1", "fix_versions": ["2.0"], "aliases": [], "description": "..."}


@pytest.fixture(scope="module")
def audit() -> ModuleType:
    loader = SourceFileLoader("audit", str(ROOT / ".ci" / "audit"))
    spec = spec_from_loader("audit", loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


def answer(*packages: Mapping[str, object]) -> str:
    return json.dumps({"dependencies": packages, "fixes": []})


def test_packages_that_nobody_knew_are_not_taken_for_sound(audit: ModuleType) -> None:
    skipped = {"name": "rich", "skip_reason": "Dependency not found on PyPI and could not be audited: rich (15.0.0)"}
    assert audit.findings(answer(skipped)) == (0, [])
    assert audit.findings("") == (0, [])


def test_every_vulnerability_is_found(audit: ModuleType) -> None:
    sound = {"name": "rich", "version": "15.0.0", "vulns": []}
    flawed = {"name": "diskcache", "version": "5.6.3", "vulns": [FLAW, OTHER]}
    expected = [("diskcache", "5.6.3", "CVE-2025-69872"), ("diskcache", "5.6.3", "PYSEC-2026-1")]
    assert audit.findings(answer(sound, flawed)) == (2, expected)


def test_what_is_known_is_pinned_as_it_was_looked_at() -> None:
    known = json.loads((ROOT / ".ci" / "advisories.json").read_text("utf-8"))["known"]
    pins = (ROOT / ".ci" / "constraints.txt").read_text("utf-8").splitlines()
    assert {f"{each['package']}=={each['version']}" for each in known} <= set(pins)

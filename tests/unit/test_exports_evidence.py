"""What was learned, alone: out, in, and told from a whole router.json."""

from __future__ import annotations

import json

import pytest

from router_core.exports.document import dump, dump_evidence, load, load_evidence
from router_core.exports.learned import Learned
from router_core.exports.parsing import ImportFileError
from router_core.settings import Settings
from router_core.types import Evidence
from tests.exported import LOCAL, an_export, some_settings


def refused(text: str) -> str:
    """The sentence with which a file is refused."""
    with pytest.raises(ImportFileError) as caught:
        load(text)
    return str(caught.value)


def test_posteriors_alone() -> None:
    """What was learned goes out and in without settings, exactly."""
    learned = an_export().learned
    assert learned == Learned(
        an_export().evidence, an_export().output_tokens, an_export().created_at, an_export().provenance
    )
    text = dump_evidence(learned)
    assert load_evidence(text, some_settings()) == learned
    assert dump_evidence(load_evidence(text, some_settings())) == text
    assert "settings" not in json.loads(text)
    assert "prices" not in json.loads(text)


def test_posteriors_from_a_whole_file() -> None:
    """A router.json gives its evidence alone, to settings that know its models."""
    assert load_evidence(dump(an_export()), some_settings()) == an_export().learned
    with pytest.raises(ImportFileError, match=r"^evidence has the goal 'mail', which the settings do not have"):
        load_evidence(dump(an_export()), Settings())


def test_posteriors_are_no_settings() -> None:
    """The two kinds of file are told apart."""
    assert refused(dump_evidence(an_export().learned)) == (
        "the file holds posteriors alone, no settings; import it as posteriors"
    )
    with pytest.raises(ImportFileError, match=r"^the file is not an export of router_core: it has no 'format'"):
        load_evidence("{}", some_settings())


def test_edited_posteriors_need_trust() -> None:
    """The checksum holds for them as well."""
    edited = dump_evidence(an_export().learned).replace('"count": 12', '"count": 10')
    with pytest.raises(ImportFileError, match=r"^the file was changed after it was exported"):
        load_evidence(edited, some_settings())
    trusted = load_evidence(edited, some_settings(), trust_edited=True)
    assert trusted.evidence["mail"][LOCAL] == Evidence(10, 9_500_000)

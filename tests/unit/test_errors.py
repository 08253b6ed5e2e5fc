"""The error tree: drawn in the docstring, true in the classes, pinned by name."""

from __future__ import annotations

import inspect

import pytest

import router_core
from router_core import errors

PINNED = {
    "RouterError",
    "SettingsError",
    "ArgumentError",
    "UnknownArmError",
    "UnknownPolicyError",
    "NoEligibleArmError",
    "InvalidOutcomeError",
    "UnknownRequestError",
    "ConditionError",
    "EvaluationError",
    "PromptError",
    "ProviderError",
    "MissingKeyError",
    "AuthenticationError",
    "ModelNotFoundError",
    "RateLimitError",
    "ProviderTimeoutError",
    "ProviderUnavailableError",
    "RequestRejectedError",
    "MalformedResponseError",
    "InterruptedStreamError",
    "StoreError",
    "StoreClosedError",
    "StoreLockedError",
    "StoreReadOnlyError",
    "StoreDamagedError",
    "StoreIncompleteError",
    "StoreTooNewError",
    "StoreKindError",
    "StoreFullError",
}
CLASSES = dict(inspect.getmembers(errors, inspect.isclass))


def drawn_tree(docstring: str) -> dict[str, str]:
    """Child -> parent, read from the drawing: four columns of indentation are one level."""
    parents: dict[str, str] = {}
    branch: list[str] = []
    for line in docstring.splitlines():
        marker = max(line.find("├── "), line.find("└── "))
        if marker < 0:
            branch = branch or [line.strip()] * (line.strip() == "RouterError")
            continue
        name = line[marker + 4 :].split()[0]
        branch = [*branch[: marker // 4 + 1], name]
        parents[name] = branch[-2]
    return parents


def test_the_drawn_tree_is_the_class_tree() -> None:
    """Every class stands in the drawing under its own base, and nothing else does."""
    actual = {name: cls.__bases__[0].__name__ for name, cls in CLASSES.items() if cls is not errors.RouterError}
    assert drawn_tree(errors.__doc__ or "") == actual


def test_the_names_are_pinned() -> None:
    """Renaming or dropping an error breaks the callers that catch it: decide it here."""
    assert set(CLASSES) == PINNED


def test_the_package_exports_are_pinned() -> None:
    """What ``from router_core import ...`` promises."""
    assert router_core.__all__ == ["AsyncRouter", "Outcome", "Router", "RouterError", "Settings", "open_store"]
    assert dir(router_core) == router_core.__all__


@pytest.mark.parametrize("name", ["AsyncRouter", "Outcome", "Router", "RouterError", "Settings", "open_store"])
def test_every_export_can_be_fetched(name: str) -> None:
    """The lazy look-up finds each name, under that name."""
    assert getattr(router_core, name).__name__ == name


def test_an_unknown_export_is_an_attribute_error() -> None:
    """``hasattr`` and a misspelt import behave as for any module."""
    with pytest.raises(AttributeError, match=r"router_core.*'Ruoter'"):
        router_core.Ruoter  # noqa: B018 - looking it up is the point


@pytest.mark.parametrize("name", sorted(PINNED))
def test_every_error_is_caught_by_the_base_and_keeps_its_message(name: str) -> None:
    """One ``except RouterError`` is enough, and the sentence arrives as it was written."""
    with pytest.raises(errors.RouterError) as caught:
        raise CLASSES[name]("the value, what is allowed, the remedy")
    assert str(caught.value) == "the value, what is allowed, the remedy"


@pytest.mark.parametrize("name", sorted(PINNED))
def test_every_error_is_documented(name: str) -> None:
    """A class says in a sentence of its own what went wrong."""
    assert (CLASSES[name].__dict__.get("__doc__") or "").rstrip().endswith(".")


def test_provider_errors_have_words_of_their_own_for_the_log() -> None:
    """``kind`` tells them apart in the log."""
    kinds = [cls.kind for cls in CLASSES.values() if issubclass(cls, errors.ProviderError)]
    assert len(set(kinds)) == len(kinds) == 10


def test_no_eligible_arm_keeps_the_reasons_as_its_own() -> None:
    """Reasons are copied: changing the caller's dictionary later changes nothing."""
    reasons = {"openai/gpt-4o": "no API key"}
    error = errors.NoEligibleArmError("nothing left", reasons)
    reasons.clear()
    assert error.reasons == {"openai/gpt-4o": "no API key"}
    assert errors.NoEligibleArmError("nothing left").reasons == {}


@pytest.mark.parametrize("cls", [errors.RateLimitError, errors.ProviderUnavailableError])
def test_retry_after_is_carried(cls: type[errors.RateLimitError]) -> None:
    """The provider's own wish in seconds, None where it gave none."""
    assert cls("slow down", 2.5).retry_after_s == 2.5
    assert cls("slow down").retry_after_s is None

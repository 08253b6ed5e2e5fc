"""The Python program of an export: it compiles, runs, and uses what the library has."""

from __future__ import annotations

import ast
import inspect
import sys
from types import ModuleType, SimpleNamespace, TracebackType
from typing import Any

import pytest

import router_core
from router_core.errors import SettingsError
from router_core.exports.snippet import python_snippet
from router_core.serving.library import Router
from router_core.settings import ArmSettings, ClassifierSettings, GoalSettings, ProviderSettings, Settings
from router_core.types import Outcome
from tests.builders import CHEAP
from tests.exported import some_settings

MAIL = "mail"


class RecordingRouter:
    """Stands for the router: notes every call."""

    calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]]

    @classmethod
    def from_settings(cls, *args: Any, **kwargs: Any) -> RecordingRouter:
        made = cls()
        made.calls = [("from_settings", args, kwargs)]
        LATEST.append(made)
        return made

    def __enter__(self) -> RecordingRouter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.calls.append(("close", (), {}))

    def completion(self, *args: Any, **kwargs: Any) -> tuple[Any, str]:
        self.calls.append(("completion", args, kwargs))
        choice = SimpleNamespace(message=SimpleNamespace(content="yes"))
        return SimpleNamespace(model="gpt-4o-mini", choices=[choice]), "request-1"

    def report_outcome(self, *args: Any, **kwargs: Any) -> None:
        self.calls.append(("report_outcome", args, kwargs))


LATEST: list[RecordingRouter] = []


def run(program: str, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, tuple[Any, ...], dict[str, Any]]]:
    """Run the program with a router that only notes what is asked of it."""
    fake = ModuleType("router_core")
    fake.Router = RecordingRouter  # type: ignore[attr-defined]
    fake.Outcome = Outcome  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "router_core", fake)
    exec(compile(program, "snippet.py", "exec"), {"__name__": "__main__"})
    return LATEST.pop().calls


def test_it_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Load, ask, report under the id that came with the answer, close."""
    assert run(python_snippet(some_settings(), MAIL), monkeypatch) == [
        (
            "from_settings",
            ("router.json",),
            {"goal_id": "mail", "allow_endpoints": {"http://127.0.0.1:8080/v1": None}},
        ),
        (
            "completion",
            ([{"role": "user", "content": "Is this spam? You have won a prize!"}],),
            {"return_request_id": True},
        ),
        ("report_outcome", ("request-1", Outcome.SUCCESS), {}),
        ("close", (), {}),
    ]
    assert capsys.readouterr().out == "gpt-4o-mini\nyes\n"


def test_it_imports_what_there_is() -> None:
    """The names that it takes from the library are exported, and its calls fit their signatures."""
    tree = ast.parse(python_snippet(some_settings(), MAIL))
    names = [alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names]
    assert names == ["Outcome", "Router"]
    assert set(names) <= set(router_core.__all__)
    inspect.signature(Router.completion).bind(None, [], return_request_id=True)
    inspect.signature(Router.report_outcome).bind(None, "request-1", Outcome.SUCCESS)


def test_the_whole_program() -> None:
    """Word for word, as a person copies it."""
    assert python_snippet(Settings()) == (
        '"""Send one request through the router in router.json, and say what became of it."""\n'
        "\n"
        "from router_core import Outcome, Router\n"
        "\n"
        "# Keys are read from the environment: OPENAI_API_KEY.\n"
        'with Router.from_settings("router.json", goal_id="default") as router:\n'
        "    response, request_id = router.completion(\n"
        '        [{"role": "user", "content": "Is this spam? You have won a prize!"}],\n'
        "        return_request_id=True,\n"
        "    )\n"
        '    print(response.model, response.choices[0].message.content, sep="\\n")\n'
        "\n"
        "    # As soon as you know whether the answer was good, in this process or a later one:\n"
        "    router.report_outcome(request_id, Outcome.SUCCESS)  # or Outcome.FAILURE, or a number from 0 to 1\n"
    )


@pytest.mark.parametrize(
    ("goal", "path"),
    [
        ("search: Größe", "router.json"),
        ('say "hi"', "a folder/it's.json"),
        ('"""', 'C:\\keys\\"""\nimport os\n"""'),
        ("a\nb\\", "router\\"),
        ("a\x85b", "a\x00b\u2028c"),
        ("{goal}", "{path}.json"),
    ],
)
def test_odd_names_stay_names(goal: str, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Quotes, line breaks and backslashes arrive as they are and run nothing."""
    settings = Settings(goals={goal: GoalSettings()})
    calls = run(python_snippet(settings, goal, path), monkeypatch)
    assert calls[0] == ("from_settings", (path,), {"goal_id": goal})
    assert len(calls) == 4


def keys_of(router: str, key: str | None = "LOCAL_KEY") -> str:
    """The line about keys, for a local model and a classifier elsewhere."""
    settings = Settings(
        providers={
            "openai": ProviderSettings(),
            "local": ProviderSettings(base_url="http://127.0.0.1:1/v1", api_key_env=key),
        },
        goals={"default": GoalSettings(arms=(ArmSettings(model="local/a"),), router=router)},  # type: ignore[arg-type]
        classifier=ClassifierSettings(model=CHEAP),
    )
    return python_snippet(settings).splitlines()[4]


def test_it_names_the_keys_that_are_needed() -> None:
    """Those of the goal's models, and the classifier's where it decides."""
    assert keys_of("thompson") == "# Keys are read from the environment: LOCAL_KEY."
    assert keys_of("classifier") == "# Keys are read from the environment: LOCAL_KEY, OPENAI_API_KEY."
    assert keys_of("thompson", None) == "# No key is needed."


def test_an_unknown_goal_is_refused() -> None:
    """A program for nothing is not written."""
    with pytest.raises(SettingsError, match=r"^goal 'post' is not set up; known goals: \['default'\]$"):
        python_snippet(Settings(), "post")

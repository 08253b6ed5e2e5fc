"""An exported router takes the identical decisions in another process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from router_core.demo.traffic import generate
from router_core.errors import SettingsError
from router_core.exports import ImportFileError, dump, dump_yaml
from router_core.exports.snippet import python_snippet
from router_core.exports.transfer import export_of, read_export, take_over
from router_core.registry import PolicyName
from router_core.routing.gain_learning import learn_gain
from router_core.serving.library import Router
from router_core.settings import ArmSettings, GoalSettings, ProviderSettings, Settings, SimulationSettings
from router_core.store import open_store
from router_core.store.base import Store

DECISIONS = 10_000
ELSEWHERE = """
import json, sys
from router_core import Router
router = Router.from_settings(
    sys.argv[1], policy=sys.argv[3], simulated=True, environ={"ROUTER_STORE": sys.argv[2]}
)
for line in sys.stdin:
    id_, text, task_type = json.loads(line)
    decision = router.decide([{"role": "user", "content": text}], task_type=task_type, decision_id=id_)
    print(json.dumps([decision.chosen, decision.probabilities, decision.expected_cost_usd]))
"""


@pytest.fixture
def lived(tmp_path: Path) -> Store:
    """A store that has learned from some traffic."""
    store = open_store(tmp_path / "here.duckdb", kind="simulated")
    generate(SETTINGS, store, DECISIONS, seed=4)
    return store


SETTINGS = Settings(
    seed=11,
    goals={"default": GoalSettings(success_value_usd=0.02, exploration=0.05, budget_usd=0.4)},
    simulation=SimulationSettings(latency_scale=0),
)


@pytest.mark.parametrize("policy", ["thompson", "contextual", "by-task"])
def test_ten_thousand_identical_decisions(lived: Store, tmp_path: Path, policy: PolicyName) -> None:
    """Model, probabilities and expected costs, for the ids and prompts of the log, to the bit; of the contextual
    router with a gain score and the price of a budget.
    """  # fmt: skip
    learn_gain(lived, "default", SETTINGS.goals["default"], datetime(2026, 1, 1, tzinfo=UTC))
    with Router(settings=SETTINGS, store=lived, simulated=True, policy="contextual") as busy:
        for number in range(30):
            busy.completion([{"role": "user", "content": f"Prove theorem {number}."}])
        assert busy._decider.spending.state("default").price > 0
        assert busy._decider.memory.state("default").gain is not None
    file = tmp_path / "router.json"
    file.write_text(dump(export_of(lived, SETTINGS)))
    asked = [(one.id, one.context.text, one.context.task_type) for one in lived.decisions()][:DECISIONS]
    assert len(asked) == DECISIONS
    with Router(settings=SETTINGS, store=lived, simulated=True, policy=policy) as here:
        ours = [
            here.decide([{"role": "user", "content": text}], task_type=task_type, decision_id=id_)
            for id_, text, task_type in asked
        ]
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, str(file), str(tmp_path / "elsewhere.duckdb"), policy],
        input="\n".join(json.dumps(one) for one in asked),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    theirs = [json.loads(line) for line in done.stdout.splitlines()]
    expected = [[one.chosen, list(one.probabilities), list(one.expected_cost_usd)] for one in ours]
    assert theirs == expected
    assert {one.chosen for one in ours} == {"openai/gpt-4o-mini", "openai/gpt-4o"}
    lived.close()


def test_yaml_says_the_same(lived: Store, tmp_path: Path) -> None:
    """Read back it is the same export."""
    export = export_of(lived, SETTINGS, "note")
    file = tmp_path / "router.yaml"
    file.write_text(dump_yaml(export))
    assert read_export(file) == export
    lived.close()


def test_opened_twice_learns_once(lived: Store, tmp_path: Path) -> None:
    """The second opening finds what the first took over, and what was learned since."""
    file = tmp_path / "router.json"
    export = export_of(lived, SETTINGS)
    file.write_text(dump(export))
    lived.close()
    store = open_store(tmp_path / "production.duckdb", kind="simulated")
    first = Router.from_settings(file, store=store, simulated=True)
    before = first.posteriors()
    _, request_id = first.completion([{"role": "user", "content": "Spam?"}], return_request_id=True)  # type: ignore[misc]
    first.report_outcome(request_id, 1.0)
    second = Router.from_settings(file, store=store, simulated=True)
    seen = sum(one.observations for one in second.posteriors().values())
    assert seen == sum(one.observations for one in before.values()) + 1
    assert len(store.learning_events("default")) == 1
    store.close()


def test_never_over_other_learning(lived: Store, tmp_path: Path) -> None:
    """A store that learned from its own traffic is not overwritten; the remedy is named, and import does it."""
    export = export_of(lived, Settings())
    file = tmp_path / "router.json"
    file.write_text(dump(export))
    other = open_store(tmp_path / "other.duckdb", kind="simulated")
    generate(SETTINGS, other, 500, seed=9)
    with pytest.raises(SettingsError, match="has learned about goal 'default' already"):
        Router.from_settings(file, store=other, simulated=True)
    take_over(other, export)
    rule = Settings().goal("default").teaching_rule()
    assert other.evidence("default", rule) == lived.evidence("default", rule)
    assert other.output_tokens("default") == lived.output_tokens("default")
    other.undo_learning("default", at=export.created_at, author="tester")
    assert other.evidence("default", rule) == other.rebuild_evidence("default", rule)
    other.close()
    lived.close()


def test_unreadable_files(tmp_path: Path) -> None:
    """Named with the remedy."""
    with pytest.raises(SettingsError, match="cannot be read"):
        Router.from_settings(tmp_path / "none.json")
    (tmp_path / "text.json").write_text("hello")
    with pytest.raises(ImportFileError):
        Router.from_settings(tmp_path / "text.json")


def test_in_a_container_whose_user_has_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is taken over all the same, by the user's number."""
    pwd = pytest.importorskip("pwd")

    def nobody(number: int) -> None:
        raise KeyError(f"getpwuid(): uid not found: {number}")

    monkeypatch.setattr(pwd, "getpwuid", nobody)
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    store = open_store(tmp_path / "here.duckdb", kind="simulated")
    generate(SETTINGS, store, 300, seed=4)
    path = tmp_path / "router.json"
    path.write_text(dump(export_of(store, SETTINGS)))
    store.close()
    there = open_store(tmp_path / "there.duckdb", kind="simulated")
    Router.from_settings(path, store=there, simulated=True).close()
    assert [event.author for event in there.learning_events("default")] == [f"user {os.getuid()}"]
    there.close()


ELSEWHERE_URL = "https://collects.example/v1"
FOREIGN = {"openai": ProviderSettings(base_url=ELSEWHERE_URL)}


@pytest.mark.parametrize("ending", ["json", "yaml"])
def test_a_file_does_not_decide_where_prompts_go(ending: str, tmp_path: Path) -> None:
    """An endpoint that nobody here allowed is refused with what to write; the word for another does not do."""
    store = open_store(":memory:", kind="simulated")
    export = export_of(store, Settings(providers=FOREIGN))
    file = tmp_path / f"router.{ending}"
    file.write_text(dump(export) if ending == "json" else dump_yaml(export))
    words: list[Any] = [None, {}, {ELSEWHERE_URL: None}, {"https://api.openai.com/v1": "OPENAI_API_KEY"}]
    for word in words:
        with pytest.raises(SettingsError) as refused:
            Router.from_settings(file, store=store, simulated=True, allow_endpoints=word)
        assert "would send prompts where nobody here allowed it" in str(refused.value)
        assert f"(openai: {ELSEWHERE_URL}, with the key in OPENAI_API_KEY)" in str(refused.value)
        assert f"'{ELSEWHERE_URL}': 'OPENAI_API_KEY'" in str(refused.value)
    with pytest.raises(SettingsError, match=r"^allow_endpoints is 'True'; give address -> variable"):
        Router.from_settings(file, store=store, simulated=True, allow_endpoints=True)  # type: ignore[arg-type]
    Router.from_settings(
        file, store=store, simulated=True, allow_endpoints={ELSEWHERE_URL: "OPENAI_API_KEY"}
    ).close()
    store.close()


def test_the_settings_file_of_the_environment_is_a_word(tmp_path: Path) -> None:
    """What it names is allowed; what cannot be read allows nothing."""
    store = open_store(":memory:", kind="simulated")
    file, own = tmp_path / "router.json", tmp_path / "settings.json"
    file.write_text(dump(export_of(store, Settings(providers=FOREIGN))))
    own.write_text(Settings(providers=FOREIGN).document())
    environ = {"ROUTER_SETTINGS": str(own)}
    Router.from_settings(file, store=store, simulated=True, environ=environ).close()
    own.write_text(Settings().document())
    with pytest.raises(SettingsError, match="nobody here allowed it"):
        Router.from_settings(file, store=store, simulated=True, environ=environ)
    store.close()


def test_the_program_that_is_exported_says_the_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A router with endpoints of its own, taken elsewhere with the two files that the app gives, runs there."""
    local = ProviderSettings(base_url="http://127.0.0.1:11434/v1", api_key_env=None)
    settings = Settings(
        providers={"local": local, **FOREIGN},
        goals={"default": GoalSettings(arms=(ArmSettings(model="local/a"), ArmSettings(model="openai/gpt-4o")))},
        simulation=SETTINGS.simulation,
    )
    store = open_store(":memory:", kind="simulated")
    (tmp_path / "router.json").write_text(dump(export_of(store, settings)))
    store.close()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ROUTER_SIMULATED", "1")
    exec(compile(python_snippet(settings), "router.py", "exec"), {"__name__": "__main__"})

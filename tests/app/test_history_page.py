"""The history page: what is found, one prompt in full, whatever became of its goal, its models and its text."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.resources import resources
from router_core.registry import POLICIES
from router_core.settings import ArmSettings, GoalSettings, Settings
from router_core.store import open_store
from router_core.store.base import Batch, Search, Store
from router_core.types import Reason
from tests.app.panel import QUICK, opened, texts, use
from tests.store_rows import CHEAP, STRONG, a_completion, a_decision, a_prompt, an_outcome, everything, ident

pytestmark = pytest.mark.usefixtures("place")


@pytest.fixture
def store(place: None) -> Iterator[Store]:
    """One prompt with two decisions, one answer and one failure, held open by the test too."""
    held = open_store(kind="simulated")
    held.write(everything())
    yield held
    held.close()


def record(number: int = 1) -> AppTest:
    """The history page with the prompt of this number."""
    return opened("history", id=ident(number))


def test_one_prompt_in_full(store: Store) -> None:
    """Its text, each router's reason and chances, the answer, every step's cost, and what was said of it."""
    at = record()
    assert [one.value for one in at.error] == ["no answer"]
    said = texts(at)
    line = next(one.label for one in at.expander if one.label.startswith("**Thompson sampling** chose"))
    assert "75 % likely to be the better value" in line
    assert "**Rules** was not asked about this prompt." in said
    assert any("日本語" in one.value for one in at.code)
    labels = [one.label.replace("\\", "") for one in at.expander]
    assert "What it cost: $0.10 and 3 of unknown price" in labels
    assert "Everything said about these answers (1)" in labels
    costs, changes = (one.value for one in at.table)
    plain = {name: [text.replace("\\", "") for text in costs[name]] for name in costs}
    assert plain == {
        "Step": [
            "Thompson sampling decided, from memory",
            "Thompson sampling decided",
            "gpt-4o-mini answered, after failed tries of unknown cost",
            "gpt-4o-mini failed",
        ],
        "Tokens in + out": ["", "", "~70 (3 cached) + 90", ""],
        "Price per million": ["", "", "$0.15 / $0.6", ""],
        "Time": ["0.33 ms", "0.50 ms", "250 ms", "250 ms"],
        "Cost": ["< $0.000001", "price unknown", "$0.10", "price unknown"],
    }
    assert (list(changes["Good"]), list(changes["Blind"])) == (["25%"], ["yes"])


def test_what_the_caller_noted(store: Store) -> None:
    """Shown with the prompt, and a filter of its own; what cannot be one is said."""
    store.write(Batch([a_prompt(3, metadata={"user": "42", "trace": "*a*"})], [a_decision(3)]))
    assert any("user = 42" in one.value and "\\*a\\*" in one.value for one in record(3).caption)
    at = opened("history", metadata="user=42, trace=*a*")
    assert any("**1 to 1 of 1**" in one.value for one in at.markdown)
    at.text_input(key="metadata").set_value("user=43").run()
    assert any("0 of 0" in one.value for one in at.markdown)
    at.text_input(key="metadata").set_value("who").run()
    assert "write name=value, such as user=42" in at.error[0].value.replace("\\", "")


def test_a_turn_that_stayed_with_its_model(store: Store) -> None:
    """Said, for no router has a card about it."""
    why = Reason(f"answers the tools that {CHEAP} called")
    kept = a_decision(3, policy="continued", origin="continued", probabilities=(1.0, 0.0), reason=why)
    store.write(Batch([a_prompt(3)], [kept], [a_completion(3)]))
    assert "No router decided: answers the tools that gpt-4o-mini called." in [
        one.value for one in record(3).caption
    ]


def test_an_address_that_names_nothing(store: Store) -> None:
    """Said, with the way back."""
    at = opened("history", id="no-such-prompt")
    assert "not in this store" in at.warning[0].value


def test_a_goal_that_is_gone(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What happened in it can still be read, answers included."""
    use(tmp_path, monkeypatch, Settings(goals={"other": GoalSettings()}))
    at = record()
    assert not at.error
    assert "The use case default is no longer set up" in at.info[0].value
    assert "Other answers (2)" in [one.label for one in at.expander]
    assert "Everything said about these answers (1)" in [one.label for one in at.expander]
    assert not [one for one in at.button if one.key == "rerun"]


@pytest.mark.parametrize("left", [(STRONG,), ("openai/gpt-5",)])
def test_a_model_that_is_gone(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: tuple[str, ...]
) -> None:
    """Its answer can still be read and rated; with no model left that answered, too."""
    store.write(Batch([a_prompt(3)], [a_decision(3)], [a_completion(3)]))
    arms = tuple(ArmSettings(model=model) for model in left)
    use(tmp_path, monkeypatch, Settings(goals={"default": GoalSettings(arms=arms)}))
    at = record(3)
    assert not at.error
    assert "Answer 3" in texts(at)
    assert len(at.feedback) == 1


def test_answers_asked_for_again_are_all_there(store: Store) -> None:
    """The last one as in the playground, earlier ones below."""
    store.write(
        Batch(
            [a_prompt(3)],
            [a_decision(3), a_decision(4, prompt_id=ident(3), origin="forced", policy="forced")],
            [a_completion(3), a_completion(4, prompt_id=ident(3), text="The second try")],
        )
    )
    at = record(3)
    assert "Other answers (1)" in [one.label for one in at.expander]
    assert "The second try" in texts(at)
    assert "Answer 3" in texts(at)


def test_rated_later(store: Store) -> None:
    """A thumb on the history page teaches; changed and taken back, each is in the list of what was said."""
    store.write(Batch([a_prompt(3)], [a_decision(3)], [a_completion(3)]))
    at = record(3)
    at.feedback[0].set_value(1).run()
    at.feedback[0].set_value(0).run()
    assert [one.reward for one in store.outcome_history(ident(3))] == [1.0, 0.0]
    assert resources().playground.posteriors("default")[CHEAP].beta == 2.75  # and 0.25 good from the other prompt
    assert "Everything said about these answers (2)" in [one.label for one in at.expander]


def test_delete_one_and_keep_only_its_fingerprint(store: Store) -> None:
    """The text first, then all of it; the other prompt stays."""
    store.write(Batch([a_prompt(3)], [a_decision(3)], [a_completion(3)], [an_outcome(3, 3)]))
    at = record(3)
    at.button(key="strip-one").click().run()
    assert "its fingerprint is" in texts(at)
    assert at.button(key="rerun").disabled
    assert at.button(key="strip-one").disabled
    at.button(key="erase-one").click().run()
    assert "not in this store" in at.warning[0].value
    assert [one.prompt.id for one in store.find(Search(), 5)] == [ident(1)]


def test_run_again_on_todays_settings(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new prompt with the same text, decided by all routers as they are now, shown under Try."""
    store.write(Batch([a_prompt(3, task_type="label")], [a_decision(3)], [a_completion(3)]))
    at = record(3)
    at.button(key="rerun").click().run()
    assert not at.exception
    newest = store.find(Search(), 1)[0]
    assert newest.prompt.messages == a_prompt(3).messages
    assert newest.prompt.task_type == "label"
    assert {one.policy for one in newest.decisions} == set(POLICIES)
    assert {one.settings_version for one in newest.decisions} == {QUICK.version}
    assert at.query_params["prompt"] in (newest.prompt.id, [newest.prompt.id])


def test_another_search_begins_on_its_first_page() -> None:
    """Turned pages belong to the search that they were turned in."""
    held = open_store(kind="simulated")
    held.write(Batch([a_prompt(n) for n in range(1, 121)], [a_decision(n) for n in range(1, 121)]))
    at = opened("history")
    at.button(key="page-Older").click().run()
    at.button(key="page-Older").click().run()
    assert "**101 to 120 of 120**" in texts(at)
    at.text_input(key="search").set_value("prompt").run()
    assert "**1 to 50 of 120**" in texts(at)
    held.close()


def test_days_are_in_the_address(store: Store) -> None:
    """The prompt is of 2026-03-01: found on that day, not on the next."""
    at = opened("history", days=["2026-03-01", "2026-03-01"])
    assert "**1 to 1 of 1**" in texts(at)
    at.date_input(key="days").set_value((date(2026, 3, 2), date(2026, 3, 3))).run()
    assert "Nothing found" in texts(at)


def test_filters_are_in_the_address(store: Store) -> None:
    """A view can be shared."""
    at = opened("history", search="nothing like it")
    assert "Nothing found" in at.info[0].value
    at = opened("history", router="thompson", rated="rated", search="quoted")
    assert "**1 to 1 of 1**" in texts(at)
    at = opened("history", model=STRONG)
    assert at.selectbox(key="model").value == "any"  # no answer of that model: the filter is not offered
    assert "**1 to 1 of 1**" in texts(at)


def test_what_came_since_is_there_after_a_rerun(store: Store) -> None:
    """A new prompt, a rating of it and a new goal to filter by; then deleted again by somebody else."""
    at = opened("history")
    assert "**1 to 1 of 1**" in texts(at)
    asked, decided = a_prompt(20, goal="another"), a_decision(20, goal="another")
    store.write(Batch([asked], [decided], [a_completion(20, goal="another")]))
    at.run()
    assert "**1 to 2 of 2**" in texts(at)
    assert "another" in at.selectbox(key="of-goal").options
    assert "good" not in at.dataframe[0].value["Rated"].tolist()
    store.write(Batch(outcomes=[an_outcome(7, 20)]))
    at.run()
    assert "good" in at.dataframe[0].value["Rated"].tolist()
    store.erase(Search(ids=(ident(20),)))
    at.run()
    assert "**1 to 1 of 1**" in texts(at)

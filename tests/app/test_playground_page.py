"""The playground page: send, read, rate, change one's mind, find it again."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from pages.decisions import _summary
from pages.formatting import escaped
from pages.resources import resources
from router_core.registry import LABELS
from router_core.settings import (
    ArmSettings,
    GoalSettings,
    PrivacySettings,
    Settings,
    SimulationSettings,
)
from tests.app.asking import EASY, HARD, send, settled, stored, the_settings
from tests.app.panel import chosen, opened, texts, use
from tests.builders import CHEAP, STRONG
from tests.store_rows import a_decision

pytestmark = pytest.mark.usefixtures("impatient")


def test_an_empty_page_says_what_to_do() -> None:
    """What will happen, and that nothing was spent."""
    said = texts(opened("playground"))
    assert "Send a prompt to see every router decide on it" in said
    assert all(f"**{name}**" in said for name in LABELS.values())
    assert "Nothing spent yet" in said
    assert "No key found in OPENAI_API_KEY" in said.replace("\\", "")


def test_all_decisions_and_their_answers() -> None:
    """Every router chose, each distinct model answered once, and the visit's money is shown."""
    at = send(HARD)
    found = stored()
    assert [one.policy for one in found.decisions] == [
        "heuristic",
        "classifier",
        "thompson",
        "contextual",
        "by-task",
    ]
    assert len(found.completions) == len({one.chosen for one in found.decisions})
    assert chosen(at) == list(LABELS.values())
    said = texts(at)
    assert "[simulated gpt\\-4o" in said or "[simulated gpt-4o" in said
    assert {"Spent"} <= {one.label for one in at.metric}


def test_a_thumb_teaches_is_changed_and_taken_back() -> None:
    """One outcome counts at every moment; the history keeps all three words."""
    at = send(HARD, run_all=True)
    assert len(at.feedback) == 2
    playground = resources().playground
    cheap = next(one for one in stored().completions if one.arm == "openai/gpt-4o-mini")
    for value, good, seen in ((1, 1.0, 1), (0, 0.0, 1), (None, 0.0, 0)):
        at.feedback(key=f"thumb-{cheap.id}").set_value(value).run()
        posterior = playground.posteriors("default")["openai/gpt-4o-mini"]
        assert (posterior.alpha - 1.0, posterior.observations) == (good, seen)
    assert [one.reward for one in playground.store.outcome_history(cheap.id)] == [1.0, 0.0, None]
    assert "1 of 1" not in texts(at)


def test_reasons_are_stored_with_the_thumb() -> None:
    """The chips of a good answer, and the thumb stays."""
    at = send(HARD, run_all=True)
    cheap = stored().completions[0]
    at.feedback(key=f"thumb-{cheap.id}").set_value(1).run()
    at.pills(key=f"why-{cheap.id}").set_value(["correct", "clear"]).run()
    outcome = next(one for one in stored().outcomes if one.completion_id == cheap.id)
    assert (outcome.chips, outcome.reward) == (("correct", "clear"), 1.0)


@pytest.mark.parametrize(
    ("verdict", "rewards"),
    [
        ("A better", [1.0, 0.0]),
        ("B better", [0.0, 1.0]),
        ("Both good", [1.0, 1.0]),
        ("Both bad", [0.0, 0.0]),
        ("Tie", [0.5, 0.5]),
    ],
)
def test_verdicts_on_both(verdict: str, rewards: list[float]) -> None:
    """One word about each answer, shown as given, and taken back by a second click."""
    at = send(HARD, run_all=True)
    at.segmented_control(key="verdict").set_value(verdict).run()
    found = stored()
    said = {one.completion_id: one.reward for one in found.outcomes}
    shown = [said[one.completion_id] for one in resources().playground.calls_of(found)]
    assert shown == rewards
    assert at.segmented_control(key="verdict").value == verdict
    at.segmented_control(key="verdict").set_value(None).run()
    assert stored().outcomes == ()
    assert not at.exception


def test_differences_are_shown_where_asked() -> None:
    """What only one of two answers says, and nothing before it is asked for."""
    at = send(HARD, run_all=True)
    assert "Only in A" not in texts(at)
    at.toggle(key="differences").set_value(True).run()
    assert "Only in A: ~~struck through~~. Only in B: **bold**." in texts(at)
    assert "~~gpt-4o-mini\\]~~ **gpt-4o\\]**" in texts(at)


def test_a_reply_continues_the_conversation() -> None:
    """The next prompt follows the answer that was chosen, as it is shown; until one begins anew."""
    at = send(HARD, run_all=True)
    first = stored()
    answer = next(one for one in first.completions if one.arm == CHEAP)
    at.button(key=f"reply-{answer.id}").click().run()
    assert at.text_area(key="prompt").value == ""
    assert at.expander(key="turns-said").label == "Conversation: 1 turn before this prompt"
    at.text_area(key="prompt").set_value("Shorter, please.")
    at.button(key="send").click().run()
    settled(at)
    assert first.prompt.messages is not None
    said = [*first.prompt.messages, {"role": "assistant", "content": answer.text}]
    assert stored().prompt.messages == (*said, {"role": "user", "content": "Shorter, please."})
    at.button(key="start-anew").click().run()
    at.text_area(key="prompt").set_value(EASY)
    at.button(key="send").click().run()
    settled(at)
    assert stored().prompt.messages == ({"role": "user", "content": EASY},)


def test_tokens_and_cost_are_estimated_before_sending() -> None:
    """As the prompt stands in the form, for the cheapest and the most expensive model; in an empty form a hint."""
    at = opened("playground")
    assert "Tokens and the cost of an answer are estimated here" in texts(at)
    at.text_area(key="prompt").set_value(HARD).run()
    said = next(one.value for one in at.main.caption if one.value.startswith("About"))
    assert re.fullmatch(
        r"About \d+ tokens; an answer costs .*\$[\d.]+ to .*\$[\d.]+, depending on the model\.", said
    )


def test_a_thumb_is_no_verdict_on_both() -> None:
    """The verdict shows what all thumbs say together, and nothing where they differ."""
    at = send(HARD, run_all=True)
    one, other = (completion.id for completion in stored().completions)
    at.feedback(key=f"thumb-{one}").set_value(1).run()
    assert at.segmented_control(key="verdict").value is None
    at.feedback(key=f"thumb-{other}").set_value(1).run()
    assert at.segmented_control(key="verdict").value == "Both good"


def test_a_widget_that_shows_what_is_stored_is_left_alone() -> None:
    """A value sent to the browser once more would take back the click that is on its way from there."""
    at = send(HARD, run_all=True)
    at.run()
    assert [one.proto.set_value for one in at.feedback] == [False, False]
    at.feedback(key=f"thumb-{stored().completions[0].id}").set_value(0).run()
    assert [one.proto.set_value for one in at.feedback] == [False, False]
    at.segmented_control(key="verdict").set_value("Both good").run()
    assert [one.value for one in at.feedback] == [1, 1]
    assert [one.proto.set_value for one in at.feedback] == [True, True]
    at.run()
    assert [one.proto.set_value for one in at.feedback] == [False, False]
    assert not at.segmented_control(key="verdict").proto.set_value


def test_a_click_whose_callback_was_cut_short_is_heard() -> None:
    """A second click may end the run in which the first one's callback is at work; a widget then knows more than
    the store and than was shown.
    """  # fmt: skip
    at = send(HARD, run_all=True)
    one, other = (completion.id for completion in stored().completions)
    at.session_state[f"thumb-{one}"] = 1
    at.run()
    assert [(said.completion_id, said.reward) for said in stored().outcomes] == [(one, 1.0)]
    assert at.feedback(key=f"thumb-{one}").value == 1
    at.session_state[f"why-{one}"] = ["clear"]
    at.run()
    assert stored().outcomes[0].chips == ("clear",)
    at.session_state["verdict"] = "Both bad"
    at.run()
    assert {said.completion_id: said.reward for said in stored().outcomes} == {one: 0.0, other: 0.0}
    at.session_state[f"thumb-{other}"] = None
    at.run()
    assert [said.completion_id for said in stored().outcomes] == [one]
    assert not at.exception


def test_a_verdict_cut_short_is_none_on_the_next_prompt() -> None:
    """What was clicked below other answers says nothing of these."""
    at = send(HARD, run_all=True)
    at.session_state["verdict"] = "Both good"
    at.text_area(key="prompt").set_value(EASY)
    at.button(key="send").click().run()
    settled(at)
    assert len(stored().completions) == 2
    assert stored().outcomes == ()
    assert at.segmented_control(key="verdict").value is None


def test_blind_hides_until_rated() -> None:
    """No model's name, no cost and no moving posterior before the ratings, which are marked as blind."""
    at = send(HARD, run_all=True, blind=True)

    def shown() -> str:
        kinds = (at.main.header, at.main.markdown, at.main.caption, at.main.code, at.main.info, at.main.error)
        aside = (at.sidebar.metric, at.sidebar.caption)
        return "\n".join(str(one.value) for kind in (*kinds, *aside) for one in kind)

    for rated in (None, 0):
        if rated is not None:
            at.feedback[rated].set_value(1).run()
        assert "Answer A" in shown()
        assert "Answer B" in shown()
        assert "gpt" not in shown()
        assert chosen(at) == []
        assert "$" not in shown()
        assert "0 of 0" not in shown()
        assert "[simulated]" in at.code[0].value
    at.feedback[1].set_value(0).run()
    assert chosen(at) == list(LABELS.values())
    assert {one.blinded for one in stored().outcomes} == {True}
    assert "Each router alone" in texts(at)
    assert next(one.label for one in at.sidebar.metric) == "Spent"
    assert texts(at).count("→ **") == 4  # both models' counts and shares, from before the first rating


@pytest.mark.parametrize("drawn", [CHEAP, STRONG])
@pytest.mark.parametrize("shares", [(0.7, 0.3), (0.3, 0.7), (0.5, 0.5)])
def test_a_card_names_the_model_that_was_drawn(drawn: str, shares: tuple[float, float]) -> None:
    """Where it is not the one with the largest share: whichever the reason before speaks of."""
    decided = replace(a_decision(1), arms=(CHEAP, STRONG), probabilities=shares, chosen=drawn)
    said = _summary(decided)
    unlikely = shares[drawn == STRONG] < max(shares)
    assert said.startswith(decided.reason.summary)
    assert said.endswith(f"; {drawn} was drawn, with 30% of the split") == unlikely
    assert ("drawn" in said) == unlikely


def test_blind_answers_come_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long each takes: at every look all of them are there or none, and one button stops them."""
    slow = Settings(simulation=SimulationSettings(latency_scale=0.3))
    use(tmp_path, monkeypatch, slow)
    at = opened("playground")
    at.text_area(key="prompt").set_value(HARD)
    at.toggle(key="run_all").set_value(True)
    at.toggle(key="blind").set_value(True)
    at.button(key="send").click().run()
    assert len([one for one in at.button if one.label == "Stop"]) == 1
    seen = set()
    while any(one.key == "stop-all" for one in at.button):
        assert "[simulated]" not in texts(at)
        seen.add(len(at.feedback))
        at.run()
    at.run()
    assert seen == {0}
    assert len(at.feedback) == 2
    assert texts(at).count("[simulated]") == 2


def test_blind_holds_on_every_page() -> None:
    """The table and the record of a prompt name its models, costs and times only once it is rated."""
    at = send(HARD, run_all=True, blind=True)
    id_ = stored().prompt.id
    at.switch_page("history.py").run()
    row = at.dataframe[0].value.iloc[0]
    assert "gpt" not in " ".join(map(str, row))
    assert row["Cost"] == "hidden until rated"
    record = opened("history", id=id_)
    said = " ".join([texts(record), *(one.label for one in record.expander)])
    assert "gpt" not in said
    assert "$" not in said
    for place in (0, 1):
        record.feedback[place].set_value(1).run()
    assert "What it cost" in " ".join(one.label for one in record.expander)
    assert "gpt-4o" in texts(record)


def test_blind_answers_stay_in_place() -> None:
    """What stood left stands left when the names are shown; neither a rating taken back nor another answer hides
    them anew.
    """  # fmt: skip
    at = send(HARD, run_all=True, blind=True)
    before = [one.key for one in at.feedback]
    at.segmented_control(key="verdict").set_value("Tie").run()
    assert [one.key for one in at.feedback] == before
    at.segmented_control(key="verdict").set_value(None).run()
    assert chosen(at) == list(LABELS.values())
    at.feedback[0].set_value(1).run()
    assert [one.blinded for one in stored().outcomes] == [False]
    next(one for one in at.button if one.label == "Again").click().run()
    settled(at)
    assert chosen(at) == list(LABELS.values())


def test_a_link_finds_it_again() -> None:
    """In a new visit, under both names of the parameter; an unknown one is said to be unknown."""
    send(HARD)
    prompt_id = stored().prompt.id
    for name in ("prompt", "comparison"):
        at = opened("playground", **{name: prompt_id})
        assert chosen(at) == list(LABELS.values())
    gone = opened("playground", prompt="00000000-0000-0000-0000-000000000000")
    assert "is not in this store" in gone.warning[0].value


def test_the_prompt_is_beside_its_decisions() -> None:
    """In the form, where nothing else is typed there: after a reload, by its link; else above its decisions."""
    at = send(HARD)
    prompt_id = stored().prompt.id
    assert "asked" not in [one.key for one in at.expander]
    at = opened("playground", prompt=prompt_id)
    assert at.text_area(key="prompt").value == HARD
    assert "asked" not in [one.key for one in at.expander]
    at.text_area(key="prompt").set_value("Another one.")
    at.button(key="send").click().run()
    at = settled(at)
    assert "asked" not in [one.key for one in at.expander]
    at.query_params["prompt"] = prompt_id
    at.run()
    assert at.text_area(key="prompt").value == "Another one."
    assert [one.label for one in at.expander if one.key == "asked"] == [f"**Prompt:** {escaped(HARD)}"]
    assert HARD in [one.value for one in at.code]


def test_a_form_that_was_emptied_stays_empty() -> None:
    """The prompt that the address names is put in once, not again and again."""
    send(HARD)
    at = opened("playground", prompt=stored().prompt.id)
    at.text_area(key="prompt").set_value("").run()
    assert at.text_area(key="prompt").value == ""


def test_what_a_click_replaces_can_be_brought_back() -> None:
    """Of several typed texts every one; what a click put in and nobody changed is not kept."""
    at = opened("playground")
    at.text_area(key="prompt").set_value("My own words.").run()
    for example in ("Spam?", "Extract a date"):
        at.pills(key="example").set_value(example).run()
    assert at.text_area(key="prompt").value != "My own words."
    assert at.selectbox(key="task_type").value == "extraction"
    at.text_area(key="prompt").set_value("The example, changed.").run()
    at.button(key="bring-back-text").click().run()
    assert at.text_area(key="prompt").value == "My own words."
    at.button(key="bring-back-text").click().run()
    assert at.text_area(key="prompt").value == "The example, changed."
    assert at.button(key="bring-back-text").label == "Bring back “My own words.”"


def test_a_stored_prompt_is_put_into_the_form_whole() -> None:
    """System prompt, task type and parameters too; what was typed meanwhile can be brought back."""
    at = opened("playground")
    at.text_area(key="prompt").set_value(HARD)
    at.text_area(key="system").set_value("Be brief.")
    at.number_input(key="limit").set_value(64)
    at.selectbox(key="task_type").set_value("extraction")
    at.button(key="send").click().run()
    settled(at)
    first = stored().prompt
    for key, value in (("prompt", EASY), ("system", "")):
        at.text_area(key=key).set_value(value)
    at.number_input(key="limit").set_value(None)
    at.button(key="send").click().run()
    settled(at)
    at.query_params["prompt"] = first.id
    at.run()
    at.button(key="use-prompt").click().run()
    at.button(key="send").click().run()
    settled(at)
    again = stored().prompt
    assert again.id != first.id
    assert (again.messages, again.task_type, again.params) == (first.messages, first.task_type, first.params)
    at.button(key="bring-back-text").click().run()
    assert (at.text_area(key="prompt").value, at.text_area(key="system").value) == (EASY, "")


def test_coming_back_from_another_page() -> None:
    """The comparison and what was typed are still there."""
    at = send(HARD, run_all=True)
    prompt_id = stored().prompt.id
    at.switch_page("settings.py").run()
    at.switch_page("playground.py").run()
    assert not at.exception
    assert chosen(at) == list(LABELS.values())
    assert at.text_area(key="prompt").value == HARD
    assert at.toggle(key="run_all").value is True
    assert at.query_params["prompt"] in (prompt_id, [prompt_id])


def test_a_model_without_a_price(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its cost is called unknown wherever a cost is shown, and what was saved is unknown too."""
    arms = (ArmSettings(model="openai/gpt-4o-mini"), ArmSettings(model="openai/nobody-knows"))
    use(tmp_path, monkeypatch, the_settings(goals={"default": GoalSettings(arms=arms)}))
    at = send(HARD, run_all=True)
    said = texts(at)
    assert "price unknown · first word" in said
    assert "Answer: price unknown" in said
    assert "an unknown price counts as the highest known one" in said
    assert "1 of unknown cost, not counted as spent" in said
    assert next(one.value for one in at.metric if one.label == "Saved") == "unknown"


def test_options_are_sent() -> None:
    """System prompt, temperature and limit go with the call; what is not set is left to the model."""
    at = opened("playground")
    at.text_area(key="prompt").set_value(HARD)
    at.text_area(key="system").set_value("Be brief.")
    at.number_input(key="temperature").set_value(0.5)
    at.number_input(key="limit").set_value(16)
    at.button(key="send").click().run()
    settled(at)
    prompt = stored().prompt
    assert prompt.params == {"temperature": 0.5, "max_tokens": 16}
    assert [dict(message) for message in prompt.messages or ()] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": HARD},
    ]
    assert "cut off at the token limit" in texts(at)


def test_another_answer() -> None:
    """Again asks the same model once more; both answers are kept, the newest is shown."""
    at = send(HARD)
    before = len(stored().completions)
    next(one for one in at.button if one.label == "Again").click().run()
    settled(at)
    assert len(stored().completions) == before + 1
    assert stored().decisions[-1].origin == "forced"


def test_texts_that_are_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer is on screen in this visit, and nowhere in the store."""
    use(tmp_path, monkeypatch, the_settings(privacy=PrivacySettings(keep_texts="hash")))
    at = send(HARD)
    assert "simulated gpt" in texts(at)
    found = stored()
    assert found.prompt.messages is None
    assert {one.text for one in found.completions} == {None}

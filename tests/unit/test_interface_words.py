"""The words of the interface: all of them are listed, and those that were retired do not come back."""

from __future__ import annotations

import ast

import pytest

from benchmarks.words import Said, interface, of_core, of_page

RETIRED = (
    "What is this traffic", "always kept for every model", "better buy", "is remembered: free", "Also run models",
    "drawn all the same", "Lost against", "Spend, added up", "Who got the traffic", "bought verdicts",
    "Should bring", "dearer", "Take it with you", "Bring one in", "Keep only fingerprints", "is no router",
    "Nothing is changed. What a change", "for price unknown", "Simple from, in points", "Remembers, in verdicts",
    "Not before, in ratings", "Further tries",
)  # fmt: skip


@pytest.fixture(scope="module")
def listing() -> list[Said]:
    """Every text of the interface."""
    return interface()


def test_labels_help_and_errors_are_listed(listing: list[Said]) -> None:
    """One of each, with the place where it stands."""
    said = {(one.file, one.text) for one in listing}
    assert ("pages/costs.py", "Cumulative spend") in said
    assert ("pages/main.py", "Each kind of traffic learns by itself.") in said
    assert ("pages/rating_queue.py", "Skip :small[:gray[s]]") in said
    assert any(file == "router_core/learning/value_of_information.py" for file, _ in said)
    assert any(one.by == "setting" and "million input tokens" in one.text for one in listing)


def test_what_is_filled_in_is_marked_and_keys_are_left_out() -> None:
    """By hand, on a page and an error of three lines."""
    page = 'st.button(f"Ask {name} too", key="ask-me", help="It costs a call.")\nst.html("<b>no words here</b>")'
    assert {one.text for one in of_page(ast.parse(page), "p")} == {"Ask {...} too", "It costs a call."}
    core = 'raise StoreError(f"{path!r} is not there; give a file")'
    assert [(one.by, one.text) for one in of_core(ast.parse(core), "c")] == [
        ("StoreError", "{...} is not there; give a file")
    ]


@pytest.mark.parametrize("words", RETIRED)
def test_retired_words_stay_away(listing: list[Said], words: str) -> None:
    """What a newcomer did not understand."""
    assert [one for one in listing if words.lower() in one.text.lower()] == []

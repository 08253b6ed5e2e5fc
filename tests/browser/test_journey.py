"""The main journey in a real browser: send, compare, rate, watch the posterior move, find it again."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Server, answers, ready, send

pytestmark = pytest.mark.browser

HARD = "Write a memo that compares two warehouse leases and explain why one is better."


def test_send_rate_reload_and_deep_link(start_server: Callable[..., Server], page: Page) -> None:
    """A decision of each router, an answer per model, a thumb that moves the posterior; kept after a reload, and
    found by its link on a fresh server.
    """  # fmt: skip
    server = start_server()
    page.goto(f"{server.url}/try")
    ready(page)
    expect(page.get_by_text("Simulated models")).to_be_visible()
    page.locator(".st-key-run_all label").first.click()
    send(page, HARD)
    for policy in ("heuristic", "classifier", "thompson", "contextual", "by-task"):
        expect(page.locator(f".st-key-decision-{policy}")).to_contain_text("chose")
    answers(page, 2)
    expect(page.get_by_text("[simulated gpt-4o-mini]")).to_be_visible()
    learned = page.locator(".st-key-learned")
    expect(learned).to_contain_text("gpt-4o-mini 0 of 0 good")
    page.locator(".st-key-answer-0").locator('[class*="st-key-thumb-"] button').first.click()
    expect(learned).to_contain_text("gpt-4o-mini 0 of 0 → 1 of 1 good")
    expect(learned).to_contain_text(re.compile(r"chance of being the better value: [\d.]+% → [\d.]+%"))
    expect(page.locator('[data-testid="stSidebar"]')).to_contain_text("deciding cost")
    link = page.url
    assert "prompt=" in link

    page.reload()
    ready(page)
    answers(page, 2)
    expect(learned).to_contain_text("gpt-4o-mini 1 of 1 good")

    page.goto("about:blank")
    server.stop()
    fresh = start_server()
    page.goto(fresh.url + link.removeprefix(server.url))
    ready(page)
    expect(page.locator(".st-key-decision-thompson")).to_contain_text("chose")
    answers(page, 2)
    expect(learned).to_contain_text("gpt-4o-mini 1 of 1 good")


def test_change_and_take_back(start_server: Callable[..., Server], page: Page) -> None:
    """The other thumb replaces the first, a second click on it takes it back, and nothing counts twice."""
    page.goto(f"{start_server().url}/try")
    ready(page)
    page.locator(".st-key-run_all label").first.click()
    send(page, HARD)
    answers(page, 2)
    learned = page.locator(".st-key-learned")
    thumbs = page.locator(".st-key-answer-1").locator('[class*="st-key-thumb-"] button')
    thumbs.first.click()
    expect(learned).to_contain_text("gpt-4o 0 of 0 → 1 of 1 good")
    thumbs.last.click()
    expect(learned).to_contain_text("gpt-4o 1 of 1 → 0 of 1 good")
    thumbs.last.click()
    expect(learned).to_contain_text("gpt-4o 0 of 1 → 0 of 0 good")
    page.locator(".st-key-verdicts").get_by_text("Both good").click()
    expect(learned).to_contain_text("gpt-4o 0 of 0 → 1 of 1 good")
    expect(learned).to_contain_text("gpt-4o-mini 0 of 0 → 1 of 1 good")
    page.locator(".st-key-verdicts").get_by_text("Tie").click()
    expect(learned).to_contain_text("gpt-4o-mini 1 of 1 → 0.5 of 1 good")


def test_verdicts_by_key(start_server: Callable[..., Server], page: Page) -> None:
    """A number rates where nobody types, and is a letter of the prompt where somebody does; pressed again it takes
    the verdict back.
    """  # fmt: skip
    page.goto(f"{start_server().url}/try")
    ready(page)
    page.locator(".st-key-run_all label").first.click()
    send(page, HARD)
    answers(page, 2)
    learned = page.locator(".st-key-learned")
    page.keyboard.press("2")
    expect(page.locator(".st-key-prompt textarea")).to_have_value(f"{HARD}2")
    expect(learned).to_contain_text("gpt-4o 0 of 0 good")
    page.locator(".st-key-learned h2").click()
    page.keyboard.press("2")
    expect(learned).to_contain_text("gpt-4o 0 of 0 → 1 of 1 good")
    expect(learned).to_contain_text("gpt-4o-mini 0 of 0 → 0 of 1 good")
    page.keyboard.press("2")
    expect(learned).to_contain_text("gpt-4o 1 of 1 → 0 of 0 good")


def test_stop_keeps_what_has_come(start_server: Callable[..., Server], page: Page) -> None:
    """Stop ends one answer, keeps its text, and leaves the other alone; the stopped one can be had again."""
    page.goto(f"{start_server(latency_scale=2.0).url}/try")
    ready(page)
    page.locator(".st-key-run_all label").first.click()
    send(page, HARD)
    strong = page.locator(".st-key-answer-1")
    expect(strong).to_contain_text("[simulated gpt-4o]")
    expect(page.locator('[class*="st-key-thumb-"] button:not([disabled])')).to_have_count(0)
    strong.get_by_text("Stop", exact=True).click()
    answers(page, 2)
    expect(strong).to_contain_text("stopped")
    expect(page.locator(".st-key-answer-0")).not_to_contain_text("stopped")
    expect(strong.get_by_text("Again")).to_be_enabled()


def test_one_model_fails_and_the_other_answers(start_server: Callable[..., Server], page: Page) -> None:
    """A failing model shows its sentence and Retry, the other is answered and can be rated."""
    page.goto(f"{start_server().url}/try")
    ready(page)
    page.locator(".st-key-run_all label").first.click()
    send(page, "Compare these, simulate:cut@gpt-4o please, and explain why.")
    answers(page, 1)
    strong = page.locator(".st-key-answer-1")
    expect(strong).to_contain_text("broke off")
    expect(strong.get_by_text("Retry")).to_be_enabled()
    strong.get_by_text("Retry").click()
    expect(strong).to_contain_text("broke off")


def test_blind(start_server: Callable[..., Server], page: Page) -> None:
    """Names, cost and decisions stay hidden until every answer is rated."""
    page.goto(f"{start_server().url}/try")
    ready(page)
    page.locator(".st-key-run_all label").first.click()
    page.locator(".st-key-blind label").first.click()
    send(page, HARD)
    answers(page, 2)
    main = page.locator('[data-testid="stMain"]')
    expect(main).to_contain_text("Answer A")
    expect(page.locator(".st-key-decisions")).to_contain_text("Hidden until every answer is rated.")
    for place in (0, 1):
        expect(page.locator(f".st-key-answer-{place}")).not_to_contain_text("gpt-4o")
        expect(page.locator(f".st-key-answer-{place}")).not_to_contain_text("$")
    page.locator(".st-key-answer-0").locator('[class*="st-key-thumb-"] button').first.click()
    expect(page.locator(".st-key-answer-0")).not_to_contain_text("gpt-4o")
    page.locator(".st-key-answer-1").locator('[class*="st-key-thumb-"] button').first.click()
    expect(page.locator(".st-key-answer-0")).to_contain_text("gpt-4o")
    expect(page.locator(".st-key-decision-heuristic")).to_contain_text("chose")


def test_empty_prompt_is_a_sentence(start_server: Callable[..., Server], page: Page) -> None:
    """Sending nothing says what to do."""
    page.goto(f"{start_server().url}/try")
    ready(page)
    page.locator(".st-key-send button").click()
    expect(page.get_by_text("the prompt is empty")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 800])
def test_nothing_is_cut_off(start_server: Callable[..., Server], page: Page, scheme: str, width: int) -> None:
    """The page never scrolls sideways, in either theme and width, with long words in prompt and answer."""
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.set_viewport_size({"width": width, "height": 1000})
    page.goto(f"{start_server().url}/try")
    ready(page)
    send(page, "Compare " + "incomprehensibilities" * 20 + " and explain why.")
    expect(page.locator('[class*="st-key-thumb-"] button:not([disabled])').first).to_be_visible()
    overflow = page.evaluate(
        "() => { const m = document.querySelector('[data-testid=stMain]'); return m.scrollWidth - m.clientWidth }"
    )
    assert overflow <= 0


def test_a_second_prompt_clears_the_first(start_server: Callable[..., Server], page: Page) -> None:
    """While the second prompt's answers stream, nothing of the first can be rated by mistake."""
    page.goto(f"{start_server(latency_scale=2.0).url}/try")
    ready(page)
    page.locator(".st-key-run_all label").first.click()
    send(page, "Is this spam? You won a prize.")
    answers(page, 2)
    page.locator(".st-key-answer-0").locator('[class*="st-key-thumb-"] button').first.click()
    expect(page.locator(".st-key-learned")).to_contain_text("1 of 1 good")
    send(page, HARD)
    expect(page.locator(".st-key-answer-1").get_by_text("Stop", exact=True)).to_be_visible()
    expect(page.locator('[class*="st-key-thumb-"] button:not([disabled])')).to_have_count(0)
    expect(page.locator(".st-key-verdicts")).to_have_count(0)
    answers(page, 2)
    expect(page.locator(".st-key-learned")).to_contain_text("1 of 1 good")


def test_a_click_right_after_sending_loses_neither(start_server: Callable[..., Server], page: Page) -> None:
    """While the routers decide, the answers before can still be rated; the prompt is sent all the same."""
    page.goto(f"{start_server(latency_scale=2.0).url}/try")
    ready(page)
    page.locator(".st-key-run_all label").first.click()
    send(page, "Is this spam? You won a prize.")
    answers(page, 2)
    first = page.url
    send(page, HARD)
    page.locator(".st-key-answer-0").locator('[class*="st-key-thumb-"] button').first.click()
    expect(page.locator(".st-key-answer-0")).to_contain_text("Write a memo")
    answers(page, 2)
    expect(page.locator(".st-key-learned")).to_contain_text("1 of 1 good")
    assert page.url != first

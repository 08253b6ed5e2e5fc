"""The app for those who do not see it whole or have no mouse: titles, headings, long names, the keyboard alone."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from playwright.sync_api import Page, expect

from router_core.settings import ArmSettings, GoalSettings
from tests.browser.conftest import READY, Server, answers, ready, send

pytestmark = pytest.mark.browser

EASY = "Is this spam? Yes or no: you won a prize."
PAGES = {
    "try": ("Try", "What has been learned about this traffic"),
    "costs?range=all": ("Costs", "Cumulative spend"),
    "learning": ("Learning", "Changes of prices"),
    "?tab=My+traffic": ("Verdict", "Rules would have"),
    "rate": ("Rate", "This visit"),
    "ship": ("Ship", "Import"),
    "settings": ("Settings", "Budget"),
}
LEVELS = """() => [...document.querySelectorAll('h1, h2, h3, h4, h5, h6')].map(one => Number(one.tagName[1]))"""
OUTSIDE = """() => [...document.querySelectorAll('.role-legend-label text')].filter(
    one => one.getBoundingClientRect().right > one.closest('svg').getBoundingClientRect().right
).map(one => one.textContent)"""
CUT_OFF = """() => [...document.querySelectorAll('.stMarkdownBadge')].filter(
    one => one.scrollWidth > one.clientWidth || one.scrollHeight > one.clientHeight + 1
).map(one => one.innerText)"""


def test_every_page_has_a_title_and_an_outline(server: Server, page: Page) -> None:
    """The tab says which page it is; sections are headings, below one for the app, and no level is skipped."""
    for address, (title, section) in PAGES.items():
        page.goto(f"{server.url}/{address}")
        page.wait_for_selector(READY)
        expect(page).to_have_title(f"{title} · Router Playground")
        expect(page.get_by_role("heading", name=section).first).to_be_visible()
        levels = page.evaluate(LEVELS)
        assert levels[0] == 1, title
        assert levels.count(1) == 1, title
        assert all(below <= above + 1 for above, below in pairwise(levels)), title


def test_legends_fit_a_narrow_screen(server: Server, page: Page) -> None:
    """Entries that have no room beside each other stand below each other; none is cut off."""
    page.set_viewport_size({"width": 390, "height": 1000})
    for address, entry in (("costs?range=all", "Contextual Thompson"), ("learning", "starting weights")):
        page.goto(f"{server.url}/{address}")
        expect(page.locator(".role-legend-label", has_text=entry)).to_be_visible()
        assert page.evaluate(OUTSIDE) == []


def test_a_long_name_hides_no_figure(start_server: Callable[..., Server], page: Page) -> None:
    """Names as long as those of real catalogues, and longer: badges are broken, not cut off with their chance."""
    names = ("openai/meta-llama/llama-3.3-70b-instruct-turbo", "openai/" + "strongest" * 20)
    goals = {"default": GoalSettings(arms=tuple(ArmSettings(model=name, weight=0.5) for name in names))}
    page.goto(f"{start_server(goals=goals).url}/try")
    ready(page)
    send(page, EASY)
    card = page.locator(".st-key-decision-contextual")
    card.locator("summary").click()
    expect(card.get_by_text("Split", exact=False).first).to_be_visible()
    assert page.evaluate(CUT_OFF) == []


def test_the_keyboard_is_enough(start_server: Callable[..., Server], page: Page) -> None:
    """Sent, rated, changed and taken back without a mouse; the focus stays where the next key is pressed."""

    def to(selector: str) -> None:
        for _ in range(40):
            page.keyboard.press("Tab")
            if page.evaluate("one => document.activeElement.matches(one)", selector):
                return
        raise AssertionError(f"{selector} was not reached")

    page.goto(f"{start_server().url}/?run_all=true")
    ready(page)
    to(".st-key-prompt textarea")
    page.keyboard.type(EASY)
    page.keyboard.press("Control+Enter")
    answers(page, 2)
    to('[class*="st-key-thumb-"] button')
    said = page.locator(".st-key-learned")
    page.keyboard.press("Enter")
    expect(said).to_contain_text("1 of 1 good")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(said).to_contain_text("0 of 1 good")
    page.keyboard.press("Enter")
    expect(said).to_contain_text("No ratings yet")
    expect(page.locator('[class*="st-key-thumb-"] button:focus')).to_have_count(1)


def test_a_prompt_is_opened_by_keyboard(server: Server, page: Page) -> None:
    """In the table of the history, as the page says."""
    page.goto(f"{server.url}/rate")
    expect(page.get_by_text("then Shift+Space")).to_be_visible()
    expect(page.locator('[data-testid="stDataFrame"] canvas').first).to_be_visible()
    page.wait_for_selector(READY)
    page.locator(".st-key-history-delete button").first.focus()
    for _ in range(8):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.tagName") == "CANVAS":
            break
    expect(page.locator("canvas:focus")).to_have_count(1)
    page.keyboard.press("ArrowDown")
    page.wait_for_timeout(500)  # the table draws its cursor, and a person looks at it
    page.keyboard.press("Shift+Space")
    expect(page.get_by_role("link", name="Open in Try")).to_be_visible()

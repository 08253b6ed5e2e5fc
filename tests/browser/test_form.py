"""What is on screen is what is sent, in a real browser: typed, clicked, filled in, reloaded, opened again."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Server, ready, send

pytestmark = pytest.mark.browser

MINE = "Explain in one sentence why the sky is blue."
OTHER = "Name three rivers of Europe."
FILL_IN = """(field, text) => {
  Object.getOwnPropertyDescriptor(Object.getPrototypeOf(field), "value").set.call(field, text);
  field.dispatchEvent(new Event("input", { bubbles: true }));
}"""


@pytest.fixture
def form(start_server: Callable[..., Server], page: Page) -> Page:
    """The playground, with nothing typed."""
    page.goto(f"{start_server(latency_scale=0).url}/try")
    ready(page)
    return page


def box(page: Page) -> str:
    """What stands in the prompt's field."""
    return page.locator(".st-key-prompt textarea").input_value()


def compare(page: Page) -> None:
    """Click *Compare* and wait for the answers."""
    before = page.url
    page.locator(".st-key-send button").click()
    page.wait_for_function("url => location.href !== url", arg=before)
    expect(page.locator('[class*="st-key-thumb-"] button:not([disabled])').first).to_be_visible()


def was_sent(page: Page) -> str:
    """The prompt of the comparison that the address names, as its record in the history shows it."""
    address = urlsplit(page.url)
    page.goto(f"{address.scheme}://{address.netloc}/rate?id={parse_qs(address.query)['prompt'][0]}")
    shown = page.locator('[data-testid="stMain"] [data-testid="stCode"]')
    expect(shown.first).to_be_visible()
    return "\n".join(shown.all_inner_texts())


def example(page: Page, name: str) -> None:
    """Take an example and wait until it stands in the field."""
    before = box(page)
    page.locator(".st-key-example").get_by_text(name).click()
    page.wait_for_function(
        "before => document.querySelector('.st-key-prompt textarea').value !== before", arg=before
    )


def test_an_example_takes_the_place_of_what_was_typed(form: Page) -> None:
    """Typed, then an example, then *Compare*: the example is sent; what was typed can be brought back and sent."""
    form.locator(".st-key-prompt textarea").fill(MINE)
    example(form, "Spam?")
    shown = box(form)
    compare(form)
    form.locator(".st-key-bring-back-text button").click()
    expect(form.locator(".st-key-prompt textarea")).to_have_value(MINE)
    first = form.url
    compare(form)
    second = form.url
    assert MINE in was_sent(form)
    form.goto(first)
    ready(form)
    assert first != second
    assert shown.splitlines()[0] in was_sent(form)


def test_the_last_key_counts(form: Page) -> None:
    """Typed to the end and clicked at once; typed in the options; sent by keyboard from there."""
    form.locator(".st-key-prompt textarea").press_sequentially(OTHER)
    compare(form)
    form.locator(".st-key-prompt textarea").fill("")
    form.locator(".st-key-prompt textarea").press_sequentially(MINE)
    form.locator(".st-key-more button").first.click()
    form.locator(".st-key-temperature input").fill("0.5")
    form.locator(".st-key-system textarea").press_sequentially("Be brief.")
    before = form.url
    form.locator(".st-key-system textarea").press("Control+Enter")
    form.wait_for_function("url => location.href !== url", arg=before)
    expect(form.locator(".st-key-more button").first).to_contain_text("Options: system prompt, temperature")
    sent = was_sent(form)
    assert "Be brief." in sent
    assert MINE in sent


def test_what_the_browser_fills_in_is_sent(form: Page) -> None:
    """Without a key and without the focus, over what was typed."""
    field = form.locator(".st-key-prompt textarea")
    field.fill(MINE)
    form.locator(".st-key-blind").click()
    field.evaluate(FILL_IN, OTHER)
    compare(form)
    assert OTHER in was_sent(form)


def test_a_click_elsewhere_loses_nothing(form: Page) -> None:
    """Typed and not sent: another page is opened, and the text is there on the way back, by link and by *Back*."""
    form.locator(".st-key-prompt textarea").fill(MINE)
    form.get_by_role("link", name="Settings").click(delay=100)
    expect(form.locator(".st-key-tab")).to_be_visible()
    form.get_by_role("link", name="Try", exact=True).click()
    ready(form)
    expect(form.locator(".st-key-prompt textarea")).to_have_value(MINE)
    form.locator(".st-key-prompt textarea").fill(OTHER)
    form.get_by_role("link", name="Rate", exact=True).click(delay=100)
    expect(form.locator(".st-key-no-traffic")).to_be_visible()
    form.go_back()
    ready(form)
    expect(form.locator(".st-key-prompt textarea")).to_have_value(OTHER)
    compare(form)
    assert OTHER in was_sent(form)


def test_a_reload_shows_what_was_sent(form: Page) -> None:
    """The prompt, its task type and what is set out of sight; sent again it is the same."""
    form.locator(".st-key-more button").first.click()
    form.locator(".st-key-system textarea").fill("Be brief.")
    send(form, MINE)
    expect(form.locator('[class*="st-key-thumb-"] button:not([disabled])').first).to_be_visible()
    form.reload()
    ready(form)
    expect(form.locator(".st-key-prompt textarea")).to_have_value(MINE)
    expect(form.locator(".st-key-more button").first).to_contain_text("Options: system prompt")
    compare(form)
    sent = was_sent(form)
    assert "Be brief." in sent
    assert MINE in sent


def test_opened_from_the_history(form: Page) -> None:
    """The form holds another text: that stays, the prompt that was opened stands above its decisions and is put
    into the form by a click; run again, it is sent as it was.
    """  # fmt: skip
    send(form, MINE)
    expect(form.locator('[class*="st-key-thumb-"] button:not([disabled])').first).to_be_visible()
    first = form.url
    form.locator(".st-key-prompt textarea").fill(OTHER)
    form.get_by_role("link", name="Rate", exact=True).click(delay=100)
    form.locator(".st-key-history-table canvas").first.click(position={"x": 16, "y": 52}, force=True)
    form.get_by_role("link", name="Open in Try").click()
    ready(form)
    expect(form.locator(".st-key-prompt textarea")).to_have_value(OTHER)
    form.locator(".st-key-asked summary").click()
    form.locator(".st-key-use-prompt button").click()
    expect(form.locator(".st-key-prompt textarea")).to_have_value(MINE)
    expect(form.locator(".st-key-bring-back-text")).to_contain_text("Name three rivers")
    compare(form)
    second = form.url
    assert MINE in was_sent(form)
    form.locator(".st-key-rerun button").click()
    form.wait_for_url("**prompt=**")
    expect(form.locator('[class*="st-key-thumb-"] button:not([disabled])').first).to_be_visible()
    assert form.url not in (first, second)
    assert MINE in was_sent(form)

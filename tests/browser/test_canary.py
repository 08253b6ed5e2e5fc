"""Nothing from outside is markup: a canary in every stored text, every file and every field, in a real browser.

It tries to load an image, to colour a word, to draw an icon and a formula as large as a house, to make an element
and to link to a page of its own. The network is watched, and what the browser has made of it is looked at.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Request, expect

from router_core.settings import ArmSettings, ClassifierSettings, GoalSettings, ProviderSettings, Settings
from router_core.store import open_store
from router_core.store.base import Batch, SettingsVersion
from router_core.types import Reason, ReasonLine
from tests.browser.conftest import READY, Server, ready, send
from tests.scored import long_csv
from tests.store_rows import a_completion, a_decision, a_prompt, an_outcome, ident

pytestmark = pytest.mark.browser

LURE = "http://127.0.0.1:9/canary-"  # nobody listens there; that it is asked for is enough
ACTS = """() => {
  const found = [];
  const say = (what, nodes) => nodes.forEach(one => found.push(`${what}: ${one.outerHTML.slice(0, 300)}`));
  const all = selector => [...document.querySelectorAll(selector)];
  say("image", all('img[src*="canary"], [style*="canary"]'));
  say("link", all('a[href^="data:"]'));
  say("link", all('a[href*="canary"]').filter(one => !one.closest(ANSWERS)));
  say("exception", all('[data-testid="stException"]'));
  say("coloured", all('.stMarkdownColoredText, .stMarkdownBadge')
    .filter(one => one.textContent.trim() === "red-bird"));
  say("icon", all('[role="img"][aria-label="skull icon"]'));
  say("formula", all('.katex').filter(one => one.getBoundingClientRect().height > 700));
  say("diagram", all('[data-testid="stMermaid"], svg[id^="mermaid"]'));
  const main = document.querySelector('[data-testid="stMain"]');
  if (main.scrollWidth > main.clientWidth) found.push(`as wide as ${main.scrollWidth}`);
  if (main.scrollHeight > 20000) found.push(`as high as ${main.scrollHeight}`);
  return found;
}"""
EMOJI = """() => [...document.querySelectorAll('[data-testid="stMarkdownContainer"]')].filter(
    one => one.textContent.includes("\\u{1F604}")
      && !one.closest(ANSWERS)
).map(one => one.outerHTML.slice(0, 300))"""
ANSWERS = "'[class*=\"st-key-answer\"], .st-key-other-answers, .st-key-mistake-shown'"  # links to the web, emoji
FIELDS = '[data-testid="stMain"] :is(input[type="text"], textarea):visible:enabled'


def canary(field: str) -> str:
    """A text that tries everything."""
    return (
        f"![x]({LURE}{field}) :red[red-bird] :material/skull: :smile: [a](data:text/html,{field})"
        f" <img src={LURE}{field}> $\\rule{{2000em}}{{2000em}}$"
    )


def word(field: str) -> str:
    """The same without white space, for names that may hold none."""
    return canary(field).replace(" <img src=", "<img/src=").replace(" ", ",")


GOAL = (
    "![x](canary-goal) :red[red-bird] :smile: $\\rule{2000em}{2000em}$"  # a name of at most 100, without a slash
)


@pytest.fixture
def watched(page: Page) -> Callable[[str], None]:
    """The page is looked at after every step: what acted, and what was asked for over the network."""
    asked: list[str] = []

    def note(request: Request) -> None:
        if LURE in request.url or (request.resource_type == "image" and "canary" in request.url):
            asked.append(request.url)

    page.on("request", note)

    def look(where: str) -> None:
        page.wait_for_selector(READY)
        page.wait_for_timeout(300)
        assert page.evaluate(ACTS.replace("ANSWERS", ANSWERS)) == [], where
        assert page.evaluate(EMOJI.replace("ANSWERS", ANSWERS)) == [], where
        assert asked == [], where

    return look


def settings() -> dict[str, Any]:
    """Parts of settings whose names are canaries."""
    cheap, strong = f"openai/{word('cheap')}", f"openai/{word('strong')}"
    goal = GoalSettings(arms=(ArmSettings(model=cheap, weight=0.5), ArmSettings(model=strong, weight=0.5)))
    return {
        "goals": {GOAL: goal, "default": goal},
        "providers": {
            "openai": ProviderSettings(),
            "other": ProviderSettings(base_url="https://x/:red[red-bird]![x](canary-url)"),
        },
        "classifier": ClassifierSettings(
            model=f"openai/{word('judge')}", prompt=f"SIMPLE COMPLEX {canary('ask')}"
        ),
    }


def fill(folder: Path, parts: dict[str, Any]) -> None:
    """A store whose every text is a canary."""
    store = open_store(folder / "router.duckdb", kind="simulated")
    cheap, strong = (arm.id for arm in parts["goals"]["default"].arms)
    messages = (
        {"role": canary("role"), "content": canary("first")},
        {"role": "user", "content": canary("prompt")},
    )
    answer = f"{canary('answer')}\n\n```mermaid\ngraph TD; A[<img src={LURE}mermaid>]\n```\n\n$x^2$"
    for number in (1, 2):
        name = (GOAL, "default")[number - 1]
        reason = Reason(canary("reason"), (ReasonLine(canary("line"), canary("value"), True),) * 8)
        decisions = [
            a_decision(10 * number + at, prompt_id=ident(number), goal=name, policy=policy, arms=(cheap, strong),
                       chosen=chosen, completion_id=ident(100 * number + at % 2), reason=reason,
                       fallback=canary("fallback") if at == 1 else None)
            for at, (policy, chosen) in enumerate(
                (("heuristic", cheap), ("classifier", strong), ("thompson", cheap), ("contextual", strong)))
        ]  # fmt: skip
        completions = [
            a_completion(100 * number, prompt_id=ident(number), goal=name, arm=cheap, model=cheap, text=answer),
            a_completion(100 * number + 1, prompt_id=ident(number), goal=name, arm=strong, model=strong, text=None,
                         error=canary("error")),
        ]  # fmt: skip
        outcome = an_outcome(number, 100 * number, comment=canary("comment"), chips=(canary("chip"),))
        prompt = a_prompt(number, goal=name, messages=messages, task_type=canary("task"))
        store.write(Batch([prompt], decisions, completions, [outcome]))
        store.snapshot_learning(name, at=datetime.now(UTC), author=canary("author"), note=canary("snapshot"))
    now = Settings(**parts)
    saved = SettingsVersion(now.version, datetime.now(UTC), canary("author"), canary("note"), now.document())
    store.save_settings(saved)
    store.close()


@pytest.fixture
def full(start_server: Callable[..., Server], tmp_path: Path) -> Server:
    """The app on that store."""
    parts = settings()
    fill(tmp_path, parts)
    return start_server(latency_scale=0, **parts)


def addresses() -> list[str]:
    """Every page with what it can show, by its address."""
    tabs = ("Goals", "Models+%26+providers", "Rules", "Classifier", "Contextual", "Calls+%26+privacy",
            "Versions")  # fmt: skip
    return [
        "", "ship", f"try?prompt={ident(1)}", f"try?prompt={ident(2)}", "costs?range=all&tables=true",
        "learning?tables=true",
        "?tab=My+data", "?tab=My+traffic", "?tab=Pairs", "rate", f"rate?id={ident(1)}",
        *(f"settings?tab={tab}" for tab in tabs),
    ]  # fmt: skip


def opened_up(page: Page) -> None:
    """Open what is closed: expanders."""
    for one in page.locator('[data-testid="stMain"] details:not([open]) > summary').all():
        if one.is_visible():
            one.click()


def test_what_is_stored_does_not_act(full: Server, page: Page, watched: Callable[[str], None]) -> None:
    """On every page, for a goal whose own name is a canary too."""
    for goal in (0, 1):
        for address in addresses():
            page.goto(f"{full.url}/{address}")
            page.wait_for_selector(READY)
            if goal:
                page.locator(".st-key-goal input").click()
                page.get_by_role("option").nth(goal).click()
                page.wait_for_selector(READY)
            opened_up(page)
            watched(f"goal {goal}: {address}")
    page.goto(f"{full.url}/?prompt={ident(2)}")
    answer = page.locator(".st-key-answer-0")
    for part in ("[red-bird]", "material/skull", "data:text/html,answer", "2000em"):
        expect(answer).to_contain_text(part)  # what does not act is still there to be read
    expect(answer.locator(".katex", has_text="x2").first).to_be_visible()


def test_what_is_typed_does_not_act(full: Server, page: Page, watched: Callable[[str], None]) -> None:
    """In every field of every page: it is put in, taken by the page and shown wherever the page shows it."""
    seen = 0
    for address in addresses():
        page.goto(f"{full.url}/{address}")
        page.wait_for_selector(READY)
        opened_up(page)
        for place in range(page.locator(FIELDS).count()):
            field = page.locator(FIELDS).nth(place)
            if (
                not field.count()
                or field.get_attribute("aria-haspopup")
                or field.get_attribute("readonly") is not None
            ):
                continue
            field.fill(canary("typed"))
            field.press("Tab")
            seen += 1
            watched(f"{address}: field {place}")
    assert seen > 15


def test_what_is_sent_does_not_act(full: Server, page: Page, watched: Callable[[str], None]) -> None:
    """A prompt and its system prompt; the simulated models repeat it in their answers."""
    page.goto(f"{full.url}/try")
    ready(page)
    page.locator(".st-key-more button").first.click()
    page.locator(".st-key-system textarea").fill(canary("system"))
    send(page, canary("sent"))
    page.wait_for_url("**prompt=**")
    expect(page.locator('[class*="st-key-answer-"]').first).to_be_visible()
    watched("sent")


def scored_file() -> bytes:
    """A file of scored answers whose column names, models, tasks and texts are canaries."""
    rows = list(csv.reader(io.StringIO(long_csv(60).decode())))
    head, body = rows[0], rows[1:]
    names = {"task": canary("task-name")}
    texts = [[f"{canary('cell')} {cell}" if head[at] in ("prompt", "response", "task", "model") else cell
              for at, cell in enumerate(row)] for row in body]  # fmt: skip
    text = io.StringIO()
    csv.writer(text).writerows(
        [[names.get(one, one) for one in head] + [canary("column")], *([*row, "1"] for row in texts)]
    )
    return text.getvalue().encode()


def test_what_is_imported_does_not_act(
    full: Server, page: Page, watched: Callable[[str], None], tmp_path: Path
) -> None:
    """Files by their names, columns and cells: judged, broken, and a router brought in."""
    name = canary("file").replace("/", "∕")
    for content in (scored_file(), b"broken", f"{canary('head')},b\n1,2\n".encode()):
        page.goto(f"{full.url}/?tab=My+data")
        file = tmp_path / f"{name}.csv"
        file.write_bytes(content)
        page.locator('.st-key-labelled-file input[type="file"]').set_input_files(file)
        page.wait_for_timeout(2_000)
        opened_up(page)
        watched("a file of scored answers")
        judge = page.locator(".st-key-judge button")
        if judge.count() and judge.is_enabled():
            judge.click()
            expect(page.locator(".st-key-verdict")).to_be_visible(timeout=60_000)
            opened_up(page)
            watched("its verdict")
    page.goto(f"{full.url}/ship")
    with page.expect_download() as waiting:
        page.locator('[class*="st-key-download-evidence"] button').first.click()
    router = tmp_path / f"{name}.json"
    router.write_bytes(Path(waiting.value.path()).read_bytes())
    for content in (router.read_bytes(), f'{{"{canary("key")}": 1}}'.encode()):
        router.write_bytes(content)
        page.goto(f"{full.url}/ship")
        page.locator('.st-key-import-file input[type="file"]').set_input_files(router)
        page.wait_for_timeout(1_500)
        watched("an import")

"""Who may look, tried by a browser: a name rebound by DNS, a frame of another site, a page on another port."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser, BrowserType, Page, expect

from tests.browser.conftest import READY, Server, launch, ready

pytestmark = pytest.mark.browser

STREAM = "_stcore/stream"
# What a script of a page can find out: whether a websocket to this address opened.
OPENS = """(address) => new Promise((resolve) => {
  const socket = new WebSocket(address, ["streamlit"]);
  socket.onopen = () => { socket.close(); resolve(true); };
  socket.onerror = () => resolve(false);
})"""


@pytest.fixture
def rebound(chromium: BrowserType) -> Iterator[Browser]:
    """A browser for which the names of another site lead to this machine, as after DNS rebinding."""
    opened = launch(chromium, "--host-resolver-rules=MAP *.example 127.0.0.1")
    yield opened
    opened.close()


@pytest.fixture
def foreign() -> Iterator[Callable[[str], str]]:
    """Serves a page of another site on a port of its own; gives its address."""
    servers: list[ThreadingHTTPServer] = []

    def serve(html: str) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("content-type", "text/html")
                self.end_headers()
                self.wfile.write(html.encode())

            def log_message(self, format: str, *args: object) -> None:
                """Keep quiet."""

        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=servers[-1].serve_forever, args=(0.01,), daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_address[1]}/"

    yield serve
    for one in servers:
        one.shutdown()
        one.server_close()


def test_a_rebound_name_sees_nothing(server: Server, rebound: Browser) -> None:
    """Neither page, nor script, nor websocket; the sentence says how a name is allowed."""
    page = rebound.new_page()
    for path in ("", "rate", "settings", "_stcore/health", "_stcore/host-config"):
        answer = page.goto(f"http://evil.example:{server.port}/{path}")
        assert answer is not None
        assert answer.status == 403, path
    expect(page.get_by_text("This server does not answer to the name 'evil.example'")).to_be_visible()
    expect(page.get_by_text("ROUTER_ALLOWED_HOSTS")).to_be_visible()
    assert not page.evaluate(OPENS, f"ws://evil.example:{server.port}/{STREAM}")


def test_a_name_that_is_allowed_works(start_server: Callable[..., Server], rebound: Browser) -> None:
    """The page, its websocket and its fonts; another name is still refused."""
    server = start_server(environ={"ROUTER_ALLOWED_HOSTS": "router.example"})
    page = rebound.new_page()
    page.goto(f"http://router.example:{server.port}/try")
    ready(page)
    answer = page.goto(f"http://evil.example:{server.port}/")
    assert answer is not None
    assert answer.status == 403


def test_a_server_that_lets_in_everybody_shows_no_page(start_server: Callable[..., Server], page: Page) -> None:
    """The pages' own script started in place of app.py, which brings the checks."""
    server = start_server(script="pages/main.py")
    for path in ("", "history"):
        page.goto(f"{server.url}/{path}")
        expect(page.get_by_text("This server does not check who may look.")).to_be_visible()
        assert page.locator("textarea, table, [data-testid=stMetric]").count() == 0


def test_a_frame_of_another_site_stays_empty(
    server: Server, browser: Browser, foreign: Callable[[str], str]
) -> None:
    """Nothing of the settings page is shown, so nothing can be clicked."""
    page = browser.new_page()
    page.goto(foreign(f'<iframe src="{server.url}/settings" width="900" height="700"></iframe><p>after</p>'))
    expect(page.get_by_text("after")).to_be_visible()
    page.wait_for_timeout(3_000)  # a page that is shown is there by then
    assert [frame.locator("[data-testid]").count() for frame in page.frames[1:]] == [0]


def test_a_page_on_another_port_gets_no_socket(
    server: Server, page: Page, browser: Browser, foreign: Callable[[str], str]
) -> None:
    """Another program's page on this machine is another site; the app's own page gets its socket."""
    page.goto(f"{server.url}/try")
    page.wait_for_selector(READY)
    address = f"{server.url.replace('http', 'ws', 1)}/{STREAM}"
    assert page.evaluate(OPENS, address)
    other = browser.new_page()
    other.goto(foreign("<p>another program</p>"))
    assert not other.evaluate(OPENS, address)
    other.goto(foreign("<p>another name</p>").replace("127.0.0.1", "localhost"))
    assert not other.evaluate(OPENS, address)

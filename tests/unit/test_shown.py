"""How values look on the pages."""

from __future__ import annotations

from decimal import Decimal

import pytest

from pages.formatting import badge, dollars, duration, escaped, labels, model_text, shortened
from router_core.types import Arm


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (None, "price unknown"),
        (Decimal(0), "$0"),
        (Decimal("0.0000210"), "$0.000021"),
        (Decimal("0.00123"), "$0.0012"),
        (Decimal("0.5"), "$0.50"),
        (3.414, "$3.41"),
        (1240.4, "$1,240"),
        (-0.00123, "-$0.0012"),
        (1e-9, "< $0.000001"),
    ],
)
def test_dollars(amount: Decimal | float | None, text: str) -> None:
    """As many digits as matter; an unknown price is never zero."""
    assert dollars(amount) == text


def test_estimated_dollars() -> None:
    """An estimate carries a tilde."""
    assert dollars(0.25, estimated=True) == "~$0.25"


@pytest.mark.parametrize(("ms", "text"), [(None, "unknown"), (0.021, "0.02 ms"), (420, "420 ms"), (2100, "2.1 s")])
def test_duration(ms: float | None, text: str) -> None:
    """The unit that fits."""
    assert duration(ms) == text


def test_labels_are_short_where_that_is_enough() -> None:
    """The provider is named only where two models would look alike."""
    arms = [Arm("openai/gpt-4o", "openai/gpt-4o"), Arm("local/llama", "local/llama"), Arm("b/llama", "b/llama")]
    assert labels(arms) == {"openai/gpt-4o": "gpt-4o", "local/llama": "local/llama", "b/llama": "b/llama"}


def test_model_text_fetches_nothing() -> None:
    """An image in an answer stays text: fetching it would tell somebody that it was read."""
    assert "![" not in model_text("look ![x](http://example.com/a.png)").replace("!\\[", "")
    assert model_text("look ![x](http://example.com/a.png)") == "look !\\[x](http://example.com/a.png)"


@pytest.mark.parametrize(
    "answer",
    [
        "no code: \\`![x](http://example.com/a.png)\\`",
        "no fence: ```b ![x](http://example.com/a.png) here",
        "~~~\n```\n~~~\n\n![x](http://example.com/a.png)\n\n```\n",
        "````\n```\n````\n\n![x](http://example.com/a.png)\n\n```\n",
        "a ` over a line\nb` ![x](http://example.com/a.png) ` end",
        "<div>\n```\n\n![x](http://example.com/a.png)\n\n```\n</div>",
        '<a href="`">![x](http://example.com/a.png) `',
        "$$\n```\n$$\n\n![x](http://example.com/a.png)\n\n```\n",
        ':x{a="`"} ![x](http://example.com/a.png) `',
        "\\`![x][ref]\\`\n\n[ref]: http://example.com/a.png",
        "| a | b |\n|---|---|\n| a ` | ![x](http://example.com/a.png) ` |",
        "http://example.com/` ![x](http://example.com/a.png) `",
        "a `\r\r![x](http://example.com/a.png)` b",
        ":X[a ` b] ![x](http://example.com/a.png) `",
        "```\n   ```\n![x](http://example.com/a.png)\n```\n",
        "```\n`````\n![x](http://example.com/a.png)\n```\n",
    ],
)
def test_an_image_cannot_hide_in_code_that_is_none(answer: str) -> None:
    """What only looks like code to us is an image to the browser: it is parted there, too."""
    assert "![" not in model_text(answer)


@pytest.mark.parametrize(
    "answer",
    [
        "Write it as `![alt](http://a.b/c.png)` or:\n\n```md\n# It <b>\n![alt](picture.png) `x\n```\nThat is all.",
        "```rust\nlet a = vec![1](2);\n```",
        "cost <b>5</b> \\ `vec![1, 2]`",
    ],
)
def test_images_in_plain_code_stay(answer: str) -> None:
    """Code that is code beyond doubt, or that can hold no image, is copied as it was written."""
    assert model_text(answer) == answer


def test_model_text_cannot_imitate_the_page() -> None:
    """Streamlit's directives and icons stay text. Icons are replaced behind Markdown, whatever is escaped."""
    assert model_text(":red[alarm]") == "\\:red[alarm]"
    assert ":material/" not in model_text("\\:material/lock: :material/lock:")
    assert ":streamlit:" not in model_text(":streamlit:")
    assert model_text(":green-badge[verified]") == "\\:green-badge[verified]"


def test_two_prices_are_no_formula() -> None:
    """Dollars before digits are money."""
    assert model_text("between $5 and $9") == "between \\$5 and \\$9"


def test_code_is_left_alone() -> None:
    """Inside code nothing is interpreted, so nothing is changed, even while the fence is still open."""
    text = "see `a[:red[1]]` and\n```sh\necho $1 ![x]\n"
    assert model_text(text) == text


def test_shortened_text_is_one_line() -> None:
    """White space becomes one blank; what does not fit is cut, and says so."""
    assert shortened("a\n\n b", 9) == "a b"
    assert shortened("word " * 100, 9) == "word wor…"
    assert shortened(" " * 100 + "late", 9) == "…"


def test_escaped_text_is_literal() -> None:
    """Names with Markdown in them do not become Markdown."""
    assert escaped("a_b*c[d]") == "a\\_b\\*c\\[d\\]"
    assert badge("m_1", 1) == ":orange-badge[m\\_1]"

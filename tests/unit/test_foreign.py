"""Text from outside: it is shown, and cannot act."""

from __future__ import annotations

import re

import pytest

from pages.foreign import escaped, model_text, shortened

JOINER = "\N{WORD JOINER}"
SPACE = "\N{ZERO WIDTH NO-BREAK SPACE}"


def test_model_text_fetches_nothing() -> None:
    """An image in an answer stays text: fetching it would tell somebody that it was read."""
    shown = model_text("look ![x](http://example.com/a.png)")
    assert shown == "look (image not loaded) \\[x](http://example.com/a.png)"
    assert model_text("vec![1, 2]") == "vec!\\[1, 2]"


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


@pytest.mark.parametrize(
    "mark",
    [":red[x]", "\\:red[x]", ":green-badge[x]", ":small[x]", ":red", ":help", ":color{foreground=red}", ":Red[x]"],
)
def test_model_text_cannot_imitate_the_page(mark: str) -> None:
    """Streamlit's directives stay text, whatever stands before them: a backslash escapes the next one."""
    assert model_text(f"a {mark} b") == f"a {mark.replace(':', f':{SPACE}')} b"


@pytest.mark.parametrize("icon", [":material/lock:", ":material_lock:", "\\:material/lock:", ":streamlit:"])
def test_icons_stay_text(icon: str) -> None:
    """They are put in behind Markdown, whatever is escaped, and under two names."""
    for shown in (model_text(icon), escaped(icon)):
        assert f":{JOINER}" in shown or f":{SPACE}" in shown
        assert not re.search(r":(material[/_]|streamlit:)", shown)


@pytest.mark.parametrize("words", ["at 12:30:45", "std::vec::new", "key: value", "C:/x", ":redder", "a :-) b"])
def test_colons_that_say_nothing_stay(words: str) -> None:
    """Only what Streamlit would obey is parted."""
    assert model_text(words) == words


@pytest.mark.parametrize(
    "link",
    [
        "[a](data:text/html,x)",
        "[a](<data:text/html,x>)",
        "[a]( \n DATA:x)",
        "[a](&#100;ata:x)",
        "[a](javascript:x)",
        "[a](file:///etc/passwd)",
        "[a](settings?tab=Rules)",
        "[a]: data:text/html,x",
        "> [a]:\n> data:text/html,x",
    ],
)
def test_links_lead_to_the_web_alone(link: str) -> None:
    """Another target is text: it could hold a page of its own, or act on this one."""
    shown = model_text(link)
    assert f"]{JOINER}" in shown
    assert shown.replace(JOINER, "") == link


def test_addresses_in_brackets_lead_to_the_web_alone() -> None:
    """The short form of a link, too."""
    assert model_text("<data:text/html,x>") == f"<{JOINER}data:text/html,x>"
    assert model_text("<https://a.b>") == "<https://a.b>"


@pytest.mark.parametrize("link", ["[a](https://b.c)", "[a](<http://b.c>)", "[a](#top)", "[a]: https://b.c"])
def test_links_to_the_web_stay(link: str) -> None:
    """As the model wrote them."""
    assert model_text(link) == link


@pytest.mark.parametrize(
    "formula",
    [
        r"\rule{2000em}{2000em}",
        r"\kern2000em x",
        r"\hspace*{2000em}",
        r"\raisebox{-500em}{x}",
        r"\def\a{\rule{1em}{1em}}\a",
        r"a \\[2000em] b",
        r"a \cr [2000em] b",
        r"\href{data:x}{y}",
        r"\includegraphics{http://example.com/a.png}",
        r"\llap{over there}",
    ],
)
def test_a_formula_keeps_its_size_and_place(formula: str) -> None:
    """It cannot say how large it is, move over the page, or make a command that does; as code it stays."""
    shown = model_text(f"so ${formula}$")
    assert JOINER in shown
    assert shown.replace(JOINER, "") == f"so ${formula}$"
    assert JOINER in model_text(f"so $ ` {formula} ` $")
    assert model_text(f"`{formula}`") == f"`{formula}`"


@pytest.mark.parametrize(
    "formula", [r"$x^2$", r"$$\frac{a}{b} \left( \sum_{i=1}^n x_i \right)$$", r"$\sqrt{2} \approx 1.41$"]
)
def test_formulas_stay(formula: str) -> None:
    """What is only mathematics is shown as such."""
    assert model_text(formula) == formula


@pytest.mark.parametrize(
    "fence", ["```mermaid", "~~~ Mermaid", "```mermaid-x", "``` &#109;ermaid", "```math", "> ```mermaid"]
)
def test_code_is_not_drawn(fence: str) -> None:
    """Streamlit draws diagrams and formulas from fences of these names; a diagram can hold an image."""
    assert JOINER in model_text(f"{fence}\ngraph TD\n```").splitlines()[0]


@pytest.mark.parametrize("fence", ["```python", "~~~ c++", "```mathematica", "```"])
def test_code_keeps_its_language(fence: str) -> None:
    """Other names only colour the code."""
    assert model_text(f"{fence}\nx = 1\n{fence[:3]}") == f"{fence}\nx = 1\n{fence[:3]}"


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


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("$x$", "\\$x\\$"),
        ("<img src=x>", "\\<img src=x\\>"),
        ("&lt;", "\\&lt;"),
        (":smile:", f"\\:{JOINER}smile\\:"),
        ("a -> b", f"a -{JOINER}\\> b"),
        ("a -- b", f"a -{JOINER}- b"),
        ("- a", "\\- a"),
        ("1. a", f"1{JOINER}. a"),
        ("    a\n\n  b ", "a b"),
        ("see http://a.b/c", f"see {JOINER}http\\://a.b/c"),
        ("www.a.b", f"{JOINER}www.a.b"),
        ("a@b.co", f"a{JOINER}\\@b.co"),
    ],
)
def test_nothing_that_is_escaped_is_read(text: str, shown: str) -> None:
    """Neither as Markdown nor as what is put in behind it: emoji, arrows, links."""
    assert escaped(text) == shown


def test_what_is_plain_stays() -> None:
    """Letters, figures and punctuation of sentences are left as they are."""
    text = 'gpt-4o (mini), 42 % of 1.5; "so" - it\'s 3/4?'
    assert escaped(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (r"so \( x^2 \) is", "so $x^2$ is"),
        (r"\(5 + x\)", "$5 + x$"),
        (r"\[ \frac{a}{b} \]", r"$$ \frac{a}{b} $$"),
        ("\\[\nx = 1\n\\]", "$$\nx = 1\n$$"),
        (r"\[ x \left(\frac{1}{2}\right) \]", r"$$ x \left(\frac{1}{2}\right) $$"),
        (r"`\(x\)`", r"`\(x\)`"),
        (r"\\(x\\)", r"\\(x\\)"),
        (r"\[x", r"\[x"),
    ],
)
def test_formulas_in_other_marks(text: str, shown: str) -> None:
    """What most models write is shown as mathematics, too; in code it stays."""
    assert model_text(text) == shown


@pytest.mark.parametrize("name", [":smile:", ":+1:", "a:heart:b", "::wave:", ":100:", ":8ball:"])
def test_names_of_emoji_stay_text(name: str) -> None:
    """No pictures that the model did not write."""
    assert model_text(name).replace(SPACE, "") == name
    assert SPACE in model_text(name)
    assert model_text(f"`{name}`").replace(SPACE, "") == f"`{name}`"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("# One", "#### One"),
        ("## Two", "##### Two"),
        ("a\n\n###### Six", "a\n\n###### Six"),
        ("> # One", "> #### One"),
        ("- # One", "- #### One"),
        ("One\n===\nb", "#### One\nb"),
        ("Two\n---\nb", "#### Two\nb"),
        ("a | b\n--- | ---", "a | b\n--- | ---"),
        ("a\n\n---\n\nb", "a\n\n---\n\nb"),
        ("```sh\n# no heading\n```", "```sh\n# no heading\n```"),
        ("#no heading", "#no heading"),
    ],
)
def test_headings_of_an_answer_stand_below_the_pages(text: str, shown: str) -> None:
    """However they are written; comments in code are none."""
    assert model_text(text) == shown

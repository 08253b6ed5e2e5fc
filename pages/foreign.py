"""Text from outside (prompts, answers, names, errors, files), made safe to show: it can look, but not act.

Streamlit reads almost every text as Markdown, with directives (``:red[...]``), icons, emoji, formulas, diagrams
and images of its own, some of which it puts in after Markdown has been read. So every text that is not a constant
of these pages passes through one of two functions: ``escaped`` where it must be shown as it is written,
``model_text`` where it may be Markdown, as an answer of a model may.
"""

from __future__ import annotations

import re

_JOINER = (
    "\N{WORD JOINER}"  # takes no room; it parts what is looked for after Markdown, where no backslash is left
)
_SPACE = (
    "\N{ZERO WIDTH NO-BREAK SPACE}"  # takes no room either; a directive's name may hold a joiner, but no space
)

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~$!:&@])")
_BEGINS = re.compile(r"^(?:[-+](?=\s|$)|[-=]+$|\d+(?=[.)](?:\s|$)))")  # would begin a list or end a heading
_NEWLINES = re.compile(r"\s*[\n\r]\s*")
_COLONS = re.compile(r":(?=[\w+-]+:|material[/_]|streamlit:)")
_ARROWS = re.compile(r"(?<!\S)(<-|-|>|<|~)(?=(?:>|-|=)(?!\S))")
_ADDRESS = re.compile(r"(?=https?://|www\.)|(?=@)", re.IGNORECASE)


def escaped(text: str) -> str:
    """Text that is shown as it is written, in one paragraph, wherever Streamlit reads Markdown: labels, too."""
    line = _NEWLINES.sub(" ", text).strip()
    line = _ADDRESS.sub(_JOINER, line)
    line = _COLONS.sub(f":{_JOINER}", line)
    line = _ARROWS.sub(rf"\1{_JOINER}", line)
    return _BEGINS.sub(_guarded, _SPECIAL.sub(r"\\\1", line))


def _guarded(found: re.Match[str]) -> str:
    start = found.group()
    return f"{start}{_JOINER}" if start.isdigit() else f"\\{start}"


def shortened(text: str, most: int) -> str:
    """In one line, of so many characters at most."""
    line = " ".join(text[: 4 * most].split())
    return line if len(line) <= most and len(text) <= 4 * most else line[: most - 1] + "…"


_CODE = re.compile(r"(```.*?(?:```|\Z)|`[^`\n]+`)", re.DOTALL)
_FENCED = re.compile(r"^```[^`\n]*\n(?:(?!```).)*?(?:^```[ \t]*$|\Z)", re.DOTALL | re.MULTILINE)
_INLINE = re.compile(r"`[^`\n\r|]+`")
_UNSURE = re.compile(r"[`\\<${|@\r]|~~~|:[\w/]|www\.")  # around code: may begin, end or swallow a mark

_IMAGE = re.compile(r"!(?=\[)")
_COLOURS = "red|orange|yellow|blue|green|violet|purple|gray|grey|primary|rainbow"
_DIRECTIVE = re.compile(
    rf":(?=[A-Za-z][\w-]*[\[{{]|(?:(?:{_COLOURS})(?:-background|-badge)?|small|shimmer|color|help)(?![\w-]))"
)
_ICON = re.compile(r":(?=material[/_]|streamlit:)")
_TARGET = re.compile(r"\](?=[(:](?!\s*<?(?:https?://|mailto:|#)))", re.IGNORECASE)  # of a link or a definition
_AUTOLINK = re.compile(r"<(?=(?!https?:|mailto:)[a-z][a-z0-9+.-]{1,31}:)", re.IGNORECASE)
_SIZED = re.compile(  # formulas may not say how large they are, move about, define commands or link
    r"\\(?=(?:rule|[mh]?skip|m?kern|[hvm]space|raisebox|above|genfrac|arraystretch|[egx]?def|(?:future)?let|global|long"
    r"|(?:re)?newcommand|providecommand|[rlc]lap|math[rlc]lap|smash|href|url|includegraphics|html\w+)(?![A-Za-z]))"
    r"|(?<=\\\\)(?=\s*\[)|(?<=\\cr)(?=\s*\[)"
)
_MARKS = (_IMAGE, _TARGET, _AUTOLINK, _SIZED)
_LANGUAGE = re.compile(
    r"(`{3,}|~{3,})([ \t]*)(?=[^\s`~])(?!(?!mermaid)(?!math(?![\w#+.-]))[\w#+.-]+[ \t]*(?:[\r\n]|\Z))", re.I
)
_MONEY = re.compile(r"(?<![\\$])\$(?=\d)")


_PICTURE = re.compile(r"(?<!\w)!\[(?=[^\]\n]*\][(\[])")
_EMOJI_NAME = r"(?:[A-Za-z+_-][\w+-]*|\d+[A-Za-z_][\w-]*|100|1234)"
_EMOJI = re.compile(rf"(?<!:):(?={_EMOJI_NAME}:)|:(?={_EMOJI_NAME}:(?!:))")  # not in ``std::vec::new``
_INLINE_FORMULA = re.compile(r"(?<!\\)\\\([ \t]*([^$\n]+?)[ \t]*(?<!\\)\\\)")
_DISPLAY_FORMULA = re.compile(r"(?<!\\)\\\[((?:[^$\n]|\n(?![ \t]*\n))+?)(?<!\\)\\\]")
_HEADING = re.compile(r"^([ \t]*(?:(?:>|[-*+]|\d+[.)])[ \t]*)*)(#{1,6})(?=[ \t]|$)", re.MULTILINE)
_UNDERLINED = re.compile(r"^(?!\s*[#>*+|~-])(?! {4})([^\n|]*\S[^\n|]*)\n {0,3}(?:=+|-+)[ \t]*$", re.MULTILINE)
_LEVELS = 3  # headings of the page end at the third


def model_text(text: str) -> str:
    """A model's Markdown with what could act on the reader's browser or on the page taken out.

    Images would be fetched (and could carry data away), diagrams can hold images, Streamlit's own directives could
    imitate the page, links may lead to the web alone, a formula could cover the page, and two prices in a sentence
    would be read as a formula. Names of emoji stay text, formulas are shown however they are marked, headings
    stand below the page's, and an image that is not loaded says so. Code is left as it is; but where it is not
    plain that the browser takes it for code, too, it is treated as other text is.
    """
    parts = _CODE.split(text)
    plain = _plain(text)
    for index, part in enumerate(parts):
        if index % 2 == 0:
            parts[index] = _formulas(_MONEY.sub("\\\\$", _inert(_without_images(_lowered(part)))))
        elif not plain:
            parts[index] = _inert(part, images="](" in text or "]:" in text)
    return _LANGUAGE.sub(rf"\1\2{_JOINER}", "".join(parts))


def _without_images(text: str) -> str:
    return _PICTURE.sub(r"(image not loaded) \\[", text).replace("![", "!\\[")


def _formulas(text: str) -> str:
    """The text with formulas in the marks that Streamlit knows; many models write \\( \\) and \\[ \\]."""
    text = _INLINE_FORMULA.sub(lambda found: f"${found.group(1)}$", text)
    return _DISPLAY_FORMULA.sub(lambda found: f"$${found.group(1)}$$", text)


def _lowered(text: str) -> str:
    """The text with its headings below those of the page."""
    text = _UNDERLINED.sub(lambda found: f"# {found.group(1).strip()}", text)
    return _HEADING.sub(lambda found: found.group(1) + "#" * min(6, len(found.group(2)) + _LEVELS), text)


def _inert(text: str, images: bool = True) -> str:
    """The text with a joiner in every mark that would act; ``images``: whether it can hold any."""
    for mark in _MARKS if images else _MARKS[1:]:
        text = mark.sub(lambda found: f"{found.group()}{_JOINER}", text)
    for mark in (_DIRECTIVE, _ICON, _EMOJI):
        text = mark.sub(f":{_SPACE}", text)
    return text


def _plain(text: str) -> bool:
    """Whether Markdown sees code where we see it: fences that begin a line, else pairs of ` within a line."""
    return _UNSURE.search(_INLINE.sub("", _FENCED.sub("", text))) is None

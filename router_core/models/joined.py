"""Text from pieces that may be cut in the middle of a character. Pure."""

from __future__ import annotations


class Joined:
    """Text from pieces. A character beyond the basic plane may come as two halves (surrogates) in two pieces: the
    first waits until the second is there. A half that stays alone becomes U+FFFD.
    """  # fmt: skip

    def __init__(self) -> None:
        self.begun = False
        self._pieces: list[str] = []
        self._half = ""

    @property
    def text(self) -> str:
        """What has come and is whole."""
        return "".join(self._pieces)

    def add(self, piece: str) -> str:
        """Take in a piece; what of it can be shown."""
        self.begun = True
        text, self._half = self._half + piece, ""
        if text and "\ud800" <= text[-1] <= "\udbff":
            text, self._half = text[:-1], text[-1]
        text = whole_text(text)
        self._pieces.append(text)
        return text

    def end(self) -> None:
        """Nothing more will come."""
        if self._half:
            self._half = ""
            self._pieces.append("\ufffd")


def whole_text(text: str) -> str:
    """The text with halves of characters put together, or replaced where they are alone."""
    if text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")

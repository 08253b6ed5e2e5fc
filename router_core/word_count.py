"""How many words a text has, in any script.

Chinese, Japanese, Thai, Lao, Khmer, Burmese and Tibetan are written without spaces between words. Their words are
estimated from the letters; to find them would take a dictionary for each language.
"""

from __future__ import annotations

from functools import cache
from math import ceil
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import regex

_LETTERS_PER_WORD: Final = {
    r"\p{Han}々〇": 1.5,
    r"\p{Hiragana}\p{Katakana}ー": 2.5,
    r"\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}": 5.0,
}
"""Letters of a script -> about how many make a word. Translators count 1.5 to 1.7 Chinese characters, 2 to 2.5
Japanese ones and 4 to 6 Thai letters (vowel signs included) for an English word."""


def word_count(text: str) -> int:
    """Words: between white space as they stand; of scripts without spaces about as many as their letters make.

    Beside such letters, marks without a letter or a digit are no words.
    """
    if text.isascii():
        return len(text.split())
    unspaced, parts = _patterns()
    if not unspaced.search(text):
        return len(text.split())
    words = ceil(sum(len(letter.findall(text)) / each for letter, each in parts))
    rest = unspaced.sub(" ", text).split()
    return words + sum(any(map(str.isalnum, word)) for word in rest)


@cache
def _patterns() -> tuple[regex.Pattern[str], tuple[tuple[regex.Pattern[str], float], ...]]:
    """A run of letters without spaces, and the letters of each kind."""
    import regex

    run = regex.compile(f"[{''.join(_LETTERS_PER_WORD)}]+")
    return run, tuple((regex.compile(f"[{kind}]"), each) for kind, each in _LETTERS_PER_WORD.items())

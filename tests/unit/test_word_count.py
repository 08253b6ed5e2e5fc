"""Words of any script: exact where there are spaces, sensible where there are none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router_core.features import context
from router_core.word_count import word_count

SPACED = st.text(st.characters(max_codepoint=0x2FF), max_size=60)


@given(SPACED)
def test_with_spaces_words_are_between_them(text: str) -> None:
    """As the article counts them: nothing of its rules moves."""
    assert word_count(text) == len(text.split())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", 0),
        ("naïve café", 2),
        ("안녕하세요 세계 여러분", 3),  # Korean has spaces
        ("Привет, как дела?", 3),
        ("你好", 2),
        ("「你好」。", 2),
        ("请把这句话翻译成英文。", 7),  # 10 letters
        ("これは何ですか？", 4),  # 6 kana, 1 Han
        ("สวัสดีครับ", 2),  # 10 signs
        ("Translate 你好 please.", 4),
        ("你好 — ok", 3),  # the dash is no word
        ("请" * 150, 100),
    ],
)
def test_by_hand(text: str, words: int) -> None:
    """Letters of a script over how many of them make a word, rounded up; other words as they stand."""
    assert word_count(text) == words
    assert context([{"role": "user", "content": text or " "}], "default").words == words


@given(
    st.text(st.sampled_from("你好ですสวัสดี。 a"), max_size=40),
    st.text(st.sampled_from("你好ですส。 a"), max_size=40),
)
def test_longer_texts_have_no_fewer_words(text: str, more: str) -> None:
    """Whatever scripts are mixed, and never more words than characters."""
    assert word_count(text) <= word_count(f"{text} {more}") <= len(text) + len(more)

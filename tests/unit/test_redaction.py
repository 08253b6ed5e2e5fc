"""Keys in what a provider says: every form of them is struck out, and nothing else is."""

from __future__ import annotations

import base64
import codecs
import html
import json
import urllib.parse
from collections.abc import Callable

import pytest

from router_core.models.redaction import STRUCK, Redactor, cut_tokens

KEY = "sk-proj-Zq81vT3bX9_mLw-4RkP07yNd2HsE"
OTHER = "7f3a9c0e51b84d62a1f0c9e8d7b6a594"

FORMS: dict[str, Callable[[str], str]] = {
    "itself": str,
    "capitals": str.upper,
    "reversed": lambda key: key[::-1],
    "spaced": " ".join,
    "in lines": lambda key: "\n".join(key[i : i + 5] for i in range(0, len(key), 5)),
    "dashed": "-".join,
    "dashed and reversed": lambda key: "-".join(key[::-1]),
    "zero-width": "\u200b".join,
    "halves": lambda key: f"{key[:18]} and then {key[18:]}",
    "base64": lambda key: base64.b64encode(key.encode()).decode(),
    "base64 of the header": lambda key: base64.b64encode(f"Bearer {key}".encode()).decode(),
    "base64 of the whole header": lambda key: base64.b64encode(
        f"Authorization: Bearer {key}\r\n".encode()
    ).decode(),
    "base64 of a user": lambda key: base64.urlsafe_b64encode(f"u:{key}".encode()).decode(),
    "base64 in lines": lambda key: base64.encodebytes((f"Bearer {key}" * 3).encode()).decode(),
    "base64 of it reversed": lambda key: base64.b64encode(key[::-1].encode()).decode(),
    "base64 reversed": lambda key: base64.b64encode(key.encode()).decode()[::-1],
    "base64 quoted": lambda key: urllib.parse.quote(base64.b64encode(f"Bearer {key}".encode()).decode(), safe=""),
    "base32": lambda key: base64.b32encode(f"Bearer {key}".encode()).decode(),
    "hex": lambda key: key.encode().hex(),
    "hex with colons": lambda key: key.encode().hex(":").upper(),
    "escaped hex": lambda key: "".join(f"\\x{byte:02x}" for byte in key.encode()),
    "bytes": lambda key: str(list(key.encode())),
    "rot13": lambda key: codecs.encode(key, "rot13"),
    "quoted": lambda key: "".join(f"%{byte:02X}" for byte in key.encode()),
    "quoted twice": lambda key: "".join(f"%25{byte:02x}" for byte in key.encode()),
    "quoted in part": lambda key: key.replace("-", "%2D").replace("_", "%5f"),
    "entities": lambda key: "".join(f"&#{byte};" for byte in key.encode()),
    "hex entities": lambda key: "".join(f"&#x{byte:x};" for byte in key.encode()),
    "escaped": lambda key: "".join(f"\\u{byte:04x}" for byte in key.encode()),
    "escaped html": lambda key: html.escape(f"<b>{key}</b>"),
    "json": lambda key: json.dumps(json.dumps({"key": key})),
    "base64 of UTF-16": lambda key: base64.b64encode(key.encode("utf-16-le")).decode(),
    "hex of UTF-16": lambda key: key.encode("utf-16-be").hex(),
    "base64 twice": lambda key: base64.b64encode(base64.b64encode(key.encode())).decode(),
    "base64 of hex": lambda key: base64.b64encode(key.encode().hex().encode()).decode(),
    "hex of base64": lambda key: base64.b64encode(key.encode()).hex(),
    "hex twice": lambda key: key.encode().hex().encode().hex(),
    "bytes in hex": lambda key: ", ".join(f"0x{byte:02x}" for byte in key.encode()),
    "octal": lambda key: "".join(f"\\{byte:03o}" for byte in key.encode()),
    "escaped for style sheets": lambda key: "".join(f"\\{byte:06x}" for byte in key.encode()),
    "escaped in braces": lambda key: "".join(f"\\u{{{byte:x}}}" for byte in key.encode()),
    "escaped with eight digits": lambda key: "".join(f"\\U{byte:08x}" for byte in key.encode()),
    "entities without an end": lambda key: "".join(f"&#x{byte:x}" for byte in key.encode()),
    "tags": lambda key: "".join(f"<b>{one}</b>" for one in key),
    "wide": lambda key: "".join(chr(ord(one) + 0xFEE0) for one in key),
    "bold digits": lambda key: "".join(chr(0x1D7CE + int(one)) if one.isdigit() else one for one in key),
    "thirds": lambda key: f"{key[:12]} and then {key[12:24]} and at last {key[24:]}",
    "sevens": lambda key: " followed by ".join(key[i : i + 7] for i in range(0, len(key), 7)),
    "fours in a list": lambda key: "\n".join(f"* piece: {key[i : i + 4]}" for i in range(0, len(key), 4)),
}


@pytest.mark.parametrize("key", [KEY, OTHER], ids=["with a prefix", "of hex digits"])
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_every_form_is_struck(form: Callable[[str], str], key: str) -> None:
    """In the middle of a sentence, of which the rest stays; no run of eight letters and digits of it is left."""
    written = form(key)
    redacted = Redactor([OTHER, KEY])(f"It was {written} indeed.")
    assert STRUCK in redacted
    assert redacted.startswith("It was ")
    assert redacted.endswith("indeed.")
    core = "".join(one for one in written if one.isalnum())
    left = "".join(one for one in redacted if one.isalnum())
    middle = len(core) // 2
    assert core[middle - 4 : middle + 4] not in left


@pytest.mark.parametrize(
    "text",
    [
        "The password is in the second drawer, and the secret of the model is its data.",
        "0123456789 0123456789 abcdefghijklmnopqrstuvwxyz",
        "100 % of 25% are %41 and \\u0041 &#65;",
        "naïve Σ 漢字 😀 İstanbul",
        "",
    ],
)
def test_other_texts_stay(text: str) -> None:
    """Words, digits, escapes and other scripts are left as they are."""
    assert Redactor([KEY, OTHER, "my-secret-password"])(text) == text


@pytest.mark.parametrize("key", ["none", "ollama", "EMPTY", "sk-1234", ""])
def test_what_is_too_short_to_be_a_secret(key: str) -> None:
    """Local servers take any key: an answer about them is not a leak."""
    assert Redactor([key])(f"Ask {key} about it.") == f"Ask {key} about it."


def test_a_key_of_words_is_struck_where_it_stands_whole() -> None:
    """Its words by themselves are not."""
    redact = Redactor(["correct-horse-battery"])
    assert redact("It is correct-horse-battery, or correct horse battery.") == f"It is {STRUCK}, or {STRUCK}."
    assert redact("The horse has a battery.") == "The horse has a battery."


def test_characters_beyond_ascii_do_not_shift_what_is_struck() -> None:
    """Letters that become two when they are small do not count."""
    assert Redactor([OTHER])(f"İİ😀{OTHER}İ😀") == f"İİ😀{STRUCK}İ😀"


def test_plain_data() -> None:
    """Every text in it is struck; where there is nothing to strike, the same object comes back."""
    redact = Redactor([KEY])
    clean = {"a": ["b", 1, None, {"c": 2.5}]}
    assert redact.within(clean) is clean
    assert redact.within({"a": [f"x{KEY}"], KEY: True}) == {"a": [f"x{STRUCK}"], STRUCK: True}


@pytest.mark.parametrize(
    "token",
    [
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0",
        "AKIAIOSFODNN7EXAMPLE",
        "123e4567-e89b-12d3-a456-426614174000",
        "d41d8cd98f00b204e9800998ecf8427e",
        "sk-ant-api03-abcDEF",
        "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
        "QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
        "AIzaSyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY",
    ],
)
def test_unknown_tokens_in_an_error_are_cut(token: str) -> None:
    """A provider may know keys that are not ours."""
    cut = cut_tokens(f"invalid token {token} given")
    assert token[6:14] not in cut
    assert cut.startswith("invalid token ")
    assert cut.endswith(" given")


@pytest.mark.parametrize(
    "said",
    [
        "The model gpt-4o-mini-2024-07-18 does not exist, try claude-3-5-sonnet-20241022",
        "context_length_exceeded: 128000 tokens; see https://platform.example.com/docs/guides/rate-limits",
        "key_not_found: internationalization of meta-llama/Llama-3.3-70B-Instruct-Turbo-Free failed",
        "rate limit reached for 10000 TPM, retry in 1.5s",
    ],
)
def test_words_in_an_error_stay(said: str) -> None:
    """Names of models, codes and addresses are what the error is about."""
    assert cut_tokens(said) == said

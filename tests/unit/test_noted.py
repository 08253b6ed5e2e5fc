"""What a caller notes beside a request: kept, marked, found, exported, and never sent to the provider."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

import pytest

from router_core.errors import ArgumentError
from router_core.exports.log import write_log
from router_core.noted import mark, pairs
from router_core.store.base import Search, Store
from tests.servers import ChatServer
from tests.unit.routing import HELLO, ONLY, Make, last

NOTED = {"user": 'Zoë "O\'Brien"', "trace.id": "0af7651916cd43dd", "empty": ""}


def found(store: Store, **noted: str) -> int:
    """How many prompts have all of this beside them."""
    return store.count(Search(metadata=tuple(noted.items())))


def test_it_is_kept_found_and_exported(make_router: Make, server: ChatServer, store: Store) -> None:
    """As it was given, with the session among it; the provider sees nothing of it."""
    router = make_router(ONLY)
    router.completion(HELLO, metadata=NOTED, session="chat 17")
    router.completion(HELLO, metadata={"user": "2"})
    router.completion(HELLO, session="chat 17", metadata={"session": "my own word"})
    assert "metadata" not in server.requests[0].body
    assert "session" not in server.requests[0].body
    newest = store.recent_prompts(3)
    assert [dict(one.metadata) for one in newest] == [
        {"session": "my own word"},
        {"user": "2"},
        {**NOTED, "session": "chat 17"},
    ]
    assert (found(store, user="2"), found(store, session="chat 17"), found(store, empty="")) == (1, 1, 1)
    assert found(store, **{"trace.id": "0af7651916cd43dd", "user": NOTED["user"]}) == 1
    assert (found(store, user="3"), found(store, user="2", session="chat 17"), found(store)) == (0, 0, 3)
    for per in ("decision", "answer"):
        file = BytesIO()
        write_log(store, Search(), "jsonl", file, per=per)  # type: ignore[arg-type]
        rows = [json.loads(line) for line in file.getvalue().decode().splitlines()]
        assert json.loads(rows[-1]["metadata"]) == {**NOTED, "session": "chat 17"}
    router.completion(HELLO)
    assert (last(store).prompt.metadata, last(store).prompt.session) == ({}, "")


def test_where_texts_are_not_kept(make_router: Make, store: Store) -> None:
    """Marks stand for the values, and the values still find them."""
    router = make_router(ONLY, settings={"privacy": {"keep_texts": "hash"}})
    router.completion(HELLO, metadata=NOTED, session="chat")
    expected = {name: mark(value) for name, value in {**NOTED, "session": "chat"}.items()}
    assert dict(last(store).prompt.metadata) == expected
    assert found(store, user=NOTED["user"], session="chat") == found(store, user=mark(NOTED["user"])) == 1
    assert store.strip(Search()) == 0  # nothing is left to take out


def test_taking_texts_out_leaves_marks(make_router: Make, store: Store) -> None:
    """The same marks as where texts are never kept; a session stays with its model."""
    router = make_router()
    router.completion(HELLO, metadata=NOTED, session="chat")
    chosen = last(store).decisions[0].chosen
    assert store.strip(Search()) == 1
    expected = {name: mark(value) for name, value in {**NOTED, "session": "chat"}.items()}
    assert dict(last(store).prompt.metadata) == expected
    assert store.strip(Search()) == 0
    assert found(store, user=NOTED["user"]) == 1
    make_router().completion(HELLO, session="chat")
    assert (last(store).decisions[0].chosen, last(store).decisions[0].origin) == (chosen, "continued")
    assert store.erase(Search(metadata=(("session", "chat"),))) == 2


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ("user=1", r"^metadata is 'user=1'; give names and texts"),
        ({"user": 1}, r"^metadata\['user'\] is '1', a int; give a text of at most 512 characters$"),
        ({"user": "x" * 513}, r"^metadata\['user'\] is 'x+', a str; give a text of at most 512"),
        ({"user": "\ud800"}, r"^metadata\['user'\] is .*; give a text"),
        ({"us er": "1"}, r"^metadata has the name 'us er'; give at most 64 letters"),
        ({1: "1"}, r"^metadata has the name '1'"),
        ({"": "1"}, r"^metadata has the name ''"),
        ({"n" * 65: "1"}, r"^metadata has the name"),
        ({f"n{i}": "1" for i in range(17)}, r"^metadata has 17 names; at most 16 are kept: leave some out$"),
        ({"key": "sk-" + "a1" * 20}, r"^metadata\['key'\] looks like an API key; keys are never stored"),
    ],
)
def test_what_cannot_be_kept(make_router: Make, store: Store, metadata: Any, said: str) -> None:
    """A sentence before anything is asked; a key is not in it."""
    with pytest.raises(ArgumentError, match=said) as caught:
        make_router(ONLY).completion(HELLO, metadata=metadata)
    assert "a1a1a1" not in str(caught.value)
    assert store.recent_prompts(1) == []


def test_filters_as_people_type_them() -> None:
    """name=value, several with commas; anything else is a sentence."""
    assert pairs(" user=42 , session = a=b ") == (("user", "42"), ("session", "a=b"))
    assert pairs("") == pairs(" , ") == ()
    for text in ("42", "user=42, x", "us er=1"):
        with pytest.raises(ArgumentError):
            pairs(text)

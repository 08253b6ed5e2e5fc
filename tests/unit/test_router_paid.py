"""No answer that was paid for vanishes, and no key is stored or shown: what is in the log after odd replies."""

from __future__ import annotations

import base64
import json
from decimal import Decimal
from typing import Any

import pytest

from router_core.errors import NoEligibleArmError, ProviderError
from router_core.models.stream import AnswerStream
from router_core.store.base import Store
from tests.servers import USAGE, ChatServer, Reply, answered, as_json, events, refused, usual
from tests.unit.routing import CHEAP, HELLO, KEYS, ONLY, PATHS, STRONG, Make, last, only_completion

KEY = KEYS["OPENAI_API_KEY"]
HEADER = base64.b64encode(f"Authorization: Bearer {KEY}".encode()).decode()
SSE = "text/event-stream"


def said(content: Any, **more: Any) -> dict[str, Any]:
    """The body of an answer."""
    return {
        "choices": [{"index": 0, "message": {"role": "assistant", "content": content}}],
        "usage": USAGE,
        **more,
    }


UNREADABLE: dict[str, tuple[Reply, bool]] = {  # reply, and whether its cost is known
    "no choices": (as_json(said("x", choices=[])), True),
    "choices of another type": (as_json(said("x", choices="none")), True),
    "no message": (as_json(said("x", choices=[{"index": 0}])), True),
    "no count": (as_json({"choices": [{"index": 0}]}), False),
    "an absurd count": (
        as_json({"choices": [], "usage": {"prompt_tokens": 10**9, "completion_tokens": 1}}),
        False,
    ),
    "not JSON": (Reply(200, (b"<html>",), "text/html"), False),
    "not gzip": (Reply(200, (b"hello",), headers={"content-encoding": "gzip"}), False),
    "not UTF-8": (Reply(200, (json.dumps(said("x")).encode().replace(b'"x"', b'"\xff"'),)), False),
    "nested too deeply": (Reply(200, (b"[" * 100_000,)), False),
    "a number of 5,000 digits": (Reply(200, (b'{"choices": ' + b"9" * 5_000 + b"}",)), False),
}


@pytest.mark.parametrize(("reply", "known"), UNREADABLE.values(), ids=UNREADABLE.keys())
def test_an_answer_that_cannot_be_read_is_stored_and_the_next_model_answers(
    make_router: Make, server: ChatServer, store: Store, reply: Reply, known: bool
) -> None:
    """Its cost is that of the tokens that it counts, else unknown: never nothing."""
    router = make_router(PATHS)
    server.script = [reply]
    response = router.completion(HELLO)
    assert str(response.choices[0].message.content).startswith("I am")
    found = last(store)
    failed = next(one for one in found.completions if one.error is not None)
    assert len(found.completions) == 2
    assert failed.error is not None
    assert "not a chat completion" in failed.error
    assert (failed.cost_usd is not None) is known
    assert failed.cost_usd != Decimal(0)
    assert (failed.usage is not None) is known


@pytest.mark.parametrize("stream", [False, True])
def test_whatever_is_raised_while_an_answer_is_read_is_stored(
    make_router: Make, server: ChatServer, store: Store, monkeypatch: pytest.MonkeyPatch, stream: bool
) -> None:
    """A fault of ours is an error of the tree, with what came and its cost."""

    def fails(*given: object) -> None:
        raise TypeError("can only concatenate str")

    monkeypatch.setattr("router_core.models.calls.whole_answer", fails)
    monkeypatch.setattr("router_core.models.answers.Accumulator._add_first", fails)
    server.usual = events("one", "two") if stream else answered("one two")
    with pytest.raises(NoEligibleArmError):
        list(make_router(ONLY).completion(HELLO, stream=stream))
    completion = only_completion(store)
    assert completion.error is not None
    assert "concatenate" in completion.error
    if not stream:
        assert (completion.text, completion.cost_usd is not None) == ("one two", True)


def test_a_piece_that_cannot_be_read_ends_a_stream_with_what_came(
    make_router: Make, server: ChatServer, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where it is the last of many: the text is stored, with its error and an estimated cost."""
    usual_gather = AnswerStream._gather

    def fails(self: AnswerStream, chunk: Any) -> Any:
        return usual_gather(self, {"choices": 5} if "two" in str(chunk) else chunk)

    monkeypatch.setattr(AnswerStream, "_gather", fails)
    server.usual = events("one ", "two")
    with pytest.raises(ProviderError):
        list(make_router(ONLY).completion(HELLO, stream=True))
    completion = only_completion(store)
    assert (completion.text, completion.error is not None) == ("one ", True)
    assert completion.cost_usd


def test_calls_of_tools_with_an_odd_shape_are_answers(make_router: Make, server: ChatServer, store: Store) -> None:
    """Arguments as an object broke a stream before: nothing was stored."""
    call = {"index": 0, "id": "c", "function": {"name": "f", "arguments": {"a": 1}}}
    delta = {
        "choices": [{"index": 0, "delta": {"content": "Hi", "tool_calls": [call]}, "finish_reason": "tool_calls"}]
    }
    server.usual = Reply(200, (f"data: {json.dumps(delta)}\n\ndata: [DONE]\n\n".encode(),), SSE)
    list(make_router(ONLY).completion(HELLO, stream=True))
    completion = only_completion(store)
    assert completion.text is not None
    assert (completion.text.partition("\n")[0], completion.error) == ("Hi", None)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("content", [5, 0.5, True, {"label": "spam"}], ids=repr)
def test_an_answer_that_is_no_text_is_kept_as_json(
    make_router: Make, server: ChatServer, store: Store, content: Any, stream: bool
) -> None:
    """Servers that parse what a model wrote send a number or an object: it was stored as an empty answer."""
    part = {"role": "assistant", "content": content}
    choice = {"index": 0, "finish_reason": "stop", "delta" if stream else "message": part}
    body = json.dumps({"choices": [choice], "usage": {"prompt_tokens": 11, "completion_tokens": 7}})
    server.usual = (
        Reply(200, (f"data: {body}\n\ndata: [DONE]\n\n".encode(),), SSE)
        if stream
        else Reply(200, (body.encode(),))
    )
    answer: Any = make_router(ONLY).completion(HELLO, stream=stream)
    said = [chunk.choices[0].delta.content for chunk in answer] if stream else [answer.choices[0].message.content]
    assert (said, only_completion(store).text) == ([json.dumps(content)], json.dumps(content))


def test_an_absurd_count_is_an_estimate(make_router: Make, server: ChatServer, store: Store) -> None:
    """A billion tokens for ten words: the cost is that of the words."""
    server.usual = answered("ten words", usage={"prompt_tokens": 10**9, "completion_tokens": 10**9})
    make_router(ONLY).completion(HELLO)
    completion = only_completion(store)
    assert completion.usage is not None
    assert completion.usage.estimated
    assert completion.cost_usd is not None
    assert completion.cost_usd < Decimal("0.001")


FORMS = {
    "plain": KEY,
    "reversed": KEY[::-1],
    "the header in base64": HEADER,
    "quoted": "".join(f"%{byte:02x}" for byte in KEY.encode()),
    "spaced": " ".join(KEY),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
@pytest.mark.parametrize("stream", [False, True])
def test_a_key_in_an_answer_is_neither_stored_nor_given_back(
    make_router: Make, server: ChatServer, store: Store, stream: bool, form: str
) -> None:
    """A model may repeat what a proxy put into its prompt, in one piece or in many."""
    pieces = [form[i : i + 3] for i in range(0, len(form), 3)]
    server.usual = events("It is ", *pieces, " I think.") if stream else answered(f"It is {form} I think.")
    router = make_router(ONLY)
    answer: Any = router.completion(HELLO, stream=stream)
    if stream:
        list(answer)
    for text in (answer.text if stream else answer.choices[0].message.content, only_completion(store).text):
        assert "[key]" in text
        assert text.startswith("It is ")
        assert text.endswith(" I think.")
        assert form[-16:-6] not in text


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
@pytest.mark.parametrize("stream", [False, True])
def test_a_key_in_an_error_is_neither_stored_nor_shown(
    make_router: Make, server: ChatServer, store: Store, stream: bool, form: str
) -> None:
    """Whatever the provider answers; the same for a key in the caller's own headers."""
    server.usual = refused(400, f"bad header: {form}; also {'hush4you' * 3} in x-key")
    with pytest.raises(NoEligibleArmError) as caught:
        make_router(ONLY).completion(HELLO, stream=stream, extra_headers={"x-api-key": "hush4you" * 3})
    for told in (str(caught.value), only_completion(store).error):
        assert told is not None
        assert "bad header: [" in told
        assert "[key]" in told
        assert "hush4you" not in told
        assert form[-16:-6] not in told


def test_a_key_of_another_provider_is_struck_too(make_router: Make, server: ChatServer, store: Store) -> None:
    """A gateway knows several."""
    other = "zz91-other-provider-key-77"
    router = make_router(ONLY)
    router._models._environ = {**KEYS, "OTHER_API_KEY": other}
    router._models._settings = router._models._settings.model_copy(
        update={
            "providers": {
                **router._models._settings.providers,
                "other": router._models._settings.providers["openai"].model_copy(
                    update={"api_key_env": "OTHER_API_KEY"}
                ),
            }
        }
    )
    server.usual = answered(f"It is {other}.")
    assert router.completion(HELLO).choices[0].message.content == "It is [key]."


def test_a_stream_that_begins_unreadably_goes_to_the_next_model(
    make_router: Make, server: ChatServer, store: Store
) -> None:
    """Its first piece is read before it is given to anybody."""
    odd = Reply(200, (b'data: {"choices": 5}\n\n',), SSE)
    server.usual = lambda request: odd if request.body["model"] == "gpt-4o-mini" else usual(request)
    list(
        make_router([{"model": CHEAP, "weight": 1.0}, {"model": STRONG, "weight": 1e-6}]).completion(
            HELLO, stream=True
        )
    )
    found = last(store)
    assert {one.arm: one.error is None for one in found.completions}[STRONG]

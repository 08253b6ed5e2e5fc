"""Parameters that a model refuses: asked again without them or under their other name, remembered, forgotten.

The replies are those of well-known providers, written byte by byte.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from router_core.errors import ProviderError, RequestRejectedError
from router_core.models.calls import Models
from router_core.models.error_bodies import read_error
from router_core.models.parameters import Refusals, changed, further_changes, in_words, mistaken_parameter
from router_core.models.reaching import try_model
from router_core.money.pricing import PriceBook
from router_core.routing.deciding import Decider
from router_core.settings import ClassifierSettings, ProviderSettings, Settings
from router_core.store.base import Store
from tests.raw_server import Line, RawServer, completion, event, raw_server, reply

KEY = "Zq81test0123456789abcdef"
MODEL = "openai/gpt-5-nano"
HELLO = [{"role": "user", "content": "Hello"}]
ANSWER = reply(completion("ok"))
STREAM = reply(
    event({"content": "ok"}) + event({}, "stop") + b"data: [DONE]\n\n", content_type="text/event-stream"
)


def error(body: Any, status: str = "400 Bad Request", **more: Any) -> bytes:
    """A whole reply that is an error."""
    written = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return reply(written, status=status, **more)


def openai_error(message: str, param: str | None = None, code: str | None = None) -> bytes:
    """As OpenAI writes them."""
    return error({"error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}})


def scripted(*replies: bytes) -> Callable[[Line], None]:
    """Each reply in turn; the last for every further request."""
    left = list(replies)
    return lambda line: line.send(left.pop(0) if len(left) > 1 else left[0])


def models_at(server: RawServer, refusals: Refusals | None = None) -> Models:
    """Models whose provider is the server."""
    settings = Settings(providers={"openai": ProviderSettings(base_url=server.base_url)})
    return Models(settings, environ={"OPENAI_API_KEY": KEY}, refusals=refusals, sleep=lambda seconds: None)


def bodies(server: RawServer) -> list[dict[str, Any]]:
    """The parameters of every request."""
    sent = [json.loads(asked.partition(b"\r\n\r\n")[2]) for asked in server.asked]
    return [{k: v for k, v in one.items() if k not in ("model", "messages", "stream")} for one in sent]


MAX_TOKENS = openai_error(
    "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
    "max_tokens",
    "unsupported_parameter",
)
TEMPERATURE = openai_error(
    "Unsupported value: 'temperature' does not support 0.2 with this model. Only the default (1) value is"
    " supported.",
    "temperature",
    "unsupported_value",
)


@pytest.mark.parametrize(
    ("refusal", "params", "sent"),
    [
        (MAX_TOKENS, {"max_tokens": 9}, {"max_completion_tokens": 9}),
        (MAX_TOKENS, {"max_tokens": 9, "temperature": 0}, {"max_completion_tokens": 9}),
        (MAX_TOKENS, {"max_tokens": 9, "temperature": 1}, {"max_completion_tokens": 9, "temperature": 1}),
        (TEMPERATURE, {"temperature": 0.2, "seed": 1}, {"seed": 1}),
        (  # Mistral
            error(
                {"object": "error", "message": {"detail": [{"type": "extra_forbidden", "loc": ["body", "seed"],
                 "msg": "Extra inputs are not permitted", "input": 3}]}, "type": "invalid_request_error"},
                "422 Unprocessable Entity",
            ),
            {"seed": 3, "top_p": 0.5},
            {"top_p": 0.5},
        ),
        (  # the same, of the other name of a limit
            error({"detail": [{"type": "extra_forbidden", "loc": ["body", "max_completion_tokens"],
                               "msg": "Extra inputs are not permitted"}]}, "422 Unprocessable Entity"),
            {"max_completion_tokens": 9},
            {"max_tokens": 9},
        ),
        (  # LM Studio
            error({"error": "'response_format.type' must be 'json_schema' or 'text'"}),
            {"response_format": {"type": "json_object"}, "seed": 1},
            {"seed": 1},
        ),
        (  # DeepSeek
            openai_error("This response_format type is unavailable now"),
            {"response_format": {"type": "json_schema", "json_schema": {}}},
            {},
        ),
        (  # Groq
            openai_error("property 'logprobs' is unsupported"), {"logprobs": True, "top_logprobs": 2},
            {"top_logprobs": 2},
        ),
        (  # xAI, in camel case
            error({"code": "Client specified an invalid argument",
                   "error": "Argument not supported on this model: presencePenalty"}),
            {"presence_penalty": 0.5},
            {},
        ),
        (  # LiteLLM's proxy
            error({"error": {"message": "litellm.UnsupportedParamsError: openai does not support parameters:"
                                        " ['top_p'], for model=x. To drop these, set `litellm.drop_params=True`.",
                             "type": "None", "param": "None", "code": "400"}}),
            {"top_p": 0.5},
            {},
        ),
        (  # Claude behind a gateway
            error([{"error": {"message": "`temperature` and `top_p` cannot both be specified."}}]),
            {"temperature": 0.2, "top_p": 0.5},
            {"top_p": 0.5},
        ),
        (error("json: unknown field \"seed\"", content_type="text/plain"), {"seed": 3}, {}),
        (  # a status inside
            error({"error": {"message": "Unrecognized request argument supplied: seed", "code": 400}}, "200 OK"),
            {"seed": 3},
            {},
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("streamed", [False, True])
def test_asked_again_as_the_model_wants_it(
    refusal: bytes, params: dict[str, Any], sent: dict[str, Any], streamed: bool
) -> None:
    """Once more, and from then on at once; a refusal is not a failed try."""
    with raw_server(scripted(refusal, STREAM if streamed else ANSWER)) as server:
        models = models_at(server)
        for _ in range(2):
            if streamed:
                stream = models.stream(MODEL, HELLO, params)
                list(stream)
                assert (stream.text, stream.retries) == ("ok", 0)
            else:
                answer = models.complete(MODEL, HELLO, params)
                assert (answer.text, answer.retries, answer.unpriced_retries) == ("ok", 0, 0)
        models.close()
    without = [{k: v for k, v in one.items() if k != "stream_options"} for one in bodies(server)]
    assert without == [params, sent, sent]


def test_several_are_refused_one_after_the_other() -> None:
    """Each costs one more call, the first time."""
    refusals = [MAX_TOKENS, openai_error("Unknown parameter: 'seed'.", "seed", "unknown_parameter"), ANSWER]
    with raw_server(scripted(*refusals)) as server:
        models = models_at(server)
        models.complete(MODEL, HELLO, {"max_tokens": 9, "seed": 1, "top_p": 0.5})
        models.complete("openai/other", HELLO, {"max_tokens": 9, "seed": 1})
        models.close()
    assert bodies(server)[1:] == [
        {"max_completion_tokens": 9, "seed": 1, "top_p": 0.5},
        {"max_completion_tokens": 9, "top_p": 0.5},
        {"max_tokens": 9, "seed": 1},  # another model has refused nothing
    ]
    assert models.refusals.of("openai") == {MODEL: {"max_tokens": "max_completion_tokens", "seed": None}}
    assert models.refusals.of("else") == {}


def test_a_limit_refused_under_both_names_is_not_sent() -> None:
    """Then the model answers as long as it likes."""
    other = openai_error("Unsupported parameter: 'max_completion_tokens'", "max_completion_tokens")
    with raw_server(
        scripted(openai_error("Unknown parameter: max_tokens", "max_tokens"), other, ANSWER)
    ) as server:
        models = models_at(server)
        models.complete(MODEL, HELLO, {"max_tokens": 9})
        models.close()
    assert bodies(server) == [{"max_tokens": 9}, {"max_completion_tokens": 9}, {}]


@pytest.mark.parametrize(
    "refusal",
    [
        openai_error("max_tokens is too large: 99999. This model supports at most 4096 tokens.", "max_tokens"),
        openai_error("This model's maximum context length is 8192 tokens, and you asked for 1000 (max_tokens)."),
        openai_error("temperature must be between 0 and 2", "temperature", "decimal_above_max_value"),
        error({"detail": [{"type": "less_than_equal", "loc": ["body", "temperature"],
                           "msg": "Input should be less than or equal to 1"}]}, "422 Unprocessable Entity"),
        openai_error("Invalid type for 'messages[0].content': expected a string.", "messages[0].content"),
        openai_error("Something else is wrong"),
        error({"error": {"message": "temperature is not supported", "code": 503}}, "503 Service Unavailable"),
    ],
)  # fmt: skip
def test_what_is_not_refused_as_such_is_not_changed(refusal: bytes) -> None:
    """A value out of its range is the caller's to mend, and only 400 and 422 are about parameters."""
    with raw_server(scripted(refusal)) as server:
        models = models_at(server)
        with pytest.raises(ProviderError):
            models.complete(MODEL, HELLO, {"max_tokens": 9, "temperature": 5}, max_retries=0)
        models.close()
    assert len(server.asked) == 1
    assert models.refusals.of("openai") == {}


def test_a_refusal_that_repeats_itself_ends_and_is_not_remembered() -> None:
    """A server that says the same whatever it is sent is asked once more, not for ever."""
    with raw_server(scripted(MAX_TOKENS)) as server:
        models = models_at(server)
        with pytest.raises(RequestRejectedError, match="'max_tokens' is not supported"):
            models.complete(MODEL, HELLO, {"max_tokens": 9})
        models.close()
    assert len(server.asked) == 2
    assert models.refusals.of("openai") == {}


def test_a_connection_that_ends_behind_a_refusal() -> None:
    """Some servers close it without a word, just as the next request is sent: that one is sent again, once."""
    left = [MAX_TOKENS, b"", ANSWER]
    with raw_server(lambda line: line.send(left.pop(0))) as server:
        models = models_at(server)
        assert models.complete(MODEL, HELLO, {"max_tokens": 9}, max_retries=0).text == "ok"
        models.close()
    left = [MAX_TOKENS, b"", b"", ANSWER]
    with raw_server(lambda line: line.send(left.pop(0))) as server:
        models = models_at(server)
        with pytest.raises(ProviderError, match="broke before the whole answer came"):
            models.complete(MODEL, HELLO, {"max_tokens": 9}, max_retries=0)
        models.close()


def test_messages_and_tools_are_always_sent() -> None:
    """Without them it would be another question."""
    params = {"tools": [{"type": "function"}], "tool_choice": "auto"}
    with raw_server(scripted(openai_error("tools is not supported with this model", "tools"))) as server:
        models = models_at(server)
        with pytest.raises(RequestRejectedError, match="check the parameter tools"):
            models.complete(MODEL, HELLO, params)
        models.close()
    assert bodies(server) == [params]


def test_test_connection_and_the_classifier_share_what_is_known(store: Store) -> None:
    """What one of them learned, the other sends at once; the model's thinking has room."""
    verdict = reply(completion('{"complexity": "COMPLEX", "reason": "a proof"}'))
    with raw_server(scripted(MAX_TOKENS, verdict)) as server:
        refusals = Refusals()
        models = models_at(server, refusals)
        try_model(models, PriceBook(), MODEL)
        other = models_at(server, refusals)
        decider = Decider(Settings(), store, other)
        assert "COMPLEX" in decider.classifier.ask(HELLO, ClassifierSettings(model=MODEL)).text
        models.close()
        other.close()
    assert bodies(server) == [
        {"max_tokens": 2_000},
        {"max_completion_tokens": 2_000},
        {"temperature": 0, "max_completion_tokens": 2_000, "response_format": {"type": "json_object"}},
    ]


def test_a_model_that_turns_out_to_think_has_room_the_next_time(store: Store) -> None:
    """Whatever it is called: its thinking ate the limit, and the next answer may be longer."""
    cut = reply(completion('<think>\nOkay, the answer is JSON such as {"complexity": "SIMPLE"}, so'))
    with raw_server(scripted(cut)) as server:
        models = models_at(server)
        decider = Decider(Settings(), store, models)
        for _ in range(2):
            decider.classifier.ask(HELLO, ClassifierSettings(model="openai/house-model", max_tokens=60))
        models.close()
    assert [one["max_tokens"] for one in bodies(server)] == [60, 2_000]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"max_tokens": "max_completion_tokens"}, "max_tokens is sent as max_completion_tokens"),
        ({"seed": None, "temperature": None}, "seed, temperature are not sent"),
        (
            {"max_tokens": "max_completion_tokens", "temperature": None},
            "max_tokens is sent as max_completion_tokens; temperature is not sent",
        ),
    ],
)
def test_in_words(changes: dict[str, str | None], words: str) -> None:
    """For the settings of a provider."""
    assert in_words(changes) == words


def test_a_parameter_under_its_own_name_goes_before_a_renamed_one() -> None:
    """Where the caller gave both."""
    both = {"max_tokens": 1, "max_completion_tokens": 2}
    assert changed(both, {"max_tokens": "max_completion_tokens"}) == {"max_completion_tokens": 2}


@pytest.mark.parametrize(
    ("text", "sent", "name"),
    [
        ("Please stop sending n and user", ["stop", "n", "user"], None),  # plain words are not names
        ("`stop` is not supported", ["stop"], "stop"),
        ("unexpected parameter: n", ["n"], "n"),
        ("JSON mode is not enabled for this model", ["response_format"], "response_format"),
        ("maxTokens is not permitted", ["max_tokens"], "max_tokens"),
        ("top_logprobs is not supported", ["logprobs"], None),
    ],
)
def test_how_a_text_names_a_parameter(text: str, sent: Sequence[str], name: str | None) -> None:
    """In any case; a part of another name is none."""
    further = further_changes(read_error(text), dict.fromkeys(sent, 1), {})
    assert (None if further is None else next(iter(further))) == name


def test_a_mistake_is_the_callers_unless_models_differ_in_it() -> None:
    """How many tokens an answer may have is the model's."""
    said = read_error("temperature must be between 0 and 2; max_tokens must be at most 4096")
    assert mistaken_parameter(said, ["temperature", "max_tokens"]) == "temperature"
    assert mistaken_parameter(said, ["max_tokens"]) is None
    assert mistaken_parameter(read_error("temperature: range: 0..1"), ["temperature"]) == "temperature"
    assert mistaken_parameter(read_error("temperature is not supported"), ["temperature"]) is None

"""What a provider said reaches the person, with the remedy that fits; each reply is written byte by byte."""

from __future__ import annotations

import json
from typing import Any

import pytest

from router_core.errors import (
    AuthenticationError,
    ModelNotFoundError,
    ProviderError,
    ProviderUnavailableError,
    RateLimitError,
    RequestRejectedError,
)
from router_core.models.calls import Models
from router_core.models.error_bodies import error_in_place_of_answer, read_error
from router_core.settings import ProviderSettings, Settings
from tests.raw_server import Line, completion, event, raw_server, reply

KEY = "Zq81test0123456789abcdef"
MODEL = "house/big-model"
ECHO = f"the key {KEY} is wrong"
HELLO = [{"role": "user", "content": "Hello"}]
STREAM = reply(
    event({"content": "ok"}) + event({}, "stop") + b"data: [DONE]\n\n", content_type="text/event-stream"
)


def failing(first: bytes, streamed: bool, max_retries: int = 0) -> tuple[ProviderError | str, int]:
    """What comes of a call whose first reply is this one, and how many calls were made."""
    asked: list[int] = []

    def talk(line: Line) -> None:
        asked.append(1)
        line.send(first if len(asked) == 1 else STREAM if streamed else reply(completion("ok")))

    with raw_server(talk) as server:
        provider = ProviderSettings(base_url=server.base_url, api_key_env="HOUSE_API_KEY")
        settings = Settings(providers={"house": provider, "openai": ProviderSettings()})
        models = Models(settings, environ={"HOUSE_API_KEY": KEY}, sleep=lambda seconds: None)
        try:
            if not streamed:
                return models.complete(MODEL, HELLO, {"temperature": 0}, max_retries=max_retries).text, len(asked)
            stream = models.stream(MODEL, HELLO, {"temperature": 0}, max_retries=max_retries)
            list(stream)
            return stream.text, len(asked)
        except ProviderError as error:
            return error, len(asked)
        finally:
            models.close()


REPLIES: list[tuple[str, Any, type[ProviderError], str, str]] = [
    # status line, body, error, what was said, remedy
    ("401 Unauthorized", {"detail": "Session of tenant 9 has ended"}, AuthenticationError,
     "(401: Session of tenant 9 has ended)", "HOUSE_API_KEY"),
    ("404 Not Found", {"error": {"message": "No endpoints found that support tool use.", "code": 404}},
     RequestRejectedError, "No endpoints found that support tool use.", "leave that out"),
    ("402 Payment Required", {"error": {"message": "Insufficient Balance", "code": "invalid_request_error"}},
     RequestRejectedError, "(402: Insufficient Balance)", "add credit"),
    ("402 Payment Required", "", RequestRejectedError, "(402)", "add credit"),
    ("400 Bad Request", {"type": "error", "error": {"type": "invalid_request_error",
     "message": "Your credit balance is too low to access the API."}},
     RequestRejectedError, "credit balance is too low", "add credit"),
    ("400 Bad Request", "the quota of team green is exhausted", RequestRejectedError,
     "(400: the quota of team green is exhausted)", "add credit"),
    ("403 Forbidden", {"error": {"code": 403, "message": "Input was flagged", "metadata": {"reasons": ["hate"]}}},
     RequestRejectedError, "refused the prompt for hate (403: Input was flagged)", "reword the prompt"),
    ("403 Forbidden", {"error": {"code": "unsupported_country_region_territory",
     "message": "Country, region, or territory not supported"}}, RequestRejectedError, "this region", "endpoint"),
    ("403 Forbidden", {"error": {"message": "Project lacks access to this model"}}, AuthenticationError,
     "(403: Project lacks access to this model)", "may use house/big-model"),
    ("400 Bad Request", [{"error": {"code": 400, "status": "FAILED_PRECONDITION",
     "message": "User location is not supported for the API use."}}], RequestRejectedError, "location", "region"),
    ("404 Not Found", {"error": {"message": "No endpoints match your data policy", "code": 404}},
     RequestRejectedError, "(404: No endpoints match your data policy)", "privacy settings"),
    ("404 Not Found", {"error": "model \"big-model\" not found, try pulling it first"}, ModelNotFoundError,
     "not found, try pulling it first", "check its name"),
    ("400 Bad Request", {"error": {"message": "The prompt triggered the content management policy.",
     "code": "content_filter", "innererror": {"content_filter_result": {
         "violence": {"filtered": True, "severity": "high"}, "hate": {"filtered": False}}}}},
     RequestRejectedError, "refused the prompt for violence (400", "reword the prompt"),
    ("400 Bad Request", {"error": {"message": "Output data may contain inappropriate content.",
     "code": "data_inspection_failed"}}, RequestRejectedError, "refused the answer (400", "ask in other words"),
    # LiteLLM's proxy and others send these as 400
    ("400 Bad Request", {"error": {"message": "Authentication Error, Invalid proxy server token",
     "type": "auth_error", "param": "None", "code": "400"}}, AuthenticationError, "Invalid proxy", "HOUSE_API"),
    ("400 Bad Request", {"error": {"message": "Invalid model name passed in model=big-model. Call `/v1/models`",
     "type": "None", "param": "None", "code": "400"}}, ModelNotFoundError, "passed in model=", "check its name"),
    ("400 Bad Request", {"error": {"message": "big-model is not a valid model ID", "code": 400}},
     ModelNotFoundError, "not a valid model ID", "check its name"),
    ("400 Bad Request", [{"error": {"code": 400, "message": "API key not valid.", "status": "INVALID_ARGUMENT"}}],
     AuthenticationError, "(400: API key not valid.)", "HOUSE_API_KEY"),
    # shapes
    ("400 Bad Request", {"error": "no such thing"}, RequestRejectedError, "(400: no such thing)", "parameters"),
    ("400 Bad Request", {"message": ["one", "two"]}, RequestRejectedError, "(400: one; two)", "parameters"),
    ("400 Bad Request", {"errors": [{"message": "one"}, {"message": "two"}]}, RequestRejectedError,
     "(400: one; two)", "parameters"),
    ("422 Unprocessable Entity", {"detail": [{"loc": ["body", "messages", 0, "role"], "msg": "Field required",
     "type": "missing"}]}, RequestRejectedError, "(422: messages.0.role: Field required)", "parameters"),
    ("400 Bad Request", json.dumps(json.dumps({"error": {"message": "wrapped twice"}})), RequestRejectedError,
     "(400: wrapped twice)", "parameters"),
    ("400 Bad Request", {"reason_code": 7, "hint": None}, RequestRejectedError,
     '(400: {"reason_code": 7, "hint": null})', "parameters"),
    ("502 Bad Gateway", "<html>\n<head><title>502 Bad&nbsp;Gateway</title></head><h1>nginx</h1></html>",
     ProviderUnavailableError, "(502: 502 Bad Gateway)", "try again later"),
    ("403 Forbidden", "<!DOCTYPE html><html><body>Sorry</body></html>", AuthenticationError,
     "(403: a page of HTML)", "HOUSE_API_KEY"),
    ("400 Bad Request", "<Error><Code>Bad</Code><Message>the region is wrong</Message></Error>",
     RequestRejectedError, "(400: Bad the region is wrong)", "parameters"),
    ("400 Bad Request", {"error": {"message": "temperature must be between 0 and 2", "param": "temperature"}},
     RequestRejectedError, "between 0 and 2", "check the parameter temperature"),
]  # fmt: skip


@pytest.mark.parametrize(("status", "body", "kind", "said", "remedy"), REPLIES)
@pytest.mark.parametrize("streamed", [False, True])
def test_what_was_said_and_what_to_do(
    status: str, body: Any, kind: type[ProviderError], said: str, remedy: str, streamed: bool
) -> None:
    """The provider's own words, never as Python writes them; the status is kept with the error."""
    written = body if isinstance(body, str) else json.dumps(body)
    error, calls = failing(
        reply(written.encode(), status=status), streamed, max_retries=2 if status[0] == "4" else 0
    )
    assert type(error) is kind
    assert said in str(error)
    assert remedy in str(error)
    assert error.status == int(status[:3])
    assert calls == 1
    assert not error.maybe_billed
    assert "{'" not in str(error)
    assert "None" not in str(error)
    assert error.total_ms > 0


RETRIED: list[tuple[str, Any]] = [
    ("498 ", {"error": {"message": "Flex tier is full.", "code": "capacity_exceeded"}}),
    ("529 Overloaded", {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
    ("200 OK", {"error": {"message": "Provider returned error", "code": 429, "metadata": {"raw": "Slow down"}}}),
    ("200 OK", {"error": {"message": "Slow down", "code": "429"}, "choices": []}),
    ("200 OK", [{"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}]),
    ("200 OK", {"error": {"message": "Slow down", "type": "rate_limit_error"}}),
    ("200 OK", {"object": "error", "message": "engine is gone", "code": 500}),
    ("200 OK", {"base_resp": {"status_code": 1002, "status_msg": "rate limit"}, "choices": None}),
    ("200 OK", {"success": False, "errors": [{"code": 429, "message": "Too many"}], "result": None}),
    ("200 OK", {"choices": [{"index": 0, "error": {"code": 502, "message": "upstream broke"}}]}),
]


@pytest.mark.parametrize(("status", "body"), RETRIED)
@pytest.mark.parametrize("streamed", [False, True])
def test_what_passes_is_waited_for(status: str, body: Any, streamed: bool) -> None:
    """Also where it comes with status 200; the failed try costs nothing."""
    first = reply(json.dumps(body).encode(), status=status)
    assert failing(first, streamed, max_retries=1) == ("ok", 2)
    error, _ = failing(first, streamed)
    assert isinstance(error, RateLimitError | ProviderUnavailableError)
    assert not error.maybe_billed


def test_an_error_as_the_first_event_of_a_stream() -> None:
    """Its status is the one that it names."""
    sent = b'data: {"error": {"message": "Slow down", "code": 429}}\n\n'
    assert failing(reply(sent, content_type="text/event-stream"), True, max_retries=1) == ("ok", 2)
    error, _ = failing(reply(sent, content_type="text/event-stream"), True)
    assert isinstance(error, RateLimitError)
    assert error.status == 429


@pytest.mark.parametrize("status", ["400 Bad Request", "401 Unauthorized", "403 Forbidden", "500 Oops", "200 OK"])
@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": ECHO}},
        [{"error": {"message": ECHO, "code": 400}}],
        {"detail": ECHO},
        {"error": {"message": "no", "metadata": {"raw": ECHO}, "code": 400}},
        {"error": {"code": "content_filter", "metadata": {"reasons": [ECHO]}}},
        {"error": {"unusual": ECHO}},
    ],
)
def test_a_key_that_is_echoed_is_not_shown(status: str, body: Any) -> None:
    """Whatever the shape of the error and wherever it stands in it."""
    error, _ = failing(reply(json.dumps(body).encode(), status=status), False)
    assert isinstance(error, ProviderError)
    assert KEY not in str(error)


def test_an_answer_is_no_error() -> None:
    """With choices, or with nothing that says otherwise."""
    assert error_in_place_of_answer(json.loads(completion("ok"))) is None
    assert error_in_place_of_answer({"error": None, "choices": [{"message": {"content": "x"}}]}) is None
    assert error_in_place_of_answer({"hello": "world"}) is None
    assert error_in_place_of_answer([1, 2]) is None
    assert error_in_place_of_answer("error") is None


def test_what_is_nested_without_end_is_read_as_far_as_it_makes_sense() -> None:
    """It says little, and nothing breaks."""
    deep: Any = "bottom"
    for _ in range(5_000):
        deep = {"error": deep}
    assert "bottom" not in read_error(deep).text
    assert read_error("[" * 60_000).text == "[" * 60_000
    assert read_error(None).text == read_error({}).text == read_error("").text == ""

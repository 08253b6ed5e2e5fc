"""Logs of other tools: recognised by their shape, read without guessing, imported with the sums of the file."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from router_core.collecting.logs.call import LoggedCall, dollars, moment, reward
from router_core.collecting.logs.importing import arms_for, import_log
from router_core.collecting.logs.reading import FORMATS, ReadLog, is_log, read_log
from router_core.errors import EvaluationError, SettingsError
from router_core.evaluation.from_log.what_if import refusals, what_if
from router_core.settings import PrivacySettings, Settings
from router_core.shell.main import main
from router_core.store import open_store
from router_core.store.base import Search, Store
from router_core.types import IMPORTED, was_drawn
from tests.logged import LOGS, langfuse_files
from tests.store_rows import CHEAP, STRONG

SUMS = {  # calls, failed, sum of known costs, calls of unknown cost, input tokens, ratings, rows left out
    "litellm": (3, 1, "0.0130", 0, 51, 0, 1),
    "langfuse": (1, 0, "0.0031", 0, 20, 2, 2),
    "opentelemetry": (2, 1, "0", 2, 24, 1, 1),
    "openai": (2, 0, "0", 2, 24, 0, 0),
    "open-webui": (3, 0, "0", 3, 11, 2, 1),
    "helicone": (2, 1, "0.00045", 1, 20, 2, 0),
    "promptfoo": (4, 0, "0.0042", 0, 32, 4, 0),
    "plain": (2, 0, "0.1", 1, 10, 1, 1),
}


@pytest.fixture
def store() -> Iterator[Store]:
    """An empty one."""
    opened = open_store(":memory:")
    yield opened
    opened.close()


def written(folder: Path, content: Any, lines: bool = False) -> Path:
    """A file of it, as JSON or as JSON lines."""
    path = folder / "log.json"
    text = "\n".join(json.dumps(one) for one in content) if lines else json.dumps(content, indent=1)
    path.write_text(text, encoding="utf-8")
    return path


def taken(store: Store, log: ReadLog, settings: Settings | None = None) -> None:
    """The log in the store."""
    settings = settings or Settings()
    import_log(store, settings, log, "default", arms_for(log, settings.goal("default")))


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_is_recognised_and_its_sums_are_the_files(name: str, tmp_path: Path, store: Store) -> None:
    """By shape alone; calls, failures, costs, tokens and ratings are the same in file, log and store."""
    path = written(tmp_path, LOGS[name])
    assert is_log(path)
    log = read_log(path)
    calls, failed, cost, unknown, tokens, ratings, left_out = SUMS[name]
    used = log.models.values()
    assert log.format == name
    assert sum(one.calls for one in used) == calls == len(log.calls)
    assert sum(one.failed for one in used) == failed
    assert sum((one.cost_usd for one in used), Decimal(0)) == Decimal(cost)
    assert sum(one.unknown for one in used) == unknown
    assert sum(one.input_tokens for one in used) == tokens
    assert sum(len(one.ratings) for one in log.calls) == ratings
    assert sum(log.left_out.values()) == left_out
    taken(store, log)
    kept = [one for found in store.find(Search(), 100) for one in found.completions]
    assert len(kept) == calls
    assert sum((one.cost_usd for one in kept if one.cost_usd is not None), Decimal(0)) == Decimal(cost)
    assert sum(one.cost_usd is None for one in kept) == unknown
    assert sum(one.error is not None for one in kept) == failed
    assert sum(len(found.outcomes) for found in store.find(Search(), 100)) == ratings


@pytest.mark.parametrize("name", FORMATS)
def test_importing_twice_changes_nothing(name: str, tmp_path: Path, store: Store) -> None:
    """The same ids, whatever the file is called or packed in."""
    taken(store, read_log(written(tmp_path, LOGS[name])))
    before = (store.find(Search(), 100), store.count(Search()))
    packed = tmp_path / "again.json.gz"
    packed.write_bytes(gzip.compress(json.dumps(LOGS[name]).encode()))
    taken(store, read_log(packed))
    after = store.find(Search(), 100)
    assert store.count(Search()) == before[1]
    assert [one.completions for one in after] == [one.completions for one in before[0]]
    assert [one.outcomes for one in after] == [one.outcomes for one in before[0]]


def test_imported_calls_have_no_propensities(tmp_path: Path, store: Store) -> None:
    """Nobody drew them: no estimate of another router can use them."""
    taken(store, read_log(written(tmp_path, LOGS["litellm"])))
    decisions = list(store.decisions())
    assert {one.origin for one in decisions} == {IMPORTED}
    assert not any(was_drawn(one.origin) for one in decisions)
    asked = {"goal": "default", "since": None, "until": None}
    assert store.rows("loggers", asked) == []
    found = what_if(store, Settings(), Settings(), "default", "thompson")
    assert any("nobody logged the probabilities" in one for one in refusals(found))


def test_litellm_in_full(tmp_path: Path) -> None:
    """Texts, tokens, times and what failed; no texts where the proxy stored none."""
    first, second, failed = read_log(written(tmp_path, LOGS["litellm"])).calls
    assert first == LoggedCall(
        id="r1", model="gpt-4o", at=datetime(2026, 11, 2, 8, tzinfo=UTC), messages=first.messages, text="Leiden.",
        input_tokens=20, output_tokens=3, cost_usd=Decimal("0.0123"), total_ms=2500.0, first_token_ms=400.0,
        session="s1",
    )  # fmt: skip
    assert first.messages is not None
    assert [one["role"] for one in first.messages] == ["system", "user"]
    assert (second.messages, second.text, second.cost_usd) == (None, None, Decimal("0.0007"))
    assert failed.error == "too many requests"


def test_langfuse_in_both_spellings(tmp_path: Path) -> None:
    """A trace with details, and rows of the export to files; scores by who gave them."""
    (one,) = read_log(written(tmp_path, LOGS["langfuse"])).calls
    assert [(said.source, said.reward, said.who) for said in one.ratings] == [
        ("judge", 0.25, "fit (Langfuse)"),
        ("thumb", 1.0, ""),
    ]
    log = read_log(written(tmp_path, langfuse_files(), lines=True))
    right, failed = log.calls
    assert (log.format, right.text, right.cost_usd, right.input_tokens) == (
        "langfuse",
        "4",
        Decimal("0.0000021"),
        9,
    )
    assert right.messages == ({"role": "user", "content": "Two plus two?"},)
    assert [said.reward for said in right.ratings] == [0.0]
    assert (failed.error, failed.cost_usd) == ("no", None)


def test_opentelemetry_messages_and_evaluations(tmp_path: Path) -> None:
    """Parts of messages are read, a failed span is a failure, an evaluation is a judge's word."""
    one, failed = read_log(written(tmp_path, LOGS["opentelemetry"])).calls
    assert one.messages == ({"role": "user", "content": "Name a colour."},)
    assert (one.text, one.finish_reason, one.total_ms) == ("Green.", "stop", 1500.0)
    assert [(said.who, said.reward) for said in one.ratings] == [("relevance (OpenTelemetry)", 0.75)]
    assert (failed.error, failed.text) == ("timed out", None)


def test_answers_to_the_same_prompt_make_pairs(tmp_path: Path, store: Store) -> None:
    """promptfoo's providers and Open WebUI's siblings: two answers to one prompt, with what was said of them."""
    log = read_log(written(tmp_path, LOGS["promptfoo"]))
    settings = Settings()
    arms = arms_for(log, settings.goal("default"))
    assert arms == {"openai:chat:gpt-4o-mini": CHEAP, "openai:gpt-4o": STRONG}
    done = import_log(store, settings, log, "default", arms)
    assert (done.calls, done.prompts, done.ratings) == (4, 2, 4)
    asked = {"goal": "default", "since": None, "until": None, "strong": STRONG, "window_us": None}
    pairs = store.rows("pairs", {**asked, "precedence": ["thumb", "api", "condition"]})
    assert sorted((row["y_cheap"], row["y_strong"]) for row in pairs) == [(0.0, 1.0), (1.0, 1.0)]
    references = {one.prompt.metadata["reference"] for one in store.find(Search(), 10)}
    assert references == {"4", "Paris"}
    webui = read_log(written(tmp_path, LOGS["open-webui"]))
    assert {one.id: (one.text, one.group, len(one.ratings)) for one in webui.calls} == {
        "a1": ("Green.", "u1", 1),
        "a2": ("Blue.", "u1", 0),
        "z9": (None, "", 1),
    }


def test_plain_rows_of_the_same_prompt(tmp_path: Path, store: Store) -> None:
    """Two models make a pair, also from two files; the same model asked again was asked another time."""
    rows = [{"model": model, "prompt": "hi", "answer": "ho"} for model in ("small", "large", "small")]
    taken(store, read_log(written(tmp_path, rows)))
    assert sorted(len(one.completions) for one in store.find(Search(), 10)) == [1, 2]
    taken(store, read_log(written(tmp_path, [{"model": "third", "prompt": "hi", "answer": "hey"}])))
    assert sorted(len(one.completions) for one in store.find(Search(), 10)) == [1, 3]


def test_texts_are_kept_only_where_they_may_be(tmp_path: Path, store: Store) -> None:
    """With fingerprints alone there is no text of a prompt, an answer, an error, a comment or a reference."""
    settings = Settings(privacy=PrivacySettings(keep_texts="hash"))
    for name in ("litellm", "promptfoo", "open-webui"):
        taken(store, read_log(written(tmp_path, LOGS[name])), settings)
    for found in store.find(Search(), 100):
        assert found.prompt.messages is None
        assert all(value.startswith("sha256:") for value in found.prompt.metadata.values())
        assert all(one.text is None and one.error in (None, "it failed") for one in found.completions)
        assert all(one.context.text == "" for one in found.decisions)
        assert all(one.comment == "" for one in found.outcomes)


def test_models_can_be_named(tmp_path: Path) -> None:
    """What the person says counts; a model that the log does not have is refused."""
    log = read_log(written(tmp_path, LOGS["plain"]))
    goal = Settings().goal("default")
    assert arms_for(log, goal) == {"small": "small", "large": "large"}
    assert arms_for(log, goal, {"small": CHEAP})["small"] == CHEAP
    with pytest.raises(SettingsError, match="the log has no model 'medium'; its models are: "):
        arms_for(log, goal, {"medium": CHEAP})


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is no log that is known"),
        ("[]", "is no log that is known"),
        ('{"a": 1}', "is no log that is known"),
        ("not json", "neither JSON nor JSON lines: line 1"),
        ('{"model": "m", "prompt": "p"}\n{"model"', "neither JSON nor JSON lines: line 2"),
        ("[" * 100_000, "nested too deeply|neither JSON"),
        (
            '{"request_id": "r", "spend": 1, "startTime": 1, "model": ""}',
            "holds no call of a model: it has no model",
        ),
    ],
)
def test_what_is_no_log_is_refused_in_words(content: str, said: str, tmp_path: Path) -> None:
    """A sentence that says what it is instead."""
    path = tmp_path / "log.json"
    path.write_text(content)
    with pytest.raises(EvaluationError, match=said):
        read_log(path)


def test_a_missing_file_and_a_broken_pack(tmp_path: Path) -> None:
    """Sentences, too."""
    with pytest.raises(EvaluationError, match="cannot be read"):
        read_log(tmp_path / "nowhere.json")
    packed = tmp_path / "log.json.gz"
    packed.write_bytes(gzip.compress(b"[]" * 500)[:20])
    with pytest.raises(EvaluationError, match="cannot be read"):
        read_log(packed)
    with pytest.raises(EvaluationError, match="is no format of a log"):
        read_log(packed, "excel")


@pytest.mark.parametrize(
    ("value", "expected"),
    [("0.1", Decimal("0.1")), (0.1, Decimal("0.1")), (0, Decimal(0)), (-1, None), ("NaN", None), ("", None),
     (None, None), (True, None), ("1e400", Decimal("1e400")), ([], None)],
)  # fmt: skip
def test_costs_are_exact_or_unknown(value: Any, expected: Decimal | None) -> None:
    """Never zero where nothing is said."""
    assert dollars(value) == expected


def test_moments_and_rewards() -> None:
    """Seconds to nanoseconds, with and without a zone; scores outside 0 to 1 are none."""
    at = datetime(2026, 11, 2, 8, tzinfo=UTC)
    seconds = at.timestamp()
    for value in (
        seconds,
        seconds * 1e3,
        f"{seconds * 1e9:.0f}",
        "2026-11-02T08:00:00Z",
        "2026-11-02 09:00:00+01:00",
    ):
        assert moment(value) == at
    assert (moment("soon"), moment(None), moment(-5)) == (None, None, None)
    assert [reward(one) for one in (True, "pass", 0.5, 1, "bad", 4, None, "perhaps")] == [
        1.0, 1.0, 0.5, 1.0, 0.0, None, None, None,
    ]  # fmt: skip


def test_the_shell_shows_asks_and_imports(tmp_path: Path) -> None:
    """What is in it first; a no changes nothing; JSON has the sums; a router's export is not taken for a log."""
    path, place = str(written(tmp_path, LOGS["litellm"])), str(tmp_path / "a.duckdb")

    def run(*words: str, **more: Any) -> Any:
        return CliRunner().invoke(main, ["--store", place, *words], **more)

    shown = run("import", path, input="n\n")
    assert shown.exit_code == 1
    assert "LiteLLM spend logs: 3 calls, 2026-11-02 to 2026-11-02." in shown.output
    assert "gpt-4o -> openai/gpt-4o: 2 calls, $0.012, 1 failed" in shown.output
    assert "left out, 1: it is a call of the kind aembedding." in shown.output
    done = run("import", path, "--yes", "--json", "--model", f"gpt-4o={CHEAP}")
    assert done.exit_code == 0, done.output
    facts = json.loads(done.output)
    assert (facts["calls"], facts["cost_usd"], facts["models"]["gpt-4o"]) == (3, "0.0130", CHEAP)
    exported = str(tmp_path / "router.json")
    assert run("export", exported).exit_code == 0
    assert "would change nothing" in run("import", exported, "--yes").output
    assert run("import", path, "--model", "gpt-4o", "--yes").exit_code == 2

"""``router-core ask``: from a file of prompts to scored answers and a verdict, in the shell."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from router_core.shell.main import main
from tests.batches import prompts_file, settings_at, solver
from tests.servers import ChatServer, Request, chat_server, refused


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ChatServer]:
    """Solves sums; the settings in force name it, and the folder has a file of prompts."""
    with chat_server() as found:
        found.usual = solver
        (tmp_path / "settings.json").write_text(settings_at(found, max_retries=0).document())
        monkeypatch.setenv("ROUTER_SETTINGS", str(tmp_path / "settings.json"))
        monkeypatch.delenv("ROUTER_SIMULATED", raising=False)
        monkeypatch.chdir(tmp_path)
        prompts_file(tmp_path / "prompts.csv", 150)
        yield found


def say(*words: str, given: str = "") -> Result:
    """One command on the store of this folder."""
    return CliRunner().invoke(main, ["--store", "router.duckdb", *words], input=given)


def test_prompts_to_a_verdict(server: ChatServer) -> None:
    """The plan is shown and asked for; then answers, what was right, and a file that leads to a verdict."""
    refused_it = say("ask", "prompts.csv", "--check", "number", "--limit-usd", "2", given="n\n")
    assert "150 prompts to house/cheap and house/strong: 300 calls, about $" in refused_it.output
    assert "the limit is $2.00." in refused_it.output
    assert (refused_it.exit_code, server.requests) == (1, [])
    assert "No batch is open." in say("batches").output
    done = say("ask", "prompts.csv", "--check", "number", "--limit-usd", "2", given="y\n")
    assert done.exit_code == 0, done.output
    assert "Done: 300 of 300 calls answered, $0.030 spent." in done.output
    assert "house/strong: 92.7 % of 150 answers right" in done.output
    assert "300 answers in prompts.scored.csv; router-core verdict prompts.scored.csv" in done.output
    assert "No batch is open." in say("batches").output
    verdict = say("verdict", "prompts.scored.csv")
    assert verdict.output.startswith("Use house/strong for everything.")


def test_what_failed_is_asked_again_when_said(server: ChatServer) -> None:
    """The batch stays open; as JSON, too."""
    sick = [True]

    def sometimes(request: Request):  # type: ignore[no-untyped-def]
        odd = int(request.body["messages"][-1]["content"].split()[2]) % 50 == 0
        return refused(400, "not this one") if odd and sick[0] else solver(request)

    server.usual = sometimes
    first = json.loads(say("ask", "prompts.csv", "--yes", "--json", "--models", "cheap").stdout)
    assert (first["answered"], first["failed"], first["ended"]) == (147, 3, "done")
    assert f"{first['batch']}  " in say("batches").output
    assert "147 of 150 calls answered, 3 failed" in say("batches").output
    sick[0] = False
    again = say("ask", "--resume", first["batch"], "--again", "failed", "--yes")
    assert "Done: 150 of 150 calls answered" in again.output
    assert "no check judged them: rate them in the panel" in again.output


def test_a_limit_that_is_reached_is_an_exit_code(server: ChatServer) -> None:
    """With the command that goes on; with more money it does. Or the batch is dropped."""
    stopped = say("ask", "prompts.csv", "--yes", "--limit-usd", "0.013")
    assert stopped.exit_code == 1
    assert "Stopped: the next call could exceed the limit" in stopped.output
    id_ = stopped.output.split("--resume ")[1].split()[0]
    rest = say("ask", "--resume", id_, "--yes", "--limit-usd", "1")
    assert (rest.exit_code, len(server.requests)) == (0, 300)
    other = say("ask", "prompts.csv", "--yes", "--limit-usd", "0.013")
    dropped = say("batches", "--drop", other.output.split("--resume ")[1].split()[0])
    assert "what was answered stays in the log" in dropped.output
    assert "No batch is open." in say("batches").output


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["ask"], "give FILE, or --resume ID"),
        (["ask", "prompts.csv", "--json"], "--json cannot ask; add --yes"),
        (["ask", "prompts.csv", "--yes", "--limit-usd", "lots"], "the limit 'lots' is not an amount of dollars"),
        (["ask", "prompts.csv", "--yes", "--check", "beauty"], "'beauty' is not a check"),
        (
            ["ask", "prompts.csv", "--yes", "--columns", "reference=Gold"],
            "reference=Gold: prompts.csv has no such",
        ),
        (["ask", "--resume", "abc"], "'abc' is not the id of a batch; router-core batches lists them"),
        (["batches", "--drop", "0197f5f0-0000-7000-8000-000000000000"], "no batch 0197f5f0"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(server: ChatServer, words: list[str], sentence: str) -> None:
    """And nothing is asked."""
    said = say(*words)
    assert said.exit_code in (1, 2)
    assert sentence in said.output
    assert server.requests == []

"""``router-core verdict`` and ``replay``: what they print, in words and in JSON, and how they refuse."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import pytest
from click.testing import CliRunner, Result

from router_core.evaluation.files.encodings import Encoding
from router_core.evaluation.files.survey import Duplicates, OutOfRange
from router_core.evaluation.results import Report, Verdict, load
from router_core.settings import HeuristicSettings, Settings
from router_core.shell import evidence as cli_evidence
from router_core.shell.main import main


def run(*words: str) -> Result:
    """The command as the shell calls it."""
    return CliRunner().invoke(main, list(words))


@pytest.fixture
def scored(tmp_path: Path) -> str:
    """The cheap model knows the short half of 300 prompts, the strong one all."""
    place = tmp_path / "scored.csv"
    with place.open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["prompt", "model", "score", "cost_usd", "input_tokens", "output_tokens", "verdict"])
        for number in range(300):
            hard = number % 2
            prompt = f"Is {number} even? yes or no" + " and then tell me about its divisors" * 3 * hard
            for model, score, cost in (("small", 1 - hard, 0.001), ("large", 1, 0.01)):
                lines.writerow([prompt, model, score, cost, 20, 5, "COMPLEX" if hard else "SIMPLE"])
    return str(place)


def test_choices_are_the_librarys() -> None:
    """What is offered is what the library takes."""
    assert get_args(OutOfRange) == cli_evidence.OUT_OF_RANGE
    assert get_args(Duplicates) == cli_evidence.DUPLICATES
    assert get_args(Encoding) == cli_evidence.ENCODINGS


def test_a_terminal_that_lacks_a_character(scored: str) -> None:
    """As with LANG=de_DE.ISO-8859-1: a dash of the table is shown as another, and the command goes on."""
    told = subprocess.run(
        [sys.executable, "-m", "router_core", "verdict", scored, "--draws", "10", "--shuffles", "1"],
        env={**os.environ, "PYTHONIOENCODING": "latin-1"},
        capture_output=True,
        check=False,
    )
    assert (told.returncode, told.stderr) == (0, b"")
    assert told.stdout.startswith(b"Route by ")


def test_the_verdict_in_words(scored: str) -> None:
    """The sentence first, its reasons, then a line per router."""
    said = run("verdict", scored, "--draws", "100", "--shuffles", "2")
    assert said.exit_code == 0, said.output
    assert said.output.startswith("Route by ")
    assert "\n- small beside large: -50.0 points" in said.output
    lines = [
        line for line in said.output.splitlines() if line.startswith(("Prompt length", "Classifier", "small"))
    ]
    assert len(lines) == 3
    assert "$5.50" in lines[1] + lines[2]  # half the prompts at $0.01, half at $0.001


def test_the_verdict_as_json(scored: str) -> None:
    """The documents of docs/evidence.md, which can be read back; the same each time."""
    words = ("verdict", scored, "--json", "--draws", "100", "--router", "length", "--worth", "0.2", "--seed", "4")
    said = json.loads(run(*words).output)
    assert load(Verdict, json.dumps(said["verdict"])).choice == "length"
    report = load(Report, json.dumps(said["report"]))
    assert report.objective.success_value_usd == 0.2
    assert [row.name for row in report.rows] == ["small", "large", "length"]
    again = json.loads(run(*words).output)
    for one in (said, again):
        one["report"].pop("created_at")
    assert again == said


def test_a_floor(scored: str) -> None:
    """The cheapest way to a share of good answers."""
    said = run("verdict", scored, "--floor", "0.95", "--router", "heuristic", "--draws", "100")
    assert said.output.startswith("Use large for everything: it is the cheapest model that reaches 95 %")


def test_settings_from_a_file(scored: str, tmp_path: Path) -> None:
    """The rules as that file sets them."""
    file = tmp_path / "settings.json"
    file.write_text(Settings(heuristic=HeuristicSettings(word_limit=10, threshold=3, brief_points=1)).document())
    words = ("verdict", scored, "--router", "heuristic", "--json", "--draws", "50")

    def strong_share(*more: str) -> float:
        rows: list[dict[str, Any]] = json.loads(run(*words, *more).output)["report"]["rows"]
        share: float = rows[-1]["shares"][1]
        return share

    assert strong_share() == 0.0  # "yes or no", short, no reasoning word: simple
    assert strong_share("--settings", str(file)) == 0.5


def test_replay(scored: str) -> None:
    """What learning ends on and cost; in JSON too."""
    said = run("replay", scored, "--shuffles", "3", "--refresh", "5", "--worth", "1")
    assert said.exit_code == 0, said.output
    for learner in ("thompson", "contextual"):
        assert f"{learner}: lost so far against large for everything, in dollars:" in said.output
    assert "300 " in said.output
    report = load(Report, json.dumps(json.loads(run("replay", scored, "--json").output)["report"]))
    assert report.shuffles == 20
    assert report.regret[0].seen[-1] == 300


@pytest.mark.parametrize(
    ("content", "more", "code", "sentence"),
    [
        ("prompt,model,score\na,x,1\na,y,7\nb,x,0\nb,y,1\n", (), 1, "outside 0 to 1"),
        ("prompt,model,score\na,x,1\nb,x,0\n", (), 1, "at least two models are compared"),
        ("", (), 1, "empty"),
        ("prompt,model,score\na,x,1\na,y,0\n", ("--worth", "1", "--floor", "0.5"), 2, "not both"),
        ("prompt,model,score\na,x,1\na,y,0\n", ("--goal", "none"), 1, "goal 'none' is not set up"),
        (
            "prompt,model,score\na,x,1\na,y,0\nb,x,1\nb,y,0\n",
            ("--router", "classifier"),
            1,
            "no column of verdicts",
        ),
    ],
)
def test_refusals(tmp_path: Path, content: str, more: tuple[str, ...], code: int, sentence: str) -> None:
    """One sentence on standard error, exit code 1; wrong usage 2."""
    file = tmp_path / "bad.csv"
    file.write_text(content)
    said = run("verdict", str(file), "--draws", "20", *more)
    assert said.exit_code == code
    assert sentence in said.stderr
    assert said.stdout == ""


def test_clipped_when_asked(tmp_path: Path) -> None:
    """A score outside the range is taken in where one says so, and the output says how many."""
    file = tmp_path / "odd.csv"
    file.write_text("prompt,model,score\na,x,1\na,y,7\nb,x,0\nb,y,1\n")
    said = run("verdict", str(file), "--out-of-range", "clip", "--draws", "20")
    assert said.exit_code == 0
    assert "1 score outside 0 to 1" in said.output


HUNDRED = "Ask,Who,Points\n" + "".join(
    f"question {n},{name},{points}\n" for n in range(30) for name, points in (("ant", 90 - n), ("bee", 95))
)


def test_columns_scores_and_prices_are_named_in_the_shell(tmp_path: Path) -> None:
    """A file with names and scores of its own is judged with four options."""
    place = tmp_path / "own.csv"
    place.write_text(HUNDRED + "question 1,tiny,1\n")
    words = (
        "--columns", "prompt=Ask,model=Who", "--columns", "score=Points", "--full-score", "100",
        "--without", "tiny", "--price", "ant=0.1,0.2", "--price", "bee=1,2",
    )  # fmt: skip
    said = run("verdict", str(place), *words, "--draws", "50", "--shuffles", "1", "--json")
    assert said.exit_code == 0, said.output
    found = json.loads(said.output)
    assert found["report"]["models"] == ["ant", "bee"]
    assert found["report"]["prompts"] == 30
    assert found["verdict"]["kind"] != "unknown" or "price" not in found["verdict"]["sentence"]
    assert any("ant as ant, $0.1 and $0.2; bee as bee, $1 and $2" in note for note in found["notes"])


@pytest.mark.parametrize(
    ("words", "part"),
    [
        ((), "no column is said to hold the prompt"),
        ((), "(option --columns)"),
        (("--columns", "prompt=Ask,model=Who,score=Points"), "(option --full-score or --out-of-range)"),
        (("--columns", "prompt=Question"), "has no column 'Question'; its columns are: Ask, Who, Points"),
        (("--price", "ant"), "'ant' is not MODEL=IN,OUT, such as small=0.15,0.60"),
        (("--price", "ant=1,-2"), "is not MODEL=IN,OUT"),
        (
            ("--columns", "prompt=Ask,model=Who,score=Points", "--full-score", "100", "--price", "wasp=1,2"),
            "--price names 'wasp'",
        ),
    ],
)
def test_the_refusal_names_the_option(tmp_path: Path, words: tuple[str, ...], part: str) -> None:
    place = tmp_path / "own.csv"
    place.write_text(HUNDRED)
    said = run("verdict", str(place), *words)
    assert said.exit_code != 0
    assert part in said.output


def test_the_shell_reads_other_notations_and_says_so(tmp_path: Path) -> None:
    place = tmp_path / "commas.csv"
    rows = "".join(
        f"question {n};{name};{score}\n" for n in range(20) for name, score in (("x", "0,25"), ("y", "1"))
    )
    place.write_text("prompt;model;score\n" + rows)
    said = run("verdict", str(place), "--draws", "50", "--shuffles", "1", "--price", "x=1,1", "--price", "y=1,1")
    assert said.exit_code == 0, said.output
    assert "'score' (a decimal comma: '0,25' means 0.25): read so" in said.output


def test_the_shell_names_what_it_leaves_out(tmp_path: Path) -> None:
    place = tmp_path / "wide.csv"
    place.write_text("prompt,ant,bee,temperature\n" + "".join(f"question {n},1,{n % 2},1\n" for n in range(20)))
    said = run("verdict", str(place), "--draws", "50", "--shuffles", "1")
    assert said.exit_code == 0, said.output
    assert said.output.startswith("By quality alone ant is best")
    assert (
        "- the columns are taken to hold: prompt in 'prompt', the scores of ant in 'ant', bee in 'bee'"
        in said.output
    )
    assert "- 1 column not used: 'temperature' (a setting)" in said.output

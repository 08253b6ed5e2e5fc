"""``router-core check``: exit codes, the Markdown, and that no fault is taken for an answer."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from router_core.evaluation.by_file import report as by_file
from router_core.shell.main import main
from router_core.store import open_store
from tests.judged import rate, with_pairs


def check(*words: str) -> Result:
    """One run."""
    return CliRunner().invoke(main, ["check", *words])


@pytest.fixture
def scored(tmp_path: Path) -> str:
    """A file of 400 prompts: small is right in 60 %, large in 90 %."""
    return write(tmp_path / "scored.csv", 400)


def write(place: Path, count: int, first: str = "small") -> str:
    """A file of scored answers; every second prompt is long, and only large knows the most of those."""
    rng = np.random.default_rng(1)
    with place.open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["prompt", "model", "score", "cost_usd"])
        for number in range(count):
            prompt = f"Question {number}?" + " And now tell me why" * 9 * (number % 2)
            chance = 0.3 if number % 2 else 0.9
            lines.writerow([prompt, first, int(rng.random() < chance), 0.001])
            lines.writerow([prompt, "large", int(rng.random() < 0.9), 0.01])
    return str(place)


@pytest.mark.parametrize(
    ("claim", "code", "said"),
    [
        ("large better than small by 10 points", 0, "Proven: large better than small by more than 10 points."),
        ("small within 3 points of large", 1, "Refuted: small within 3 points of large."),
        ("large within 30 points of length", 0, "Proven: "),
        ("small better than heuristic", 1, "Refuted: "),
        ("length pays", 0, "Proven: length pays."),
        ("large better than length", 2, "Not known yet: large better than length."),
    ],
)
def test_a_file(scored: str, claim: str, code: int, said: str) -> None:
    """Models and routers; the sentence first."""
    found = check(scored, "--claim", claim, "--worth", "0.05")
    assert (found.exit_code, found.stderr) == (code, "")
    assert found.output.startswith(said)


def test_not_known_yet(tmp_path: Path) -> None:
    """How many more, in words and as JSON."""
    few = write(tmp_path / "few.csv", 10)
    found = check(few, "--claim", "large better than small by 3 points", "--json")
    assert found.exit_code == 2
    answer = json.loads(found.output)
    assert (answer["answer"], answer["prompts"], answer["source"]) == ("unknown", 10, "few.csv")
    assert answer["more_prompts"] > 0
    assert answer["sentence"].endswith("more pairs needed.")


def test_the_summary_is_appended_and_holds_no_markup_of_others(tmp_path: Path) -> None:
    """A model's name is text there, whatever it looks like."""
    odd = write(tmp_path / "odd.csv", 100, first="<img> [x](y)")
    for _ in range(2):
        place = str(tmp_path / "summary.md")
        assert check(odd, "--claim", "large better than <img> [x](y)", "--summary", place).exit_code == 0
    text = Path(place).read_text()
    assert text.count("### Proven: large better than \\<img\\> \\[x\\](y)\n") == 2
    assert "- Prompts: 100\n" in text


def test_a_regression(scored: str, tmp_path: Path) -> None:
    """Beside the report of an earlier day, for models and routers."""
    earlier = tmp_path / "earlier.json"
    wrote = CliRunner().invoke(main, ["verdict", scored, "--json", "--draws", "10", "--router", "length"])
    earlier.write_text(wrote.output)
    worse = tmp_path / "worse.csv"
    worse.write_text(Path(scored).read_text().replace("large,1,", "large,0,", 200))
    for name in ("large", "length"):
        claim = ("--claim", f"{name} within 10 points of before", "--before", str(earlier))
        assert check(scored, *claim).exit_code == 0
        assert check(str(worse), *claim).exit_code == 1
    assert check(scored, "--claim", "small within 1 point of before", "--before", str(earlier)).exit_code == 2


def test_a_store(tmp_path: Path) -> None:
    """Pairs of rated answers, either way round; the provider before a model's name may be left out."""
    place = str(tmp_path / "log.duckdb")
    store = open_store(place)
    with_pairs(store, 200)
    rate(store, {number: float(number % 2 == 0 or number % 4 == 1) for number in range(1, 361)})
    store.close()
    found = check(place, "--claim", "gpt-4o-mini within 5 points of gpt-4o")
    assert found.exit_code == 1
    assert "- Difference: -50.0 points" in found.output
    assert "180 prompts of 200 that both answered have two ratings" in found.output
    assert check(place, "--claim", "openai/gpt-4o better than openai/gpt-4o-mini").exit_code == 0
    for claim, said in (
        ("gpt-5 better than gpt-4o", "'gpt-5' is not one model; choose from: openai/gpt-4o-mini"),
        ("openai/gpt-4o better than gpt-4o", "compares openai/gpt-4o with itself"),
        ("length pays", "needs a file of scored answers"),
    ):
        refused = check(place, "--claim", claim)
        assert refused.exit_code == 3
        assert said in refused.stderr


def test_no_fault_is_an_answer(scored: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever goes wrong exits with 3, wrong usage and faults of our own among it."""
    nothing = tmp_path / "nothing.csv"
    nothing.write_text("")
    better = ("--claim", "large better than small")
    for words in (
        (scored,),
        ("missing.csv", *better),
        (str(nothing), *better),
        (scored, "--claim", "large is best"),
        (scored, "--claim", "large better than huge"),
        (scored, "--claim", "large pays"),
        (scored, "--claim", "thompson pays"),
        (scored, "--claim", "classifier pays"),
        (scored, "--claim", "large within 3 points of before"),
        (scored, "--claim", "large within 3 points of before", "--before", str(nothing)),
        (scored, *better, "--summary", str(tmp_path / "no" / "summary.md")),
        (scored, *better, "--price", "huge=1,1"),
    ):
        found = check(*words)
        assert found.exit_code == 3, words
        assert found.stderr

    def broken(*given: object, **more: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(by_file, "scored_by", broken)
    found = check(scored, "--claim", "length better than small")
    assert found.exit_code == 3
    assert "ZeroDivisionError" in found.stderr

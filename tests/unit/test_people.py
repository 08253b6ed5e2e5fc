"""The report for people: complete in itself, escaped, and in words that are those of the verdict."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from click.testing import CliRunner

from router_core.evaluation.by_file.conclusion import verdict
from router_core.evaluation.by_file.doubts import doubts
from router_core.evaluation.by_file.kept import Judgement
from router_core.evaluation.by_file.published import example, published
from router_core.evaluation.by_file.report import evaluate
from router_core.evaluation.by_file.worths import judged_at, stretches
from router_core.evaluation.labelled import Labelled
from router_core.evaluation.results import Objective
from router_core.reports.chart import money_svg
from router_core.reports.people import report_html
from router_core.shell.main import main
from tests.labelled import labelled
from tests.scored import long_csv

EVIL = '<img src=x onerror=alert(1)>"&'


class Seen(HTMLParser):
    """Tags, their attributes and the text of a page; ``open`` is empty at the end where every tag is closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data.replace("\N{NO-BREAK SPACE}", " ")


def told(name: str, worth: float = 0.05) -> Seen:
    """The report on an example."""
    data = example(name).labelled()
    return Seen(report_html(judged_at(data, worth), stretches(data), example(name)))


@pytest.mark.parametrize("name", [one.name for one in published()])
def test_a_report_is_whole_and_needs_nothing_else(name: str) -> None:
    """Every part is there, every tag is closed, and nothing is fetched or run."""
    seen = told(name)
    assert seen.open == []
    for part in ("Should you route between", "for everything.", "Good answers against dollars", "Why",
                 "What would make this wrong", "How it was judged", "not your traffic", "Apache-2.0"):  # fmt: skip
        assert part in seen.text
    assert not {tag for tag, _ in seen.tags} & {"script", "img", "link", "iframe", "object", "form"}
    assert not [value for _, said in seen.tags for key, value in said.items() if key in ("href", "src")]
    assert [tag for tag, _ in seen.tags].count("svg") == 1


def test_the_first_lines_say_the_verdict() -> None:
    """Question, answer, trade, where it turns; by task where there are tasks."""
    seen = told("gsm8k")
    assert "No. Use gpt-4o-mini for everything." in seen.text
    assert "at 1/16 of the cost ($0.091 instead of $1.45 per 1,000 prompts)" in seen.text
    assert "Above $0.069 it is not settled, above $0.15 the answer is gpt-4o." in seen.text
    assert "Task by task" not in seen.text
    assert "professional_law" in told("mmlu").text
    assert "37 more tasks are not shown here." in told("mmlu").text


def hostile() -> Labelled:
    """Names of models, tasks and the file that would act if they were not escaped."""
    rng = np.random.default_rng(2)
    data = labelled(
        (rng.random((200, 2)) < (0.6, 0.8)).astype(float).tolist(), tasks=[f"{EVIL}{at % 2}" for at in range(200)]
    )
    named = {"models": (f"cheap{EVIL}", f"strong{EVIL}"), "source": f"{EVIL}.csv"}
    return Labelled(**{field: named.get(field, getattr(data, field)) for field in data.__dataclass_fields__})


def test_foreign_text_is_escaped() -> None:
    """In the title, the text, the table and the picture; it is still there to be read."""
    data = hostile()
    report = evaluate((), data, objective=Objective(0.05), draws=0)
    found = Judgement(verdict(report), report, (f"the file {EVIL} has a note",))
    page = report_html(found, stretches(data))
    assert "<img" not in page
    assert page.count("&lt;img") >= 10
    assert f"{EVIL}.csv" in Seen(page).text
    ElementTree.fromstring(money_svg(report))


def test_the_chart_has_a_mark_and_a_name_for_each_model() -> None:
    """Filled for models, and within the picture."""
    report = judged_at(example("gsm8k").labelled(), 0.05).report
    drawn = ElementTree.fromstring(money_svg(report))
    space = "{http://www.w3.org/2000/svg}"
    circles = drawn.findall(f"{space}circle")
    assert len(circles) == 2
    _, _, width, height = (float(one) for one in drawn.attrib["viewBox"].split())
    for one in circles:
        assert 0 < float(one.attrib["cx"]) < width
        assert 0 < float(one.attrib["cy"]) < height
    words = [one.text for one in drawn.findall(f"{space}text")]
    assert {"gpt-4o-mini", "gpt-4o", "dollars per 1,000 prompts", "good answers"} <= set(words)
    assert len([one for one in words if one and one.endswith(" %")]) >= 3
    assert float(circles[0].attrib["cx"]) < float(circles[1].attrib["cx"])
    assert float(circles[0].attrib["cy"]) > float(circles[1].attrib["cy"])


def test_without_prices_there_is_no_chart() -> None:
    """And the page says why."""
    data = labelled([[0.0, 1.0], [1.0, 1.0]] * 50, (float("nan"), float("nan")))
    report = evaluate((), data, objective=Objective(0.05), draws=0)
    assert money_svg(report) == ""
    assert "No price is known" in Seen(report_html(Judgement(verdict(report), report))).text


def test_what_would_make_it_wrong_names_figures() -> None:
    """The worth and the price at which the verdict turns, and the age of the evidence."""
    data = example("gsm8k").labelled()
    said = "\n".join(doubts(judged_at(data, 0.05), stretches(data)))
    assert "Above $0.069 it is not settled" in said
    assert (
        "gpt-4o would be as good a buy as gpt-4o-mini at $1.08 instead of $1.45 per 1,000 prompts, 26 % less"
        in said
    )
    assert "those of 100 % of the answers are estimated" in said
    assert re.search(r"the evidence is of \d{4}-\d\d-\d\d\. Judge again after 90 days", said)
    assert "Other prompts" not in said
    assert "Other prompts" in doubts(judged_at(data, 0.05), example=True)[0]


def test_the_command_writes_it(tmp_path: Path) -> None:
    """Beside what it prints; a place that cannot be written is a sentence."""
    file, page = tmp_path / "scored.csv", tmp_path / "verdict.html"
    file.write_bytes(long_csv(60))
    run = CliRunner().invoke(main, ["verdict", str(file), "--draws", "20", "-r", "length", "--report", str(page)])
    assert run.exit_code == 0, run.output
    seen = Seen(page.read_text(encoding="utf-8"))
    assert seen.open == []
    assert run.output.split("\n")[0] in seen.text.replace("  ", " ")
    missing = tmp_path / "nowhere" / "verdict.html"
    run = CliRunner().invoke(
        main, ["verdict", str(file), "--draws", "20", "-r", "length", "--report", str(missing)]
    )
    assert run.exit_code == 1
    assert "cannot be written (No such file or directory); choose another file" in run.output

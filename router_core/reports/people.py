"""The report for people: verdict, chart, tasks, how it was judged, what would make it wrong; two printed pages.

Everything that comes from outside (names of models, tasks and files) is escaped.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from router_core.evaluation.by_file.doubts import doubts
from router_core.evaluation.by_file.headline import headline, turning
from router_core.evaluation.by_file.kept import Judgement
from router_core.evaluation.by_file.method import how_judged
from router_core.evaluation.by_file.published import PublishedExample
from router_core.evaluation.by_file.table import NONE
from router_core.evaluation.by_file.worths import Stretch
from router_core.evaluation.results import Estimate, Report, Row, TaskResult
from router_core.evaluation.wording import per_thousand, percent
from router_core.reports.chart import money_svg
from router_core.words import dollars, share

_ROWS, _TASKS, _REASONS, _CELLS = 12, 20, 7, 5
"""So many of each have room on two pages; what is left out is said."""

_STYLE = """
@page { size: A4; margin: 14mm; }
* { box-sizing: border-box; }
body { font: 14px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; color: #0b111a;
  background: #ffffff; margin: 0 auto; padding: 2rem 1.25rem; max-width: 52rem; overflow-wrap: anywhere; }
h1 { font-size: 1.05rem; font-weight: 600; margin: 0 0 .25rem; }
.answer { font-size: 2.1rem; line-height: 1.15; font-weight: 700; margin: 0 0 .5rem; }
.trade { font-size: 1.1rem; margin: 0 0 .25rem; }
h2 { font-size: 1.05rem; margin: 1.4rem 0 .4rem; break-after: avoid; }
.note, footer, caption { color: #5b6675; font-size: .85rem; text-align: left; }
.example { border: 2px dashed #b34700; padding: .5rem .75rem; margin: 0 0 1rem; }
svg { width: 100%; height: auto; display: block; font-family: inherit; }
table { border-collapse: collapse; width: 100%; font-size: .85rem; }
td, th { padding: .2rem .5rem .2rem 0; text-align: right; border-bottom: 1px solid #d5dae1; vertical-align: top; }
td:first-child, th:first-child { text-align: left; }
td small { color: #5b6675; white-space: nowrap; }
tr { break-inside: avoid; }
ul { margin: .2rem 0; padding-left: 1.2rem; }
li { margin: .15rem 0; }
footer { margin-top: 1.5rem; border-top: 1px solid #d5dae1; padding-top: .5rem; }
@media print { body { font-size: 10.5px; padding: 0; max-width: none; } .answer { font-size: 24px; }
  svg { max-height: 62mm; } h2 { margin-top: 4mm; } }
"""


def report_html(
    found: Judgement, stretches: Sequence[Stretch] = (), example: PublishedExample | None = None
) -> str:
    """One page of HTML that needs nothing else.

    Args:
        found: the verdict and its report.
        stretches: the verdict at other worths of a good answer; none: not known.
        example: where the prompts are published ones, which.
    """
    report, said = found.report, headline(found.verdict, found.report)
    worth = report.objective.success_value_usd
    turns = turning(stretches, worth) if worth is not None and stretches else ""
    parts = [
        _marked(example),
        f"<h1>{_text(said.question)}</h1>",
        f'<p class="answer">{_text(said.answer)}</p>',
        f'<p class="trade">{_text(said.trade)}</p>',
        f"<p>{_text(' '.join((_aim(report), turns)).strip())}</p>",
        f"<p>{_text(found.verdict.sentence)}</p>",
        _section("Good answers against dollars", _chart(report)),
        _section("Every way of choosing", _table(report)),
        _section("Task by task", _tasks(report)),
        _section("Why", _list(found.verdict.reasons, _REASONS)),
        _section("What would make this wrong", _list(doubts(found, stretches, example is not None))),
        _section(
            "How it was judged", _list((*_scored(example), *how_judged(report), *map(_sentence, found.notes)))
        ),
        f"<footer>{escape(_footer(report))}</footer>",
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(said.answer)} {escape(said.question)}</title><style>{_STYLE}</style></head>\n"
        f"<body>{''.join(parts)}</body></html>\n"
    )


def _section(title: str, inside: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{inside}</section>" if inside else ""


def _marked(example: PublishedExample | None) -> str:
    if example is None:
        return ""
    said = f"Published example: {example.title}, not your traffic. {example.source}, {example.licence}."
    return f'<p class="example">{escape(said)}</p>'


def _scored(example: PublishedExample | None) -> tuple[str, ...]:
    if example is None:
        return ()
    versions = ", ".join(
        f"{one.name} is {one.version} (${one.input_usd_per_million_tokens:g} and"
        f" ${one.output_usd_per_million_tokens:g} per million tokens in and out)"
        for one in example.models
    )
    return (f"Scored {example.scored}. {example.costs}", f"{versions}.")


def _aim(report: Report) -> str:
    worth, floor = report.objective.success_value_usd, report.objective.quality_floor
    if worth is not None:
        return f"Judged at {dollars(worth)} for one good answer, on {report.prompts:,} prompts."
    return f"Wanted: at least {share(floor or 0, 0)} good answers; judged on {report.prompts:,} prompts."


def _chart(report: Report) -> str:
    drawn = money_svg(report)
    if not drawn:
        return "<p>No price is known, so there is nothing to draw against money.</p>"
    note = "Bars hold 95 %. The line is what random mixes of the models buy: a router is worth something above it."
    return f'{drawn}<p class="note">{note}</p>'


def _table(report: Report) -> str:
    rows = report.rows[:_ROWS]
    estimated = report.estimated_cost_share > 0
    head = ("", "Good answers", "Per 1,000 prompts", "Value over the best model, per 1,000")
    body = "".join(
        f"<tr><td>{escape(row.label)}</td>{_cell(percent(row.accuracy))}{_cell(_cost(row, estimated))}"
        f"{_cell(_money(row.advantage_usd, estimated))}</tr>"
        for row in rows
    )
    return _grid(head, body, len(report.rows) - len(rows), "rows")


def _cost(row: Row, estimated: bool) -> str:
    return "price unknown" if row.cost_usd is None else per_thousand(row.cost_usd, estimated)


def _money(found: Estimate | None, estimated: bool) -> str:
    return NONE if found is None else per_thousand(found, estimated)


def _cell(text: str) -> str:
    """A figure with its interval in small letters."""
    figure, bracket, ends = text.removesuffix(")").partition(" (")
    return f"<td>{_text(figure)}" + (f" <small>{escape(ends)}</small>" if bracket else "") + "</td>"


def _tasks(report: Report) -> str:
    """The largest tasks, each way of choosing a column as far as there is room."""
    if not report.tasks:
        return ""
    names = [row for row in report.rows if row.name in report.tasks[0].accuracy][:_CELLS]
    shown: Sequence[TaskResult] = report.tasks[:_TASKS]
    body = "".join(
        f"<tr><td>{escape(one.task)}</td><td>{one.prompts:,}</td>"
        + "".join(f"<td>{_text(share(one.accuracy[row.name]))}</td>" for row in names)
        + "</tr>"
        for one in shown
    )
    return _grid(("", "Prompts", *(row.label for row in names)), body, len(report.tasks) - len(shown), "tasks")


def _grid(head: Iterable[str], body: str, left_out: int, what: str) -> str:
    titles = "".join(f'<th scope="col">{escape(one)}</th>' for one in head)
    note = f'<p class="note">{left_out:,} more {what} are not shown here.</p>' if left_out else ""
    return f"<table><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table>{note}"


def _list(lines: Sequence[str], most: int | None = None) -> str:
    shown = lines if most is None else lines[:most]
    items = "".join(f"<li>{_text(one)}</li>" for one in shown if one)
    return f"<ul>{items}</ul>" if items else ""


def _sentence(note: str) -> str:
    return f"{note[:1].upper()}{note[1:]}."


def _text(text: str) -> str:
    """The text as HTML; a figure and its per cent sign stay on one line."""
    return escape(text).replace(" %", "&nbsp;%")


def _footer(report: Report) -> str:
    file = f"{report.source}, SHA-256 {report.sha256[:16]}" if report.sha256 else report.source
    return f"{file}. Judged {report.created_at:%Y-%m-%d %H:%M} UTC by router-playground."

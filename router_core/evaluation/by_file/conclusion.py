"""One sentence on what to do, and the reasons: one model for everything, a router, or not known yet.

Nothing is claimed whose interval reaches past nothing. It adds no figures of its own: everything said here
stands in the report.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from router_core.evaluation.results import Estimate, Report, Rival, Row, Verdict
from router_core.evaluation.wording import per_thousand, percent, span
from router_core.words import about, dollars, listing, points, share, times_cheaper

TOLERANCE = 0.05
FEWEST_ELSEWHERE = 30
"""So many prompts a router must send elsewhere than the best model does; on fewer, luck looks like knowledge."""
LEAST_GAIN = 0.001
LEAST_SAVED = 0.05
"""Only what is worth one more good answer in 1,000 prompts is advised, or 5 % of what the best model costs."""
_NEVER = float("inf")
_HOPELESS = 1_000_000  # more prompts than anybody labels


def verdict(report: Report, tolerance: float = TOLERANCE) -> Verdict:
    """What the report says one should do.

    - "route" where a router is worth more than the best fixed model (with a quality floor: reaches it, for less)
      and better than a random mix of equal cost, both intervals, corrected for the number of routers, above 0;
      where it sends at least FEWEST_ELSEWHERE prompts elsewhere, and what it is worth is not immaterial.
    - "use" one model where each other fixed model is a worse buy, or costs more, better by at most ``tolerance``.
    - "unknown" else, with what is missing.

    Args:
        report: of ``evaluate``.
        tolerance: how much accuracy one would give up for the cheaper of two models, in [0, 1].
    """
    unpriced = _unpriced(report)
    if unpriced:
        return _without_prices(report, unpriced)
    found = _verdict(report, tolerance)
    if not report.unpriced:
        return found
    names = listing([one.model for one in report.unpriced])
    price = "prices are" if len(report.unpriced) > 1 else "price is"
    return replace(found, sentence=f"{found.sentence} This leaves out {names}, whose {price} unknown.")


def _verdict(report: Report, tolerance: float) -> Verdict:
    reasons = tuple(_reasons(report))
    router = _advised(report)
    if router is not None:
        return Verdict("route", router.name, _route(report, router), reasons)
    if report.objective.quality_floor is not None:
        return _by_floor(report, report.objective.quality_floor, reasons)
    open_ = [one for one in report.rivals if not _settled(one, tolerance)]
    if not open_:
        return Verdict("use", report.best_fixed, _use(report, tolerance), reasons)
    more = [_more(report.prompts, one.utility_usd) for one in open_]
    needed = None if None in more else max(number or 0 for number in more)
    models = " or ".join([report.best_fixed, *(one.model for one in open_)])
    if needed is None:
        sentence = (
            f"Not known: {models} are so close that no number of prompts would tell them apart; take either."
        )
        return Verdict("unknown", None, sentence, reasons, "a reason to prefer one, other than value for money")
    sentence = (
        f"Not known yet whether {models} is the better value: about {about(needed)} more prompts would tell."
    )
    return Verdict("unknown", None, sentence, reasons, f"about {about(needed)} more scored prompts", needed)


def _unpriced(report: Report) -> list[str]:
    return [model for model in report.models if report.row(model).cost_usd is None]


def _without_prices(report: Report, unpriced: list[str]) -> Verdict:
    names = listing(unpriced)
    prices, are = ("prices", "are") if len(unpriced) > 1 else ("price", "is")
    best = report.row(max(report.models, key=lambda model: report.row(model).accuracy.value))
    return Verdict(
        "unknown",
        None,
        f"{_by_quality(report, best)}; its worth is not known, for the {prices} of {names} {are} unknown.",
        (*(_quality(report, rival) for rival in report.rivals), *_orders(report)),
        f"the {prices} of {names}: add {'them' if len(unpriced) > 1 else 'it'} under Settings, Models & providers,"
        " or a cost column to the file; in the shell: --price MODEL=IN,OUT (dollars per million tokens), or leave"
        " a model out with --without",
    )


def _by_quality(report: Report, best: Row) -> str:
    """What scores alone say of the most accurate model."""
    has = f"{percent(best.accuracy)} good answers, {report.prompts:,} prompts"
    close = [one.model for one in report.rivals if one.accuracy.high >= 0]
    if report.best_fixed != best.name or not close:
        rest = "the other" if len(report.models) == 2 else "every other"
        return f"By quality alone {best.name} is best ({has})" + ("" if close else f", proven against {rest}")
    return f"By quality alone {best.name} is ahead ({has}), but not proven better than {listing(close)}"


def _quality(report: Report, rival: Rival) -> str:
    found = f"{points(rival.accuracy.value)} points ({span(rival.accuracy)})"
    return f"{rival.model} beside {report.best_fixed}: {found}."


def _advised(report: Report) -> Row | None:
    """The proven router with the largest advantage, where that is worth the trouble."""
    return max((row for row in _proven(report) if _material(report, row)), key=_advantage, default=None)


def _material(report: Report, router: Row) -> bool:
    worth, best = report.objective.success_value_usd, report.row(report.best_fixed).cost_usd
    least = LEAST_SAVED * (best.value if best is not None else 0.0)
    return _advantage(router) >= (least if worth is None else min(least, LEAST_GAIN * worth))


def _advantage(row: Row) -> float:
    return -_NEVER if row.advantage_usd is None else row.advantage_usd.value


def _proven(report: Report) -> list[Row]:
    """The routers that are surely worth something, little or much."""
    floor, best = report.objective.quality_floor, report.models.index(report.best_fixed)
    return [
        row
        for row in _routers(report)
        if row.advantage_usd is not None
        and row.advantage_usd.low > 0
        and row.gain is not None
        and row.gain.low > 0  # a random mix may reach a floor for less than one model does, without any router
        and (floor is None or row.accuracy.low >= floor)
        and report.prompts * (1.0 - row.shares[best]) >= FEWEST_ELSEWHERE
    ]


def _routers(report: Report) -> list[Row]:
    return [row for row in report.rows if row.kind in ("rule", "ranking")]


def _settled(rival: Rival, tolerance: float) -> bool:
    """Whether the best model may be preferred to this one: a better buy, or cheaper and good enough."""
    if rival.utility_usd is not None and rival.utility_usd.high < 0:
        return True
    dearer = rival.cost_usd is not None and rival.cost_usd.low > 0
    return dearer and rival.accuracy.high <= tolerance


def _route(report: Report, router: Row) -> str:
    assert router.advantage_usd is not None
    worth, floor = per_thousand(router.advantage_usd), report.objective.quality_floor
    name = _lower(router.label).removeprefix("by ")
    sentence = f"Route by {name}" + (f" ({router.plan}): " if router.plan else ": ")
    if floor is None:
        sentence += f"it is worth {worth} more per 1,000 prompts than {report.best_fixed} for everything"
    else:
        sentence += (
            f"it reaches {share(floor, 0)} good answers and saves {worth} per 1,000 prompts against"
            f" {report.best_fixed} for everything"
        )
    if router.saving is not None and router.saving.low > 0:
        sentence += f", and costs {percent(router.saving, 0)} less than the cheapest equal mix of models"
    return sentence + "."


def _use(report: Report, tolerance: float) -> str:
    best = report.row(report.best_fixed)
    said = f"Use {best.name} for everything."
    prompts = f"95 %, {report.prompts:,} prompts"
    if all(_dominated(one) for one in report.rivals):
        names = " and ".join(one.model for one in report.rivals)
        are = "is" if len(report.rivals) == 1 else "are"
        return f"{said} {names} {are} more expensive and worse: dominated ({prompts})."
    rival = max(report.rivals, key=lambda one: one.accuracy.value)
    dearer = rival.cost_usd is not None and rival.cost_usd.low > 0
    if rival.accuracy.value <= 0 and not dearer:
        return (
            f"{said} It is better than {rival.model} by {_points(report, rival.accuracy, -1)}, which at"
            f" {_worth(report)} for a good answer is worth its price."
        )
    cost = times_cheaper(_ratio(report, rival))
    if rival.accuracy.high <= tolerance:
        return f"{said} It is within {100 * tolerance:g} points of {rival.model} ({prompts}) at {cost}."
    if rival.accuracy.value <= 0:
        found = f"{points(rival.accuracy.value)} points (95 %: {span(rival.accuracy)}; {report.prompts:,} prompts)"
        return f"{said} {rival.model} is more expensive and not better: {found}, where this one has {cost}."
    return (
        f"{said} {rival.model} is better by {_points(report, rival.accuracy)}, which at {_worth(report)} for a"
        f" good answer is not worth its price: this one has {cost}."
    )


def _dominated(rival: Rival) -> bool:
    return rival.cost_usd is not None and rival.cost_usd.low > 0 and rival.accuracy.high < 0


def _by_floor(report: Report, floor: float, reasons: tuple[str, ...]) -> Verdict:
    best = report.row(report.best_fixed)
    wanted = share(floor, 0)
    if best.accuracy.low >= floor:
        sentence = (
            f"Use {best.name} for everything: it is the cheapest model that reaches {wanted} good answers"
            f" ({percent(best.accuracy)}, {report.prompts:,} prompts)."
        )
        return Verdict("use", best.name, sentence, reasons)
    top = max((report.row(model) for model in report.models), key=lambda row: row.accuracy.value)
    if top.accuracy.high < floor:
        sentence = f"No model reaches {wanted} good answers: the best, {top.name}, has {percent(top.accuracy)}."
        return Verdict("unknown", None, sentence, reasons, "a better model, or a lower floor")
    gap = Estimate(top.accuracy.value - floor, top.accuracy.low - floor, top.accuracy.high - floor)
    more = _more(report.prompts, gap)
    needed = "a lower floor" if more is None else f"about {about(more)} more scored prompts"
    has = percent(top.accuracy)
    sentence = f"Not known yet whether {top.name} reaches {wanted} good answers ({has}): {needed} would tell."
    return Verdict("unknown", None, sentence, reasons, needed, more)


def _reasons(report: Report) -> Iterable[str]:
    for rival in report.rivals:
        yield _beside(report, rival)
        if rival.break_even_usd is not None:
            yield _break_even(report, rival)
    routers = _routers(report)
    if _advised(report) is None:
        best = max(_proven(report) or routers, key=_advantage, default=None)
        if best is not None and best.advantage_usd is not None:
            yield _unproven(report, best, best.advantage_usd)
    for row in report.rows:
        if row.kind == "trained" and row.advantage_usd is not None and row.advantage_usd.low > 0:
            yield (
                f"A score learned from these prompts would make {per_thousand(row.advantage_usd)} more of value"
                f" per 1,000 prompts than {report.best_fixed}; no router follows it alone, so it is not advice."
            )
    yield from _learning(report)
    for row in routers:
        if row.kind == "rule" and row.gain is not None:
            yield _beside_mix(row)
    yield from _orders(report)
    if report.unpriced:
        each = listing([f"{one.model} ({percent(one.accuracy)} good answers)" for one in report.unpriced])
        prices = "their prices are" if len(report.unpriced) > 1 else "its price is"
        yield f"Not judged, for {prices} unknown: {each}. Give a price, and the verdict may change."
    if report.estimated_cost_share > 0:
        yield (
            f"The cost of {share(report.estimated_cost_share, 0)} of the answers is estimated, as tokens times"
            " price: the file does not give it."
        )


def _beside(report: Report, rival: Rival) -> str:
    said = f"{rival.model} beside {report.best_fixed}: {points(rival.accuracy.value)} points"
    said += f" ({span(rival.accuracy)})"
    if rival.cost_usd is not None:
        than = "more expensive" if rival.cost_usd.value > 0 else "cheaper"
        said += f", {dollars(abs(rival.cost_usd.value) * 1000)} {than} per 1,000 prompts"
    if rival.utility_usd is not None:
        worth = per_thousand(rival.utility_usd)
        said += f"; at {_worth(report)} for a good answer that makes {worth} of value per 1,000"
    return said + "."


def _break_even(report: Report, rival: Rival) -> str:
    dearer = rival.cost_usd is not None and rival.cost_usd.value > 0
    name = rival.model if dearer else report.best_fixed
    assert rival.break_even_usd is not None
    low = "nothing" if rival.break_even_low_usd is None else dollars(rival.break_even_low_usd)
    high = "never" if rival.break_even_high_usd is None else dollars(rival.break_even_high_usd)
    return (
        f"{name} pays once a good answer is worth more than {dollars(rival.break_even_usd)}"
        f" (95 %: {low} to {high})."
    )


def _unproven(report: Report, best: Row, advantage: Estimate) -> str:
    if max(best.shares) == 1.0:
        which = best.label if best.kind == "rule" else f"the best cut of {_lower(best.label)}"
        return f"No router here does better: {which} sends everything to one model."
    if best in _proven(report):
        return (
            f"No router is worth the trouble: the best, {_lower(best.label)}, makes {per_thousand(advantage)} of"
            f" value per 1,000 prompts above {report.best_fixed}, less than one good answer in 1,000 and than"
            f" {share(LEAST_SAVED, 0)} of what that costs."
        )
    return (
        f"No router here is proven to beat it; the best, {_lower(best.label)}, makes {per_thousand(advantage)} of"
        f" value per 1,000 prompts above {report.best_fixed}."
    )


def _learning(report: Report) -> Iterable[str]:
    """What each learner brought, learning included, where that is known in dollars."""
    for row in report.rows:
        if row.kind == "learner" and row.advantage_usd is not None:
            more = row.advantage_usd.value >= 0
            yield (
                f"{row.label}, brought {dollars(1000 * abs(row.advantage_usd.value))} {'more' if more else 'less'}"
                f" of value per 1,000 prompts than {report.best_fixed} for everything"
                f" ({dollars(1000 * row.advantage_usd.low)} to {dollars(1000 * row.advantage_usd.high)};"
                " a simulation)."
            )


def _beside_mix(row: Row) -> str:
    assert row.gain is not None
    if row.gain.low > 0:
        word = "better than"
    elif row.gain.high < 0:
        word = "worse than"
    else:
        word = "not distinguishable from"
    return f"{row.label}: {word} a random mix of equal cost, {points(row.gain.value)} points ({span(row.gain)})."


def _orders(report: Report) -> Iterable[str]:
    """Whether scores order prompts better than chance, and than prompt length."""
    for row in report.rows:
        if row.apgr is None or row.kind == "mix":
            continue
        found = f"APGR {_three(row.apgr)}, chance is 0.500"
        better = "better than chance" if row.apgr.low > 0.5 else "not shown to be better than chance"
        if row.apgr.high < 0.5:
            better = "worse than chance"
        said = f"{row.label} orders prompts: {better} ({found})"
        over = row.apgr_over_length
        if over is not None:
            word = "ahead of" if over.low > 0 else "behind" if over.high < 0 else "not distinguishable from"
            said += f"; {word} prompt length ({over.value:+.3f}, {over.low:+.3f} to {over.high:+.3f})"
        yield said + "."


def _more(prompts: int, difference: Estimate | None) -> int | None:
    """About how many more prompts would take 0 out of the interval, if the difference is what it seems."""
    if difference is None or difference.value == 0:
        return None
    half = difference.high - difference.value if difference.value < 0 else difference.value - difference.low
    more = prompts * ((half / difference.value) ** 2 - 1.0)
    return None if more > _HOPELESS else max(1, round(more))


def _ratio(report: Report, rival: Rival) -> float:
    dear, cheap = report.row(rival.model).cost_usd, report.row(report.best_fixed).cost_usd
    return dear.value / cheap.value if dear and cheap and cheap.value > 0 else float("inf")


def _worth(report: Report) -> str:
    return dollars(report.objective.success_value_usd)


def _lower(label: str) -> str:
    return label[:1].lower() + label[1:]


def _points(report: Report, found: Estimate, sign: int = 1) -> str:
    """A difference that is known to have this sign, without it; with all that it rests on."""
    low, high = sorted((sign * found.low, sign * found.high))
    span = f"{100 * low:.1f} to {100 * high:.1f}"
    return f"{100 * sign * found.value:.1f} points (95 %: {span}; {report.prompts:,} prompts)"


def _three(found: Estimate) -> str:
    return f"{found.value:.3f} ({found.low:.3f} to {found.high:.3f})"

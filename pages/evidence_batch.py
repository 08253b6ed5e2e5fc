"""Ask every model many prompts: a file, what it would cost, the run, and the verdict on what came."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import BoundedSemaphore

import streamlit as st

from pages.address import Address
from pages.formatting import dollars, escaped
from pages.popovers import popover
from pages.resources import Resources, pasted_keys
from router_core.background import Started
from router_core.collecting.batch import Batch, forget, open_batches
from router_core.collecting.beginning import dollars_said, prepare
from router_core.collecting.estimate import Estimate, estimate
from router_core.collecting.prompts import columns_said
from router_core.collecting.run import BatchRun, Result
from router_core.collecting.scored import write_scored
from router_core.collecting.standing import Standing, State, standing
from router_core.errors import RouterError
from router_core.evaluation.by_file.ways import LEARNED, offered
from router_core.evaluation.by_file.work import Wanted, judge, keep
from router_core.evaluation.files.rates import Rates
from router_core.evaluation.files.reading import read_labelled
from router_core.evaluation.progress import Watch
from router_core.evaluation.running import Job
from router_core.outcomes.checks import KINDS
from router_core.routing.deciding import new_id
from router_core.settings import Settings
from router_core.store.base import Store
from router_core.words import listing, many, share, wait

_LOOK_S = 0.7
_MOST_MB = 1000
_ERRORS = 3
_ENDED = {
    "done": "All were asked.",
    "paused": "Paused.",
    "limit": "Stopped: the next call could exceed the limit.",
    "given up": "Stopped: a model cannot be asked.",
}


def show_batches(shared: Resources, address: Address) -> None:
    """Batches that are open, then a form for another."""
    address.write()
    store, settings = shared.playground.store, shared.playground.settings
    if store.read_only:
        st.info("The store can only be read, so nothing can be asked.", icon=":material/lock:")
        return
    for batch in open_batches(store):
        with st.container(border=True, key=f"batch-{batch.id}"):
            _show(shared, settings, batch)
    _form(store, settings, st.session_state["goal"])


def _show(shared: Resources, settings: Settings, batch: Batch) -> None:
    """One batch: what it is, how far it is, and what can be done."""
    st.markdown(
        f"**{escaped(batch.file)}**: "
        + escaped(f"{many(batch.prompts, 'prompt')} to {listing(batch.arms)}")
        + (f", checked by `{batch.check}`" if batch.check else ", without a check")
        + escaped("; no limit" if batch.limit_usd is None else f"; at most {dollars(batch.limit_usd)}")
    )
    job = _going().get(batch.id)
    if job is not None and not job.ended:
        st.fragment(_progress, run_every=_LOOK_S)(job, batch)
        return
    status = None if job is None else job.status
    if status is not None and status.error:
        st.error(escaped(status.error), icon=":material/error:")
    result: Result | None = (
        job.result if job is not None and status is not None and status.state == "done" else None
    )
    store = shared.playground.store
    now = _standing(store, batch, batch.id, store.revision)
    if not (now.answered or now.failed or now.cut_off):
        _plan(shared, settings, batch)
        return
    st.progress(1.0 - now.left / batch.calls, escaped(_words(now)))
    if result is not None:
        st.caption(escaped(_ENDED[result.ended]))
        for arm, why in result.given_up.items():
            st.warning(escaped(f"{arm} was not asked any more: {why}"), icon=":material/warning:")
    _shares(now)
    for error, count in sorted(now.errors.items(), key=lambda one: -one[1])[:_ERRORS]:
        st.caption(escaped(f"{count:,} x {error}"))
    _buttons(shared, settings, batch, now)


def _plan(shared: Resources, settings: Settings, batch: Batch) -> None:
    """What it would cost, before anything is asked."""
    for note in batch.notes:
        st.caption(escaped(f"{note[:1].upper()}{note[1:]}."))
    found = _estimate(settings, shared.playground.store, batch, batch.id, settings.version)
    usd = "at a price that is unknown" if found.usd is None else f"about {dollars(found.usd)}"
    most = "" if found.most_usd is None else f", at most {dollars(found.most_usd)}"
    st.markdown(escaped(f"{many(found.calls, 'call')}, {usd}{most}, {wait(found.seconds)}."))
    with st.container(horizontal=True):
        if st.button("Begin", key=f"begin-{batch.id}", type="primary", icon=":material/play_arrow:"):
            _start(shared, settings, batch)
        _discard(shared, batch, "Discard", "Nothing was asked; the copy of the prompts is deleted.")


def _buttons(shared: Resources, settings: Settings, batch: Batch, now: Standing) -> None:
    with st.container(horizontal=True):
        if now.left and st.button("Go on", key=f"go-{batch.id}", type="primary", icon=":material/play_arrow:"):
            _start(shared, settings, batch)
        if now.failed and st.button(f"Ask the {now.failed:,} failed again", key=f"failed-{batch.id}"):
            _start(shared, settings, batch, ("failed",))
        if now.cut_off and st.button(
            f"Ask {now.cut_off:,} again",
            key=f"cut-{batch.id}",
            help="They were cut off: the provider may have answered, and charged for, them.",
        ):
            _start(shared, settings, batch, ("cut off",))
        if any(one.checked for one in now.arms.values()) and st.button(
            "Verdict", key=f"judge-{batch.id}", icon=":material/balance:",
            type="secondary" if now.left else "primary", help="Judges the routers on what was checked.",
        ):  # fmt: skip
            query = {"tab": "My data", "evaluation": _judge(shared, settings, batch)}
            st.switch_page("verdict.py", query_params=query)
        if now.answered:
            st.download_button(
                "Scored answers",
                lambda: _scored(settings, shared.playground.store, batch),
                f"{Path(batch.file).stem}.scored.csv",
                "text/csv",
                key=f"scored-{batch.id}",
                icon=":material/download:",
                on_click="ignore",
            )
        _discard(shared, batch, "Close", "What was answered stays in the log; the copy of the prompts is deleted.")


def _discard(shared: Resources, batch: Batch, label: str, what: str) -> None:
    with popover(label, type="tertiary", key=f"drop-{batch.id}", icon=":material/delete:"):
        st.caption(what)
        if st.button(f"{label} it", key=f"do-drop-{batch.id}", type="primary"):
            forget(shared.playground.store, batch.id)
            st.rerun()


def _progress(job: Job, batch: Batch) -> None:
    """How far it is; a pause."""
    status = job.status
    if status.ended:
        st.rerun()
    run = _runs()[batch.id]
    left = "" if status.seconds_left is None else f", {wait(status.seconds_left)} left"
    st.progress(status.fraction, escaped(f"{_words(run.standing)}{left}"))
    if st.button("Pause", key=f"pause-{batch.id}", icon=":material/pause:", disabled=job.cancelling):
        job.cancel()
        st.rerun(scope="fragment")
    if job.cancelling:
        st.caption("Pausing: waiting for the answers that are under way ...")


def _shares(now: Standing) -> None:
    said = [
        f"{arm}: {share(one.right / one.checked)} of {many(one.checked, 'answer')} right"
        for arm, one in now.arms.items()
        if one.checked
    ]
    if said:
        st.markdown(escaped("; ".join(said)))
    elif now.answered:
        st.caption("No check judged them: rate them on Rate, or let a model judge (router-core judge).")


def _words(now: Standing) -> str:
    parts = [f"{now.answered:,} of {many(now.batch.calls, 'call')} answered"]
    parts += [f"{now.failed:,} failed"] if now.failed else []
    parts += [f"{now.cut_off:,} cut off"] if now.cut_off else []
    unknown = f" and {many(now.unknown, 'call')} of unknown cost" if now.unknown else ""
    return ", ".join([*parts, f"{dollars(now.spent_usd)}{unknown} spent"])


def _start(shared: Resources, settings: Settings, batch: Batch, again: Sequence[State] = ()) -> None:
    """Run it in a thread of this process, which every visit sees."""
    store = shared.playground.store
    run = BatchRun(
        settings,
        store,
        batch,
        simulated=store.kind == "simulated",
        keys=pasted_keys().of(settings),
        again=again,
    )
    _runs()[batch.id] = run
    _going().start(batch.id, lambda: Job(run.run, turns=BoundedSemaphore()), again=lambda job: job.ended)
    st.rerun()


def _judge(shared: Resources, settings: Settings, batch: Batch) -> str:
    """Judge the routers on what was scored; the id of the result."""
    store, id_ = shared.playground.store, new_id()

    def work(watch: Watch) -> str:
        with TemporaryDirectory() as folder:
            place = Path(folder) / f"{Path(batch.file).stem}.scored.jsonl"
            write_scored(settings, store, batch, place)
            notes: list[str] = []
            data = read_labelled(place, rates=Rates.of(settings, batch.goal), tell=notes.append)
        routers = tuple(name for name in offered(data) if name != LEARNED)
        judged = judge(data, Wanted(routers, goal=batch.goal), settings, notes=notes, watch=watch)
        keep(store, id_, judged)
        return id_

    shared.jobs.start(id_, work)
    return id_


def _scored(settings: Settings, store: Store, batch: Batch) -> bytes:
    with TemporaryDirectory() as folder:
        place = Path(folder) / "scored.csv"
        write_scored(settings, store, batch, place)
        return place.read_bytes()


def _form(store: Store, settings: Settings, goal: str) -> None:
    """A file, and what is asked."""
    with st.form("new-batch", border=True, clear_on_submit=False, enter_to_submit=False):
        st.markdown(
            "**Ask every model many prompts.** Their answers are checked, paired and judged; what it costs is said"
            " before anything is asked."
        )
        upload = st.file_uploader(
            "Prompts: CSV, JSON, JSON lines or Parquet with a prompt in each row, or .txt with one per line",
            key="batch-file",
            max_upload_size=_MOST_MB,
        )
        left, right = st.columns(2, gap="medium")
        arms = [arm.id for arm in settings.goal(goal).arms]
        with left:
            models = st.multiselect("Models", arms, default=arms, key=f"batch-models-{goal}")
            sample = st.number_input(
                "Prompts, at random", min_value=1, value=None, step=50, key="batch-sample", placeholder="all"
            )
            limit = st.text_input(
                "Limit in dollars", "1.00", key="batch-limit", help="Never exceeded. Empty: none."
            )
        with right:
            kind = st.selectbox(
                "An answer is right where", [None, *KINDS], key="batch-check", format_func=_check_words
            )
            more = st.text_input(
                "Tolerance or pattern", key="batch-more", help="For number and regex, such as 0.01."
            )
            tokens = st.number_input("Output tokens of an answer, at most", 1, 1_000_000, 1024, key="batch-tokens")
        said = st.text_input(
            "Columns",
            key="batch-columns",
            placeholder="prompt=Question, reference=Answer",
            help="Where their names do not say it: prompt, messages, task, reference, system.",
        )
        unpriced = st.checkbox("Also ask models whose price is unknown", key="batch-unpriced")
        if not st.form_submit_button("What would it cost?", type="primary", key="batch-estimate"):
            return
    if upload is None:
        st.error("Choose a file of prompts first.", icon=":material/error:")
        return
    try:
        with st.spinner("Reading the prompts ..."):
            prepare(
                settings,
                store,
                upload.getvalue(),
                name=upload.name,
                goal=goal,
                models=tuple(models),
                said=columns_said([one for one in said.split(",") if one.strip()]),
                sample=None if sample is None else int(sample),
                check="" if kind is None else f"{kind}:{more.strip()}" if more.strip() else kind,
                limit_usd=dollars_said(limit),
                max_tokens=int(tokens),
                unpriced=unpriced,
            )
    except RouterError as error:
        st.error(escaped(str(error)), icon=":material/error:")
        return
    st.rerun()


def _check_words(kind: str | None) -> str:
    return "nothing is checked" if kind is None else f"{kind}: {KINDS[kind].partition(';')[0]}"


@st.cache_resource(show_spinner=False)
def _going() -> Started[Job]:
    """The batches that run in this process, by id."""
    return Started(16)


@st.cache_resource(show_spinner=False)
def _runs() -> dict[str, BatchRun]:
    """What runs in them."""
    return {}


@st.cache_data(max_entries=20, show_spinner=False)
def _standing(_store: Store, _batch: Batch, id_: str, revision: int) -> Standing:
    return standing(_store, _batch)


@st.cache_data(max_entries=20, show_spinner="Reading the prompts ...")
def _estimate(_settings: Settings, _store: Store, _batch: Batch, id_: str, version: str) -> Estimate:
    return estimate(_settings, _store, _batch)

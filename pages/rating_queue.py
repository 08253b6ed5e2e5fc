"""The queue of the page Rate: the answers whose rating moves the verdict most, one screen each, blind, by key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from random import SystemRandom
from string import ascii_uppercase
from threading import RLock
from typing import Any

import streamlit as st

from pages.answers import readable
from pages.evidence_jobs import ready
from pages.formatting import escaped, shortened
from pages.front_evidence import OwnPairs, reading_pairs
from pages.ratings import hear_keys
from pages.resources import Resources
from router_core.errors import RouterError
from router_core.evaluation.paired import PairedTest
from router_core.evaluation.running import Job, Work
from router_core.features import context, message_text
from router_core.routing.candidates import USUAL
from router_core.store.base import Comparison
from router_core.types import Completion
from router_core.views.rating_queue import Known, ToRate, moved_by_arm, to_rate
from router_core.words import about

_BATCH = 20  # after so many the order is another
_AHEAD = 10  # after so many the next order is begun
_PATIENCE_S = 0.6  # what is ready sooner needs no bar
_PAIR = {"{0} better": (1.0, 0.0), "{1} better": (0.0, 1.0), "Both good": (1.0, 1.0), "Both bad": (0.0, 0.0)}
_ALONE = {"Good": (1.0,), "Bad": (0.0,)}
_LONG = 400  # characters of a prompt beyond which it is folded


@dataclass(eq=False)
class _Queue:
    """A visit's queue. Callbacks act on it and on the store alone: a further click would end them wherever they
    looked at the session's state. It may begin a run of its own beside them, so they take turns.

    ``screens``: what is to be rated, the next first; ``past``: what was done, as (screen, rewards; None: skipped);
    ``revision`` and ``since``: the store's and the length of ``past`` when this order was asked for, ``batch`` how
    often one was; ``job``: the work on the next order, begun at ``asked``.
    """  # fmt: skip

    seed: int
    screens: list[ToRate] = field(default_factory=list)
    own: OwnPairs = field(default_factory=lambda: OwnPairs((), ()))
    past: list[tuple[ToRate, tuple[float, ...] | None]] = field(default_factory=list)
    done: dict[ToRate, tuple[float, ...]] = field(default_factory=dict)
    batch: int = 0
    since: int = 0
    revision: int = -1
    job: Job | None = None
    asked: tuple[int, int] = (0, 0)
    problem: str = ""
    lock: RLock = field(default_factory=RLock)

    def judge(self, shared: Resources, screen: ToRate, rewards: tuple[float, ...]) -> None:
        """Store a verdict. A second click on the same screen corrects the first, or says it again."""
        with self.lock:
            if self.done.get(screen) == rewards:
                return
            try:
                for answer, reward in zip(screen.answers, rewards, strict=True):
                    shared.playground.rate(answer, reward, blinded=True)
            except RouterError as error:
                self.problem = str(error)
                return
            if screen not in self.done:
                self._leave(screen, rewards)
            self.done[screen] = rewards

    def skip(self, screen: ToRate) -> None:
        """Show it no more in this visit."""
        with self.lock:
            if self.screens and self.screens[0] is screen:
                self._leave(screen, None)

    def undo(self, shared: Resources, depth: int) -> None:
        """Take the last verdict back, or return to what was skipped. ``depth``: how much was done when it was
        asked for: a click that is heard twice takes back one.
        """  # fmt: skip
        with self.lock:
            if len(self.past) != depth:
                return
            screen, rewards = self.past[-1]
            try:
                for answer in screen.answers if rewards is not None else ():
                    shared.playground.rate(answer, None, blinded=True)
            except RouterError as error:
                self.problem = str(error)
                return
            self.past.pop()
            self.done.pop(screen, None)
            self.screens = [screen, *self.screens]

    def again(self) -> None:
        """Show what was skipped."""
        self.past = [one for one in self.past if one[1] is not None]
        self.revision = -1

    def judged(self, arm: str) -> int:
        """How many pairs of this cheaper model were completed since the order was worked out."""
        return sum(one.completes == arm for one, rewards in self.past[self.since :] if rewards is not None)

    @property
    def skipped(self) -> set[str]:
        """Prompts that were skipped."""
        return {one.prompt_id for one, rewards in self.past if rewards is None}

    def _leave(self, screen: ToRate, rewards: tuple[float, ...] | None) -> None:
        self.past.append((screen, rewards))
        self.screens = [one for one in self.screens if one is not screen]


@dataclass(frozen=True)
class Queued:
    """What the queue shows in this run.

    ``comparison``: the prompt on screen with its answers; None where there is none.
    """

    queue: _Queue
    screen: ToRate | None = None
    comparison: Comparison | None = None

    @property
    def hides(self) -> str:
        """The id of the prompt whose models nobody may be told; "": of none."""
        return self.screen.prompt_id if self.screen is not None else ""


def next_screen(shared: Resources, goal: str) -> Queued:
    """What is to be rated now. What comes after it is worked out beside, so that nobody waits for it."""
    queues: dict[tuple[str, str], _Queue] = st.session_state.setdefault("queues", {})
    of = (shared.playground.store.location, goal)
    queue = queues.setdefault(of, _Queue(SystemRandom().getrandbits(63)))
    if queue.screens and len(queue.past) >= queue.since + _AHEAD:
        _begin(shared, goal, queue)
    for _ in range(2):  # of an order that was worked out ahead, all may be rated by now
        while queue.screens:
            found = _unrated(shared, queue.screens[0])
            if found is not None:
                return Queued(queue, queue.screens[0], found)
            queue.screens = queue.screens[1:]
        if queue.revision == shared.playground.store.revision or not _planned(shared, goal, queue):
            break
    return Queued(queue)


def _begin(shared: Resources, goal: str, queue: _Queue) -> Job:
    """The work that is under way, or begun now."""
    if queue.job is None:
        queue.asked = (shared.playground.store.revision, len(queue.past))
        queue.job = Job(_order(shared, goal, queue.seed))
    return queue.job


def _order(shared: Resources, goal: str, seed: int) -> Work:
    """The work of finding what moves the verdict most."""
    playground = shared.playground
    settings = playground.settings.goal(goal)
    read = reading_pairs(shared, goal) if len(settings.arms) > 1 else lambda watch: OwnPairs((), ())

    def work(watch: Any) -> tuple[OwnPairs, list[ToRate]]:
        own: OwnPairs = read(watch)
        candidates = playground.candidates(context([{"role": "user", "content": USUAL}], goal))
        more = {arm.id: _more(test) for arm, test in zip(settings.arms, own.tests, strict=False)}
        known = Known(playground.store, goal, settings, more, moved_by_arm(settings, candidates), seed)
        return own, to_rate(known)

    return work


def _planned(shared: Resources, goal: str, queue: _Queue) -> bool:
    """Whether it is known what comes next; if so, it stands in the queue."""
    job = _begin(shared, goal, queue)
    job.wait(_PATIENCE_S)
    if job.status.state != "done":
        return False
    queue.own, found = job.result
    skipped = queue.skipped
    queue.screens = [one for one in found if one.prompt_id not in skipped][:_BATCH]
    (queue.revision, queue.since), queue.job = queue.asked, None
    queue.batch += 1
    return True


def _more(test: PairedTest) -> int | None:
    return min((one for one in (test.more_pairs, test.more_pairs_worse) if one is not None), default=None)


def _unrated(shared: Resources, screen: ToRate) -> Comparison | None:
    """The prompt with its answers; None where it was rated or deleted meanwhile, or its texts were."""
    found = shared.playground.store.comparison(screen.prompt_id)
    if found is None or found.prompt.messages is None:
        return None
    rated = {one.completion_id for one in found.outcomes if one.source == "thumb"}
    texts = {one.id for one in found.completions if one.text is not None}
    return found if not rated & set(screen.answers) and set(screen.answers) <= texts else None


def show_queue(shared: Resources, goal: str, queued: Queued, waits: bool) -> None:
    """The counter, one prompt with its answers, and the verdicts.

    ``waits``: rows of the table are selected, which have verdicts of their own.
    """
    queue, screen, comparison = queued.queue, queued.screen, queued.comparison
    with st.container(border=True, key="queue"):
        if screen is None and queue.job is not None:
            st.header("Rate answers", anchor=False)
            if ready(queue.job, "queue-order"):
                st.rerun()
            return
        if queue.problem:
            st.error(escaped(queue.problem), icon=":material/error:")
            queue.problem = ""
        if screen is None or comparison is None:
            _nothing(shared, queue)
            return
        answers = [next(one for one in comparison.completions if one.id == id_) for id_ in screen.answers]
        several = len(answers) > 1
        st.header("Which answer is better?" if several else "Is this answer good?", anchor=False)
        _counter(shared, goal, queue, screen)
        _prompt(comparison)
        _answers(answers)
        _verdicts(shared, queue, screen, waits)
    hear_keys()


def _counter(shared: Resources, goal: str, queue: _Queue, screen: ToRate) -> None:
    """How far it is to a verdict: on the pair on screen, else on the one that is furthest from it."""
    arms = [arm.id for arm in shared.playground.settings.goal(goal).arms]
    tests = dict(zip(arms, queue.own.tests, strict=False))
    open_ = {arm: more for arm, test in tests.items() if (more := _more(test)) is not None}
    arm = screen.completes if screen.completes in open_ else max(open_, key=lambda one: open_[one], default="")
    rated = sum(rewards is not None for _, rewards in queue.past)
    if not arm:
        settled = tests and all(test.conclusion != "unknown" for test in tests.values())
        said = (
            "The verdict is settled; more ratings still teach the routers."
            if settled
            else "Pairs will hardly tell these models apart; every rating still teaches the routers."
        )
        st.caption(f"{said} {rated} rated in this visit.")
        return
    count = tests[arm].pairs + queue.judged(arm)
    total = max(count, tests[arm].pairs + open_[arm])
    st.progress(count / total, f"{count:,} of about {about(total)} pairs to a verdict")


def _prompt(comparison: Comparison) -> None:
    messages = comparison.prompt.messages or ()
    *before, last = messages
    if before:
        with st.expander(f"{len(before)} message{'s' * (len(before) > 1)} before", key="queue-before"):
            for message in before:
                st.caption(escaped(str(message.get("role", ""))))
                st.code(message_text(message), language=None, wrap_lines=True)
    text = message_text(last)
    if len(text) > _LONG:
        with st.expander(f"**Prompt:** {escaped(shortened(text, 160))}", key="queue-long"):
            st.code(text, language=None, wrap_lines=True)
    else:
        st.code(text, language=None, wrap_lines=True)


def _answers(answers: Sequence[Completion]) -> None:
    columns = st.container(key="queue-answers").columns(len(answers), gap="small")
    for place, (column, answer) in enumerate(zip(columns, answers, strict=True)):
        with column.container(border=True, height="stretch", key=f"queue-answer-{place}"):
            if len(answers) > 1:
                st.markdown(f"**Answer {ascii_uppercase[place]}**")
            if answer.text:
                st.markdown(readable(answer.text, True))
            else:
                st.info("The model answered with nothing.")


def _verdicts(shared: Resources, queue: _Queue, screen: ToRate, waits: bool) -> None:
    """Each screen has buttons of its own: a click always speaks of the answers that it was made on."""
    verdicts: Mapping[str, tuple[float, ...]] = _PAIR if len(screen.answers) > 1 else _ALONE
    mark = f"{queue.seed % 10_000}-{queue.batch}-{len(queue.past)}"
    with st.container(horizontal=True, vertical_alignment="center", key="queue-bar"):
        with st.container(horizontal=True, vertical_alignment="center", width="content", key="verdicts-queue"):
            for place, (name, rewards) in enumerate(verdicts.items(), 1):
                st.button(
                    f"{name.format(*ascii_uppercase)} :small[:gray[{place}]]",
                    key=f"queue-verdict-{mark}-{place}",
                    on_click=partial(queue.judge, shared, screen, rewards),
                    disabled=waits,
                )
        st.button(
            "Skip :small[:gray[s]]",
            key=f"queue-skip-{mark}",
            type="tertiary",
            on_click=partial(queue.skip, screen),
        )
        _undo(shared, queue)
        if waits:
            st.caption("Waits while rows below are selected.", width="content")


def _undo(shared: Resources, queue: _Queue) -> None:
    st.button(
        "Undo :small[:gray[u]]",
        key="queue-undo",
        type="tertiary",
        disabled=not queue.past,
        on_click=partial(queue.undo, shared, len(queue.past)),
    )


def _nothing(shared: Resources, queue: _Queue) -> None:
    """Nothing is to be rated: what to do."""
    st.header("Every answer here is rated.", anchor=False)
    if queue.skipped:
        st.caption(f"But for {len(queue.skipped)} that you have skipped.")
    st.markdown("Ask both models a prompt: two rated answers to one prompt bring a verdict nearest.")
    with st.container(horizontal=True, vertical_alignment="center", key="queue-empty"):
        st.page_link(
            "playground.py", label="Ask both models", icon=":material/edit:", query_params={"run_all": "true"}
        )
        if queue.skipped:
            st.button("Show what was skipped", key="queue-again", type="tertiary", on_click=queue.again)
        if queue.past:
            _undo(shared, queue)
    if shared.playground.settings.privacy.keep_texts != "full":
        st.caption("Texts are not kept (Settings, Calls & privacy), so answers can be rated under Try alone.")
    hear_keys()

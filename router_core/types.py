"""The plain values that the parts hand to each other, all frozen.

Does not cover behaviour: nothing here reads a clock, draws a number or touches a file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from functools import cached_property
from typing import Any, Final, Literal

from router_core.registry import THOMPSON, PolicyName

Message = Mapping[str, Any]
Origin = Literal[
    "playground", "library", "gateway", "batch", "simulated", "forced", "fallback", "imported", "continued",
    "background",
]  # fmt: skip

FORCED: Final = "forced"
"""The origin of a decision by a person, or of an answer that everybody was asked for."""

FALLBACK: Final = "fallback"
"""The origin of a decision that replaces a model whose call failed."""

IMPORTED: Final = "imported"
"""The origin of a decision that another tool took and logged."""

CONTINUED: Final = "continued"
"""The origin of a decision that stays with the model that a conversation is with."""

BACKGROUND: Final = "background"
"""The origin of a decision on a request that its program has marked as one: a title, tags. No outcome is taken."""

NOT_DRAWN: Final = (FORCED, FALLBACK, IMPORTED, CONTINUED, BACKGROUND)
"""Origins of decisions that no policy drew: probability 1, and the origin stands in place of the policy."""

Teacher = Literal["thumb", "api", "check", "condition"]
Source = Literal["thumb", "api", "check", "condition", "judge"]
"""Who speaks of an answer. A judge is a model with an error of its own: its word is stored and teaches nothing."""

FOR_PEOPLE: Final = "for people"
"""The chip of a judge's word on an answer that was drawn for people: their word there measures its error."""

ORDER_SWAP: Final = "order swap"
"""The chip of a judge's word that changed when the two answers changed places: it counts as a tie."""

StoreKind = Literal["live", "simulated"]
EvaluationKind = Literal["labelled", "traffic", "paired"]

STOPPED = "stopped"
"""The finish reason of an answer that its reader stopped; its length says nothing about the model."""

NO_REASON: Final = "not given"
"""The finish reason of a complete answer whose provider gave none."""

MICRO = 1_000_000
"""Rewards are summed as whole millionths, so that a sum does not depend on the order of its terms."""


class Outcome(Enum):
    """What became of a request: the word that production code reports.

    ``UNKNOWN`` withdraws what the same source said before.
    """

    SUCCESS = "success"
    FAILURE = "failure"
    UNKNOWN = "unknown"


def was_drawn(origin: str) -> bool:
    """Whether a policy drew the decision, so that its propensity can be used to judge other policies."""
    return origin not in NOT_DRAWN


@dataclass(frozen=True, slots=True)
class Arm:
    """One choice of a router: a model with its own parameters.

    ``id`` names the arm in the log; ``model`` is ``provider/model``; ``params`` go with every call;
    ``weight`` is the share of traffic before any evidence (>= 0, relative to the other arms).
    """

    id: str
    model: str
    params: Mapping[str, Any] = field(default_factory=dict, hash=False)
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Context:
    """What a policy may look at.

    ``text`` is the last user message (rules and classifier judge it; a system prompt is the same for a whole
    application); ``words`` and ``characters`` count it; ``input_tokens`` estimates *all* messages;
    ``output_limit`` is the request's own limit of an answer, in tokens.
    """

    goal: str
    text: str
    task_type: str | None
    words: int
    characters: int
    input_tokens: int
    output_limit: int | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """Outcomes that taught one arm in one goal: how many, and the sum of their rewards in millionths."""

    count: int = 0
    reward_micro: int = 0


ByTask = Mapping[str, Mapping[str, Evidence]]
"""Task type -> arm id -> outcomes that taught it; "" stands for prompts without a task type."""


@dataclass(frozen=True, slots=True)
class Posterior:
    """Beta(alpha, beta) over an arm's share of good answers; ``observations`` outcomes are in it."""

    alpha: float
    beta: float
    observations: int = 0


@dataclass(frozen=True, slots=True)
class Candidate:
    """An arm that may be chosen now; ``expected_cost_usd`` is None where its price is unknown."""

    arm: Arm
    posterior: Posterior
    expected_cost_usd: float | None


NO_VERDICT: Final = "the classifier gave no verdict"
"""The line of a reason whose value says why; it may quote the classifier's answer, and that the prompt."""


@dataclass(frozen=True, slots=True)
class ReasonLine:
    """One line of an explanation. ``met`` tells a rule that fired from one that did not (None: not a rule)."""

    text: str
    value: str = ""
    met: bool | None = None


@dataclass(frozen=True, slots=True)
class Reason:
    """Why: a short sentence, and the lines behind it."""

    summary: str
    lines: tuple[ReasonLine, ...] = ()


@dataclass(frozen=True, slots=True)
class Seen:
    """What the contextual router saw of one prompt, so that an outcome can teach it and the draw can be checked.

    ``features``: the numbers of each arm, arm after arm (contextual/vector.py). ``learned``: which state decided.
    ``verdict``: whether the classifier was asked for this decision, remembered, or not heard.
    ``verdict_worth_usd``: what its verdict was expected to bring before it was asked for; None where that was not
    the question. ``upto``: the number of the last outcome that the state knew. ``outcomes_behind``: how many were
    stored after it when the decision was taken, the first of them ``behind_ms`` milliseconds before.
    """

    arms: tuple[str, ...]
    features: tuple[float, ...]
    learned: str
    verdict: Literal["asked", "remembered", "absent"]
    verdict_worth_usd: float | None
    upto: int = 0
    outcomes_behind: int = 0
    behind_ms: float = 0.0


@dataclass(frozen=True)
class ActionDistribution:
    """A policy's answer: the probability of each candidate, in the candidates' order, summing to 1.

    ``explain`` builds the reason on demand (it costs more than the probabilities). ``cost_usd`` is what deciding
    cost (0 = free, None = unknown), ``latency_ms`` the time spent waiting for a model to decide. ``fallback``
    says, in words, why another policy had to answer in this one's place. ``cached``: no new call was made.
    ``seen``: of the contextual router, what it saw.
    """

    probabilities: tuple[float, ...]
    explain: Callable[[], Reason]
    cost_usd: Decimal | None = Decimal(0)
    latency_ms: float = 0.0
    fallback: str | None = None
    cached: bool = False
    seen: Seen | None = None

    @cached_property
    def reason(self) -> Reason:
        """The explanation, built once."""
        return self.explain()


@dataclass(frozen=True, slots=True)
class Price:
    """What a model costs, in US dollars per million tokens, with what a request costs on top.

    ``cached_input`` and ``cache_write`` are None where such tokens cost as much as other input; the rates of audio
    tokens are None where they are not known. ``request_usd`` is a fee per request. ``applies`` says to which calls
    it applies where that is not all of the model's ("above 200,000 input tokens", "flex").
    """

    input_usd_per_million_tokens: Decimal
    output_usd_per_million_tokens: Decimal
    cached_input_usd_per_million_tokens: Decimal | None = None
    cache_write_usd_per_million_tokens: Decimal | None = None
    input_audio_usd_per_million_tokens: Decimal | None = None
    output_audio_usd_per_million_tokens: Decimal | None = None
    request_usd: Decimal = Decimal(0)
    applies: str = ""

    @classmethod
    def of(cls, stored: Mapping[str, str | None]) -> Price:
        """The price that ``as_stored`` wrote down."""
        rates = {name: text and Decimal(text) for name, text in stored.items() if name != "applies"}
        return cls(**rates, applies=stored.get("applies") or "")  # type: ignore[arg-type]

    def as_stored(self) -> dict[str, str | None]:
        """Exact, as text: the three usual rates, and of the others those that differ from their defaults."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        usual = list(values)[:3]
        default = {one.name: one.default for one in fields(self)}
        return {
            name: None if value is None else str(value)
            for name, value in values.items()
            if name in usual or value != default[name]
        }


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call, and what else its cost depends on. ``estimated``: not all of it is the provider's own
    certain count, or it was answered in a service tier whose price is not certain.

    ``input_tokens`` holds all input: ``cached_tokens`` were read from a cache, ``cache_write_tokens`` written to
    one, ``input_audio_tokens`` sound. ``output_audio_tokens`` and ``output_image_tokens`` (videos too) are part of
    ``output_tokens``, as is thinking. ``service_tier`` is the provider's word (flex, priority), "" where it says
    nothing; ``provider_cost_usd`` what it says that the call cost.
    """  # fmt: skip

    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0
    estimated: bool = False
    cache_write_tokens: int = 0
    input_audio_tokens: int = 0
    output_audio_tokens: int = 0
    output_image_tokens: int = 0
    service_tier: str = ""
    provider_cost_usd: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """What a model answered, or what came of it before the call failed. ``usage`` None: nobody knows."""

    text: str | None
    finish_reason: str | None
    usage: Usage | None


@dataclass(frozen=True, slots=True)
class Prompt:
    """One prompt put to one or several policies; the playground's comparison, the library's request.

    ``messages`` is None where only ``sha256`` (of the canonical JSON of the messages) is kept. ``run_all``: every
    model answered it, whatever the routers chose. ``blind``: model names were hidden until rated. ``params`` are
    the numbers (temperature, token limit ...) sent with every call on top of each arm's own. ``metadata`` is what
    the caller noted beside it (own trace, user ...). ``session`` is the fingerprint of the caller's session, ""
    where there is none.
    """

    id: str
    created_at: datetime
    goal: str
    origin: Origin
    task_type: str | None
    messages: tuple[Message, ...] | None
    sha256: str
    blind: bool = False
    run_all: bool = False
    params: Mapping[str, Any] = field(default_factory=dict, hash=False)
    metadata: Mapping[str, str] = field(default_factory=dict, hash=False)
    session: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """One policy's choice, with all that is needed to replay it and to judge other policies on it.

    ``arms``, ``probabilities`` and ``expected_cost_usd`` are parallel. ``chosen`` was drawn with
    u = hash(seed, id). ``completion_id`` is the answer it led to (several decisions may share one).
    ``decision_cost_usd`` and ``decision_ms`` are what deciding cost (None = unknown price).
    Decisions that were not drawn (``was_drawn``) carry probability 1 and stay out of off-policy estimates.
    ``seen`` is stored with the decision and not read back with it. Where somebody else carries the decision out,
    ``completion_id`` is its own id.
    """

    id: str
    prompt_id: str
    created_at: datetime
    goal: str
    policy: str
    policy_version: str
    context: Context
    arms: tuple[str, ...]
    probabilities: tuple[float, ...]
    chosen: str
    seed: int
    reason: Reason
    expected_cost_usd: tuple[float | None, ...]
    decision_cost_usd: Decimal | None
    decision_ms: float
    origin: Origin
    completion_id: str
    fallback: str | None = None
    cached: bool = False
    settings_version: str = ""
    seen: Seen | None = field(default=None, compare=False)

    @property
    def propensity(self) -> float:
        """The probability with which ``chosen`` was drawn."""
        return self.probabilities[self.arms.index(self.chosen)]


@dataclass(frozen=True, slots=True)
class Completion:
    """One call of one model, answered, failed or cut short.

    ``cost_usd`` None means unknown, never zero. ``price`` is the one used. ``first_token_ms`` is None where
    nothing was streamed, ``total_ms`` where somebody else made the call and did not say. ``error`` is the sentence
    shown when it failed, else None; a failed call may still have a cost. ``retries`` counts the calls that failed
    before this one was answered, ``unpriced_retries`` those of them that the provider may have billed: nobody
    knows what they cost, and ``cost_usd`` does not hold it. ``tool_calls`` are the fingerprints of the calls of
    tools that the answer asks for. ``waited_ms`` for its turn at the provider is no part of the other times.
    """

    id: str
    prompt_id: str
    created_at: datetime
    goal: str
    arm: str
    model: str
    text: str | None
    finish_reason: str | None
    usage: Usage | None
    cost_usd: Decimal | None
    price: Price | None
    first_token_ms: float | None
    total_ms: float | None
    error: str | None = None
    retries: int = 0
    unpriced_retries: int = 0
    tool_calls: tuple[str, ...] = ()
    waited_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class OutcomeRecord:
    """One statement about one completion: append-only; a correction is a new record.

    ``reward`` is in [0, 1], or None: withdrawn or unknown. The current outcome of a completion and source is
    the record stored last. Storing a record twice (same ``id``) changes nothing. ``who`` of the source spoke (a
    judge with its version), "" where that is not said. ``asked`` is, of a judge's word, the probability
    with which people are asked for theirs on the same answer. ``cost_usd`` is what the word cost, None where
    unknown. ``compared`` is the completion beside which this one was judged; None: it was judged alone.
    """

    id: str
    completion_id: str
    source: Source
    reward: float | None
    created_at: datetime
    chips: tuple[str, ...] = ()
    comment: str = ""
    blinded: bool = False
    who: str = ""
    asked: float = 1.0
    cost_usd: Decimal | None = Decimal(0)
    compared: str | None = None


@dataclass(frozen=True, slots=True)
class TeachingRule:
    """Which outcomes teach: of several sources the first in ``precedence`` that has a current reward.

    ``learn_from`` "all": every rated answer. "own": only what the ``learner``, a policy, drew itself, and prompts
    that every model answered (``Prompt.run_all``). ``window_s``: an answer whose first reward (from a source in
    ``precedence``) came more than so many seconds after the first decision for it teaches nothing; None: any.
    """

    precedence: tuple[Teacher, ...] = ("thumb", "api", "check", "condition")
    learn_from: Literal["all", "own"] = "all"
    window_s: float | None = None
    learner: PolicyName = THOMPSON.name

    @property
    def window(self) -> timedelta | None:
        """The window, to the microsecond."""
        return None if self.window_s is None else timedelta(seconds=self.window_s)

    @property
    def window_us(self) -> int | None:
        """The same in whole microseconds, as stored times are."""
        return None if self.window is None else self.window // timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class OutputTokens:
    """Output tokens seen so far from one arm in one goal, for its expected cost."""

    count: int = 0
    total: int = 0

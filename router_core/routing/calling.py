"""One call of one model, stored whatever becomes of it: answered, failed, cut short or stopped.

Which model is called, and what happens after a failure, stands in serving/.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from router_core import finalisers
from router_core.at_once import at_once
from router_core.errors import ProviderError, StoreClosedError
from router_core.models.calls import Answer, Models
from router_core.models.responses import ResponsesAnswer
from router_core.models.tool_calls import answer_with_calls
from router_core.models.usage import only_text
from router_core.models.waiting import DONE
from router_core.money.pricing import is_free
from router_core.outcomes.conditions import Condition, Judged
from router_core.routing.continuing import calls_of, session_fingerprint
from router_core.routing.deciding import Decider
from router_core.routing.passing import PassedCall
from router_core.routing.streams import OpenCall, RoutedStream
from router_core.store.base import Batch, Log
from router_core.types import STOPPED, Arm, Completion, Message, OutcomeRecord, Prompt, Received, Usage

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletion

Begun = TypeVar("Begun")


class Caller:
    """Calls models and stores what came of it.

    Args:
        decider: gives settings, prices, ids and the time.
        store: where completions and automatic outcomes go.
        models: who is called.
        success_when: a condition in place of the goals' own setting.
        patient: whether an answer is given on only once it is stored. Else it is queued before it is given on, and
            stored with the next commit.
    """

    def __init__(
        self,
        decider: Decider,
        store: Log,
        models: Models,
        success_when: str | Callable[[Any], Any] | None = None,
        *,
        patient: bool = True,
    ) -> None:
        self._decider = decider
        self._store = store
        self._models = models
        self._patient = patient
        own = {name: goal.success_when for name, goal in decider.settings.goals.items()}
        rules = {name: success_when if success_when is not None else rule for name, rule in own.items()}
        self._conditions = {name: Condition(rule) for name, rule in rules.items() if rule is not None}

    async def acomplete(
        self,
        prompt: Prompt,
        messages: Sequence[Message],
        arm: Arm,
        completion_id: str,
        params: Mapping[str, Any],
        deadline_s: float | None = None,
    ) -> ChatCompletion:
        """One answer, whole, as the openai client's own object; see ``aanswer``."""
        answer, _ = await self.aanswer(prompt, messages, arm, completion_id, params, deadline_s, parsed=True)
        return answer.response

    async def aanswer(
        self,
        prompt: Prompt,
        messages: Sequence[Message],
        arm: Arm,
        completion_id: str,
        params: Mapping[str, Any],
        deadline_s: float | None = None,
        *,
        parsed: bool = False,
    ) -> tuple[Answer, Completion]:
        """One answer, whole, and what is stored of it. ``params`` come on top of the arm's own; ``deadline_s`` is
        by default the setting.

        Raises:
            ProviderError: the call failed; the failure has been stored.
        """
        asked = self._models.acomplete(
            arm.model, messages, {**arm.params, **params}, deadline_s=deadline_s, parsed=parsed
        )
        started_at, answer = await self._begun(prompt, arm, completion_id, asked)
        completion = Completion(
            id=completion_id,
            prompt_id=prompt.id,
            created_at=started_at,
            goal=prompt.goal,
            arm=arm.id,
            model=arm.model,
            text=self._kept(answer_with_calls(answer.text, answer.message)),
            finish_reason=answer.finish_reason,
            first_token_ms=None,
            total_ms=answer.total_ms,
            waited_ms=answer.waited_ms,
            retries=answer.retries,
            unpriced_retries=self._unpriced(arm, answer.unpriced_retries),
            tool_calls=self._heard(prompt, arm, answer.message),
            **self._money(arm, messages, answer.usage),
        )
        judged = self._judge(completion, answer.text, lambda: answer.response)
        await self._write(Batch(completions=[completion], outcomes=judged))
        return answer, completion

    async def astream(
        self,
        prompt: Prompt,
        messages: Sequence[Message],
        arm: Arm,
        completion_id: str,
        params: Mapping[str, Any],
        deadline_s: float | None = None,
    ) -> OpenCall:
        """One answer, piece by piece; its first piece is there when this returns.

        Raises:
            ProviderError: the call failed before the first piece; the failure has been stored.
        """
        asked = self._models.astream(arm.model, messages, {**arm.params, **params}, deadline_s=deadline_s)
        started_at, answer = await self._begun(prompt, arm, completion_id, asked)

        def heard() -> tuple[str, ...]:
            return self._heard(prompt, arm, answer.message)

        async def finish(error: ProviderError | None, complete: bool) -> Completion:
            completion = Completion(
                id=completion_id,
                prompt_id=prompt.id,
                created_at=started_at,
                goal=prompt.goal,
                arm=arm.id,
                model=arm.model,
                text=self._kept(answer.kept_text),
                finish_reason=answer.finish_reason if complete or error else STOPPED,
                first_token_ms=answer.first_token_ms,
                total_ms=answer.total_ms,
                waited_ms=answer.waited_ms,
                error=self._sentence(error),
                retries=answer.retries,
                unpriced_retries=self._unpriced(arm, answer.unpriced_retries),
                tool_calls=calls_of(answer.message) if error else heard(),
                **self._money(arm, messages, answer.usage),
            )
            if complete:
                self._models.templates.learn(arm.model, messages, {**arm.params, **params}, answer.usage)
            whole = partial(_as_response, completion, answer.message)
            outcomes = self._judge(completion, answer.text, whole) if complete else []
            await self._write(Batch(completions=[completion], outcomes=outcomes))
            return completion

        return OpenCall(self, answer, finish, heard, completion_id, self._models.waiting)

    async def apass(
        self,
        prompt: Prompt,
        messages: Sequence[Message],
        arm: Arm,
        completion_id: str,
        params: Mapping[str, Any],
        deadline_s: float | None = None,
        *,
        path: str,
    ) -> PassedCall:
        """One answer of another API, byte by byte, under an event loop; its headers are there when this returns.

        Args:
            prompt, messages, arm, completion_id, deadline_s: as for ``aanswer``.
            params: the body and the headers of the request, as ``extra_body`` and ``extra_headers``.
            path: of the API, below the provider's address.

        Raises:
            ProviderError: the call failed; the failure has been stored.
        """
        body = {**arm.params, **params["extra_body"]}
        asked = self._models.apass(arm.model, path, body, params.get("extra_headers") or {}, deadline_s)
        started_at, response = await self._begun(prompt, arm, completion_id, asked)

        async def finish(call: PassedCall, error: ProviderError | None, reason: str | None) -> Completion:
            completion = Completion(
                id=completion_id,
                prompt_id=prompt.id,
                created_at=started_at,
                goal=prompt.goal,
                arm=arm.id,
                model=arm.model,
                text=self._kept(call.answer.text),
                finish_reason=reason,
                first_token_ms=call.first_token_ms,
                total_ms=max(0.0, (self._decider.now() - started_at).total_seconds() * 1000.0),
                error=self._sentence(error),
                **self._money(arm, messages, call.answer.usage),
            )
            for session in (prompt.session, session_fingerprint(call.answer.id) if call.answer.id else ""):
                self._decider.conversations.answered(prompt.goal, arm.id, (), prompt.sha256, session)
            whole = error is None and reason != STOPPED
            outcomes = self.judged(completion, call.answer.text) if whole else []
            await self._write(Batch(completions=[completion], outcomes=outcomes))
            return completion

        return PassedCall(response, ResponsesAnswer(messages, body), arm.model, finish)

    def stream(
        self,
        prompt: Prompt,
        messages: Sequence[Message],
        arm: Arm,
        completion_id: str,
        params: Mapping[str, Any],
        deadline_s: float | None = None,
    ) -> RoutedStream:
        """``astream``, where nothing is awaited."""
        return RoutedStream(at_once(self.astream(prompt, messages, arm, completion_id, params, deadline_s)))

    def judged(self, completion: Completion, text: str) -> list[OutcomeRecord]:
        """What the goal's success condition says of an answer that somebody else gave; empty where it has none."""
        whole = partial(_as_response, completion, {"role": "assistant", "content": text})
        return self._judge(completion, text, whole)

    async def aclose(self) -> None:
        """End and store every call whose answer is still being read, as far as the store is still open."""
        for call in finalisers.held():
            if isinstance(call, OpenCall) and call.caller is self:
                with suppress(StoreClosedError):
                    await call.aclose()
                finalisers.release(call)

    def failure(
        self, prompt: Prompt, arm: Arm, completion_id: str, error: ProviderError, started_at: datetime
    ) -> Completion:
        """A call that brought no answer, or one that cannot be read, with what came and the time it took. It cost
        nothing where the provider refused it or the model is free, else what its tokens cost, where it counted
        them, else: unknown.
        """  # fmt: skip
        came = error.received or Received(None, None, None)
        charge = self._decider.prices.charge(arm.model, came.usage) if came.usage else None
        price = charge.price if charge else self._decider.prices.price(arm.model)
        cost = charge.cost_usd if charge else None
        return Completion(
            id=completion_id,
            prompt_id=prompt.id,
            created_at=started_at,
            goal=prompt.goal,
            arm=arm.id,
            model=arm.model,
            text=None if came.text is None else self._kept(came.text),
            finish_reason=came.finish_reason,
            usage=charge.usage if charge else None,
            cost_usd=cost if error.maybe_billed and not is_free(price) else Decimal(0),
            price=price,
            first_token_ms=None,
            total_ms=error.total_ms,
            waited_ms=error.waited_ms,
            error=self._sentence(error),
        )

    async def _begun(
        self, prompt: Prompt, arm: Arm, completion_id: str, asked: Awaitable[Begun]
    ) -> tuple[datetime, Begun]:
        """When the call began, and what it brought; one that fails, or is not waited for, is stored first."""
        started_at = self._decider.now()
        try:
            return started_at, await asked
        except ProviderError as error:
            await self._write(Batch(completions=[self.failure(prompt, arm, completion_id, error, started_at)]))
            raise
        except Exception:
            raise
        except BaseException as ended:  # the provider may charge for it all the same
            given_up = self._given_up(arm, started_at, ended)
            lost = self._write(Batch(completions=[self.failure(prompt, arm, completion_id, given_up, started_at)]))
            if not isinstance(ended, GeneratorExit):  # that of a task which was dropped with its loop
                await lost
            raise

    def _write(self, batch: Batch) -> Awaitable[None]:
        written = self._models.waiting.write(self._store, batch)
        return written if self._patient else DONE

    def _given_up(self, arm: Arm, started_at: datetime, ended: BaseException) -> ProviderError:
        program = isinstance(ended, KeyboardInterrupt | SystemExit)
        why = "the program was interrupted" if program else "the request was cancelled"
        error = ProviderError(f"{arm.model} was not waited for: {why}")
        error.maybe_billed = True
        error.total_ms = max(0.0, (self._decider.now() - started_at).total_seconds() * 1000.0)
        return error

    def _money(self, arm: Arm, messages: Sequence[Message], usage: Usage) -> Mapping[str, Any]:
        """Tokens, price and cost; what images took is unknown where the provider does not say."""
        charge = self._decider.prices.charge(arm.model, usage, self._decider.now(), countable=only_text(messages))
        return {"usage": charge.usage, "price": charge.price, "cost_usd": charge.cost_usd}

    def _unpriced(self, arm: Arm, retries: int) -> int:
        """Failed tries of unknown cost: of a free model there are none."""
        return 0 if is_free(self._decider.prices.price(arm.model)) else retries

    def _kept(self, text: str) -> str | None:
        return text if self._decider.settings.privacy.keep_texts == "full" else None

    def _sentence(self, error: ProviderError | None) -> str | None:
        if error is None:
            return None
        return str(error) if self._decider.settings.privacy.keep_texts == "full" else error.kind

    def _heard(self, prompt: Prompt, arm: Arm, message: Mapping[str, Any]) -> tuple[str, ...]:
        """The calls of tools in an answer; from now on their conversation is with this arm."""
        calls = calls_of(message)
        self._decider.conversations.answered(prompt.goal, arm.id, calls, prompt.sha256, prompt.session)
        return calls

    def _judge(
        self, completion: Completion, text: str, response: Callable[[], ChatCompletion]
    ) -> list[OutcomeRecord]:
        """The automatic outcome, where the goal has a success condition."""
        condition = self._conditions.get(completion.goal)
        if condition is None:
            return []
        judgement = condition.judge(judged_of(completion, text, response()))
        record = OutcomeRecord(
            id=self._decider.new_id(),
            completion_id=completion.id,
            source="condition",
            reward=judgement.reward,
            created_at=self._decider.now(),
            comment=judgement.why,
        )
        return [record]


def judged_of(completion: Completion, text: str, response: ChatCompletion | None) -> Judged:
    """What a success condition sees of an answer; ``response`` None: one is made up from what is known."""
    usage = completion.usage or Usage(0, 0)
    return Judged(
        response=response or _as_response(completion, {"role": "assistant", "content": text}),
        content=text,
        finish_reason=completion.finish_reason,
        latency_ms=completion.total_ms,
        cost_usd=completion.cost_usd,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
    )


def _as_response(completion: Completion, message: Mapping[str, Any]) -> ChatCompletion:
    """What a streamed answer would have looked like in one piece, for conditions; made without validation, as the
    client makes what a provider sends.
    """  # fmt: skip
    from openai.types.chat import ChatCompletion

    usage = completion.usage or Usage(0, 0)
    return ChatCompletion.construct(
        id=completion.id,
        object="chat.completion",
        created=int(completion.created_at.timestamp()),
        model=completion.model.split("/", 1)[-1],
        choices=[{"index": 0, "finish_reason": completion.finish_reason, "message": message, "logprobs": None}],
        usage={
            "prompt_tokens": usage.input_tokens,
            "completion_tokens": usage.output_tokens,
            "total_tokens": usage.input_tokens + usage.output_tokens,
        },
    )

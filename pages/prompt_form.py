"""The form of a prompt: what stands in its fields is what is sent, and no click loses what was typed.

It is no ``st.form``: the fields of one keep in the browser what was typed, whatever is shown in them meanwhile,
and lose it when another page is opened.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import streamlit as st

from pages.examples import EXAMPLES, TASK_TYPES
from pages.foreign import escaped, shortened
from router_core.features import message_text
from router_core.types import Message, Prompt

_TYPED, _PUT, _FILLED, _TURNS = "typed-before", "put-in", "filled-from", "turns-before"
_KEPT = 20  # texts that were replaced
_PARAMS = {"temperature": "temperature", "limit": "max_tokens"}  # field -> parameter

# A field commits what was typed when the focus leaves it: too late where that is the click that opens another
# page, and never where a browser or an extension fills it in by itself. So a pause commits it, too, and
# at once where nobody types.
_COMMITS = """
<script>
if (!window.commitsAfterAPause) {
  window.commitsAfterAPause = true;
  let pause;
  document.addEventListener("input", (event) => {
    const field = event.target;
    if (field.matches(".st-key-prompt textarea, .st-key-system textarea")) {
      clearTimeout(pause);
      const wait = field === document.activeElement ? 250 : 0;
      pause = setTimeout(() => field.dispatchEvent(new FocusEvent("focusout", { bubbles: true })), wait);
    }
  });
}
</script>
"""


def prompt_form(send: Callable[[], None]) -> tuple[list[Message], dict[str, Any]]:
    """The fields; ``send`` is called when the prompt is to be sent.

    Returns:
        The messages, and the options of ``Playground.compare``.
    """
    with st.container(horizontal=True, vertical_alignment="bottom", key="shortcuts"):
        st.pills("Examples", [one.name for one in EXAMPLES], key="example", on_change=_take_example)
        _offer_typed()
    turns: tuple[Message, ...] = st.session_state.get(_TURNS, ())
    if turns:
        _show_turns(turns)
    text = st.text_area(
        "Prompt",
        key="prompt",
        height=104,
        placeholder="Type a prompt, or take one of the examples above. Ctrl+Enter sends.",
        persist_state="session",
    )
    st.html(_COMMITS, unsafe_allow_javascript=True)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium", key="options"):
        task_type = st.selectbox("Task type", TASK_TYPES, key="task_type", width=170, persist_state="session")
        system, params = _more()
        blind = st.toggle(
            "Blind",
            key="blind",
            help="Names, order and cost are hidden until you have rated.",
            persist_state="session",
        )
        run_all = st.toggle(
            "Ask every model",
            key="run_all",
            help="Two answers to one prompt are paired evidence, the strongest there is.",
            bind="query-params",
            persist_state="session",
        )
        st.button("Compare", type="primary", key="send", on_click=send, shortcut="Ctrl+Enter")
    messages: list[Message] = [*turns, {"role": "user", "content": text or ""}]
    if system.strip() and not any(message.get("role") == "system" for message in turns):
        messages.insert(0, {"role": "system", "content": system})
    return messages, {
        "task_type": None if task_type == TASK_TYPES[0] else task_type,
        "params": params,
        "blind": blind,
        "run_all": run_all,
    }


def _show_turns(turns: Sequence[Message]) -> None:
    """What was said before, and a way to begin anew."""
    said = sum(message.get("role") == "user" for message in turns)
    with st.container(horizontal=True, vertical_alignment="center", key="turns"):
        with st.expander(f"Conversation: {said} turn{'s' * (said != 1)} before this prompt", key="turns-said"):
            for message in turns:
                st.caption(escaped(str(message.get("role", ""))))
                st.code(message_text(message), language=None, wrap_lines=True)
        st.button("Start anew", key="start-anew", type="tertiary", icon=":material/close:", on_click=_start_anew)


def _start_anew() -> None:
    st.session_state.pop(_TURNS, None)


def continue_from(messages: Sequence[Message], answer: str) -> None:
    """Let the next prompt follow this answer; the field is emptied for it."""
    _put({"prompt": ""})
    st.session_state[_TURNS] = (*messages, {"role": "assistant", "content": answer})


def _more() -> tuple[str, dict[str, Any]]:
    """The system prompt and the parameters. They are out of sight, so the button says which are set."""
    state = st.session_state
    said = [name for name, key in (("system prompt", "system"), ("temperature", "temperature"), ("limit", "limit"))
            if (state.get(key) not in (None, "") and str(state[key]).strip())]  # fmt: skip
    with st.popover(f"Options: {', '.join(said)}" if said else "Options", key="more"):
        system = st.text_area("System prompt", key="system", height=80, persist_state="session")
        temperature = st.number_input(
            "Temperature",
            0.0,
            2.0,
            value=None,
            step=0.1,
            key="temperature",
            placeholder="the model's own",
            persist_state="session",
        )
        limit = st.number_input(
            "Longest answer, in tokens",
            16,
            32_000,
            value=None,
            step=64,
            key="limit",
            placeholder="no limit",
            persist_state="session",
        )
    given = {"temperature": temperature, "max_tokens": limit}
    return system or "", {name: value for name, value in given.items() if value is not None}


def _take_example() -> None:
    chosen = st.session_state["example"]
    example = next((one for one in EXAMPLES if one.name == chosen), None)
    if example is not None:
        _put({"prompt": example.text, "task_type": example.task_type or TASK_TYPES[0]})
    st.session_state["example"] = None  # a pill is a shortcut, not a state: it can be taken again


def offer_prompt(prompt: Prompt) -> None:
    """A button that puts a stored prompt into the fields, where they can hold it."""
    fields = _fields_of(prompt)
    if fields is not None:
        st.button("Put it into the form", key="use-prompt", icon=":material/edit:", on_click=partial(_put, fields))


def fill_from(prompt: Prompt) -> None:
    """Put a prompt that was opened by its address into the fields, unless something was typed there; once."""
    st.session_state[_FILLED] = prompt.id
    fields = _fields_of(prompt)
    if fields is not None and not _is_typed(_now(fields)):
        _put(fields)


def to_be_filled(prompt_id: str) -> bool:
    """Whether the prompt that the address names has not been looked at yet."""
    return bool(st.session_state.get(_FILLED) != prompt_id)


def is_sent(prompt_id: str) -> None:
    """Note that this prompt came out of the fields, so that they are not filled from it."""
    st.session_state[_FILLED] = prompt_id


def _fields_of(prompt: Prompt) -> dict[str, Any] | None:
    """What to put into the fields; None for a conversation, and where the texts were not kept."""
    messages = list(prompt.messages or ())
    roles = [message.get("role") for message in messages]
    if roles not in (["user"], ["system", "user"]) or not all(isinstance(m.get("content"), str) for m in messages):
        return None
    fields: dict[str, Any] = {
        "prompt": message_text(messages[-1]),
        "system": message_text(messages[0]) if len(messages) == 2 else "",
        "task_type": prompt.task_type if prompt.task_type in TASK_TYPES else TASK_TYPES[0],
    }
    for field, name in _PARAMS.items():
        fields[field] = prompt.params.get(name)
    return fields


def _put(fields: Mapping[str, Any]) -> None:
    """Put something into the fields. What was typed there goes where it can be brought back from."""
    before = _now(fields)
    if _is_typed(before):
        typed = st.session_state.setdefault(_TYPED, [])
        typed.append(before)
        del typed[:-_KEPT]
    st.session_state.update(fields)
    st.session_state[_PUT] = _texts(fields)


def _bring_back() -> None:
    """The last text that was replaced; what was typed since takes the place of the first."""
    typed: list[dict[str, Any]] = st.session_state[_TYPED]
    fields = typed.pop()
    now = _now(fields)
    if _is_typed(now):
        typed.insert(0, now)
    st.session_state.update(fields)
    st.session_state.pop(_PUT, None)


def _offer_typed() -> None:
    typed = st.session_state.get(_TYPED)
    if typed:
        text = typed[-1]["prompt"] or typed[-1].get("system") or ""
        st.button(
            f"Bring back “{escaped(shortened(text, 24))}”",
            key="bring-back-text",
            icon=":material/undo:",
            type="tertiary",
            on_click=_bring_back,
        )


def _now(fields: Mapping[str, Any]) -> dict[str, Any]:
    """What stands in these fields."""
    return {name: st.session_state.get(name) for name in fields}


def _texts(fields: Mapping[str, Any]) -> tuple[str, str]:
    return fields["prompt"] or "", fields.get("system") or ""


def _is_typed(fields: Mapping[str, Any]) -> bool:
    """Whether a person wrote the texts in these fields, not a click."""
    texts = _texts(fields)
    return any(text.strip() for text in texts) and texts != st.session_state.get(_PUT)

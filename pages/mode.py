"""What answers, in plain sight: live or simulated models of the goal, whose keys there are, the other store."""

from __future__ import annotations

from pathlib import PurePath
from typing import Literal

import streamlit as st

from pages.formatting import escaped
from pages.popovers import close, popover
from pages.resources import Resources, choose_mode, mode_of, other_store, pasted_keys, settings_now
from router_core.errors import SettingsError
from router_core.models.keys import KeyState
from router_core.serving.modes import Mode

_NAMES: dict[str, Literal["live", "simulated"]] = {"Live": "live", "Simulated": "simulated"}
_SEEN = "mode-seen"


def show_mode(shared: Resources, goal: str) -> None:
    """The sidebar's part about models and stores."""
    mode = mode_of(goal)
    if mode.why != "asked":
        _choose(goal, mode)
    if mode.simulated:
        st.markdown(":yellow-badge[Simulated models]")
        st.caption(f"{_why_simulated(mode)} Answers are made up and labelled; prices are real.")
    elif mode.missing:
        st.markdown(":red-badge[Live, without a key]")
        st.caption(f"{_no_key(mode)} Paste it below, set it and start again, or use simulated models.")
    else:
        st.markdown(f":green-badge[Live: {escaped(', '.join(one.provider for one in mode.keys))}]")
    if not mode.simulated and mode.classifier is not None and mode.classifier.is_missing:
        st.caption(
            f"The classifier asks {escaped(settings_now().classifier.model)}, and no key is in"
            f" {escaped(mode.classifier.variable or '')}: it falls back to the rules."
        )
    _other_goals(goal)
    if mode.why != "asked":
        _keys(mode)
    location = shared.playground.store.location
    st.caption(f"Stored in {escaped(PurePath(location).name)}", help=escaped(location))
    _other_store(shared, goal, mode)


def show_switch(shared: Resources, goal: str) -> None:
    """On top of the page: that its traffic is not the one that this visit saw before, with the way back."""
    kind = _kind(shared.simulated)
    seen = st.session_state.setdefault(_SEEN, kind)
    if seen == kind:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="store-changed"):
        st.info(
            f"You see {_traffic(shared.simulated)} now. What you saw before is kept: it is"
            f" {_traffic(not shared.simulated)}.",
            icon=":material/swap_horiz:",
            width="stretch",
        )
        if mode_of(goal).why != "asked":
            st.button(
                f"Back to {_traffic(not shared.simulated)}", key="mode-back", on_click=_show, args=(goal, seen)
            )
        st.button("Stay here", key="mode-stay", type="tertiary", on_click=_stay, args=(kind,))


def offer_other_store(shared: Resources, goal: str) -> None:
    """Where something is not found in this store: the way to the other one, if there is one."""
    if mode_of(goal).why != "asked" and other_store(shared.simulated):
        st.button(
            f"Look among {_traffic(not shared.simulated)}",
            key="look-in-other-store",
            on_click=_show,
            args=(goal, _kind(not shared.simulated)),
        )


def _kind(simulated: bool) -> Literal["live", "simulated"]:
    return "simulated" if simulated else "live"


def _traffic(simulated: bool) -> str:
    return f"{_kind(simulated)} traffic"


def _stay(kind: str) -> None:
    st.session_state[_SEEN] = kind


def _show(goal: str, kind: Literal["live", "simulated"]) -> None:
    choose_mode(goal, kind)
    _stay(kind)


def _choose(goal: str, mode: Mode) -> None:
    """The two ways, side by side; what is chosen holds for this goal in this visit."""
    key = f"mode-{goal}"
    st.session_state[key] = "Simulated" if mode.simulated else "Live"

    def take() -> None:
        _show(goal, _NAMES[st.session_state[key]])

    st.segmented_control(
        "Models",
        list(_NAMES),
        key=key,
        required=True,
        on_change=take,
        help="Of this goal, in this visit. Live and simulated traffic are kept in stores of their own.",
    )


def _why_simulated(mode: Mode) -> str:
    if mode.why == "asked":
        return "Asked for with ROUTER\\_SIMULATED=1."
    return _no_key(mode) if mode.missing else "Chosen by you; every key is there."


def _no_key(mode: Mode) -> str:
    return f"No key found in {escaped(', '.join(one.variable or '' for one in mode.missing))}."


def _other_goals(goal: str) -> None:
    """A line per goal, where there are several: which are live, which are simulated, and why."""
    goals = settings_now().goals
    if len(goals) < 2:
        return
    lines = []
    for name in goals:
        mode = mode_of(name)
        lacks = f": no key in {', '.join(one.variable or '' for one in mode.missing)}" if mode.missing else ""
        lines.append(f"{'**' if name == goal else ''}{escaped(name)}{'**' if name == goal else ''}"
                     f" {escaped(_kind(mode.simulated) + lacks)}")  # fmt: skip
    st.caption("  \n".join(lines))


def _keys(mode: Mode) -> None:
    """Where each key comes from, and a place to paste one for this visit."""
    states = {one.provider: one for one in (*mode.keys, *((mode.classifier,) if mode.classifier else ()))}
    with popover("Connect a model" if mode.missing else "Keys", type="tertiary", key="connect"):
        st.markdown(
            "A key that you paste is kept in memory alone, for this session: never stored, logged, exported or"
            " shown. It is gone when you reload or close this page."
        )
        for state in states.values():
            _key(state)
        problem = st.session_state.pop("key-problem", None)
        if problem:
            st.error(escaped(problem), icon=":material/error:")
        st.markdown(
            "To keep one, start the app with it:\n\n```sh\nexport OPENAI_API_KEY=...\nmake run\n```\n\n"
            "A local server (Ollama, LM Studio, vLLM, llama.cpp) or another provider is set up under"
            " *Models & providers*; then give your goal its models."
        )
        st.page_link(
            "settings.py",
            label="Models & providers",
            icon=":material/settings:",
            query_params={"tab": "Models & providers"},
        )


def _key(state: KeyState) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key=f"key-{state.provider}"):
        st.markdown(f"**{escaped(state.provider)}** {escaped(key_words(state))}", width="stretch")
        if state.pasted:
            st.button("Forget it", key=f"forget-{state.provider}", on_click=_forget, args=(state.provider,))
    if state.is_missing:
        field = f"paste-{state.provider}"
        st.text_input(
            f"Key for {escaped(state.provider)}",
            key=field,
            type="password",
            autocomplete="off",
            placeholder="paste it here",
            on_change=_paste,
            args=(state.provider, field),
        )


def key_words(state: KeyState) -> str:
    """Where a provider's key comes from, in a few words."""
    if state.pasted:
        return "pasted for this session"
    if state.variable is None:
        return "needs no key"
    if not state.allowed:
        return f"{state.variable} may not hold a key"
    return f"{state.variable} is {'set' if state.is_set else 'not set'}"


def _paste(provider: str, field: str) -> None:
    """Take the key out of the field, so that it stands nowhere but among the pasted ones."""
    key = st.session_state[field]
    st.session_state[field] = ""
    try:
        pasted_keys().paste(provider, settings_now().providers[provider].base_url, key)
        close()
    except SettingsError as error:
        st.session_state["key-problem"] = str(error)


def _forget(provider: str) -> None:
    pasted_keys().forget(provider)
    close()


def _other_store(shared: Resources, goal: str, mode: Mode) -> None:
    """That there is traffic of the other kind, and the click that shows it."""
    if mode.why == "asked" or not other_store(shared.simulated):
        return
    st.button(
        f"Show {_traffic(not shared.simulated)}",
        key="show-other-store",
        type="tertiary",
        icon=":material/swap_horiz:",
        on_click=_show,
        args=(goal, _kind(not shared.simulated)),
        help="It is kept in a store of its own and not shown here.",
    )

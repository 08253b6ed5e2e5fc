"""Controls that live in the address: links set them, Back and Forward restore them, pages keep them for the visit.

Does not use ``bind="query-params"``. On leaving a page Streamlit takes bound parameters out of the address as a
history entry of its own, so that Back returned to the page without them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from time import monotonic
from typing import Any
from urllib.parse import urlencode

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

_HERE = "address-here"  # the page whose controls stand in the session
_UNDER_WAY_S = 3.0  # so long a browser may still send the address of before
_ANY = "any"
_Said = dict[str, list[str]]


@dataclass
class _Left:
    """How a page was left: the address, and each control as it stands there."""

    address: _Said = field(default_factory=dict)
    values: _Said = field(default_factory=dict)
    before: _Said = field(default_factory=dict)
    written_at: float = 0.0


def arrive(page: str) -> None:
    """Note which page is shown. The controls of another are filled anew when one returns to it."""
    if st.session_state.get(_HERE) != page:
        st.session_state[_HERE] = None


class Address:
    """The controls of one page. Each method prepares one and gives its key; ``write`` comes after them.

    What holds is, in this order: the address, where a link, Back or Forward changed it; what the widget shows; on
    returning to the page by a link that names none of its controls, what was left there; the default.
    """

    def __init__(self, page: str) -> None:
        self._page = page
        self._left: _Left = st.session_state.setdefault(f"address-{page}", _Left())
        self._now: _Said = {name: st.query_params.get_all(name) for name in st.query_params}
        arrived = st.session_state.get(_HERE) != page
        self._followed = bool(self._left.values.keys() & self._now) if arrived else self._is_changed()
        self._returned = arrived and not self._followed
        self._drawn: dict[str, tuple[Any, Callable[[Any], list[str]]]] = {}

    def choice(
        self, key: str, options: Sequence[Any], default: Any, names: Mapping[str, str] | None = None
    ) -> str:
        """One of these options; in the address stands its name."""
        name = {option: str(option) for option in options} | dict(names or {})
        known = {said: option for option in options for said in (str(option), name[option])}
        return self._settle(
            key, default, lambda said: known.get(said[0], default), lambda value: [name.get(value, str(value))]
        )

    def one_of(
        self, label: str, key: str, options: Sequence[str], width: int, names: Mapping[str, str]
    ) -> str | None:
        """A filter by one of these options; None: by none of them."""
        offered = [_ANY, *options]
        key = self.choice(key, offered, _ANY, names)
        found = st.selectbox(label, offered, key=key, width=width, format_func=lambda one: names.get(one, one))
        return None if found in (None, _ANY) else str(found)

    def toggle(self, key: str, default: bool = False) -> str:
        """On or off."""
        return self._settle(key, default, lambda said: said[0].lower() == "true", lambda on: [str(on).lower()])

    def text(self, key: str) -> str:
        """Any text."""
        return self._settle(key, "", lambda said: said[0], lambda text: [text] if text else [])

    def days(self, key: str, default: tuple[date, ...]) -> str:
        """A day, or the first and the last of several."""
        return self._settle(
            key, default, lambda said: _days(said) or default, lambda days: [day.isoformat() for day in days or ()]
        )

    def write(self) -> None:
        """Put what the controls show into the address, so that Back undoes what was moved. May be called again."""
        left, state = self._left, st.session_state
        values = {key: written(state[key]) for key, (_, written) in self._drawn.items() if key in state}
        address = self._now
        if self._returned or (not self._followed and any(left.values.get(key) != values[key] for key in values)):
            ours = {key: said for key, said in values.items() if said != self._drawn[key][1](self._drawn[key][0])}
            known = left.values.keys() | values
            address = {name: said for name, said in address.items() if name not in known} | ours
        elsewhere = self._followed and state.get(_HERE) == self._page
        if address != self._now or elsewhere:  # a link to this very page leaves the browser's address as it was
            if self._returned:
                _replace(address)
            else:
                st.query_params.from_dict(address)
            left.before, left.written_at, self._now = self._now, monotonic(), address
        left.values |= values
        left.address = address
        state[_HERE] = self._page

    def _settle(
        self, key: str, default: Any, read: Callable[[list[str]], Any], written: Callable[[Any], list[str]]
    ) -> str:
        self._drawn[key] = default, written
        if self._followed or self._returned or key not in st.session_state:
            said = (self._left.values.get(key) if self._returned else None) or self._now.get(key)
            st.session_state[key] = read(said) if said else default
        return key

    def _is_changed(self) -> bool:
        """Whether a link, or Back or Forward, has changed the address while this page was shown."""
        left, context = self._left, get_script_run_ctx()
        if self._now == left.address:
            return False
        late = self._now == left.before and monotonic() - left.written_at < _UNDER_WAY_S
        return not late or (context is not None and context.is_history_navigation)


def _replace(address: _Said) -> None:
    """Show the address of what was restored, without a step in the browser's history."""
    query = json.dumps(f"?{urlencode(address, doseq=True)}")
    st.html(f"<script>history.replaceState(history.state, '', {query})</script>", unsafe_allow_javascript=True)


def _days(said: Sequence[str]) -> tuple[date, ...]:
    """The days that are written there; none if one of them is no day."""
    try:
        return tuple(sorted(date.fromisoformat(one) for one in said[:2]))
    except ValueError:
        return ()

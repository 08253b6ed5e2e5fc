"""Every saved state of the settings: who, when, what and why; compared with any other, and brought back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from pages.differences import in_short, show_changes
from pages.endpoints import agreed
from pages.formatting import escaped
from pages.resources import Resources, change_settings
from router_core.exports.diff import changes
from router_core.exports.transfer import first_settings
from router_core.settings import Settings
from router_core.store.base import SettingsVersion

_SHOWN = 20
_PRESENT, _FIRST = "the present", "before the first save"


def show_versions(shared: Resources) -> None:
    """The list, then two of them side by side."""
    versions = shared.playground.store.settings_versions()
    now = shared.playground.settings
    if not versions:
        st.caption("Nothing has been saved yet; the defaults (or the file in ROUTER_SETTINGS) are in force.")
        return
    every = len(versions) <= _SHOWN or st.toggle(f"All {len(versions)}", key="all-versions")
    _list(versions, versions if every else versions[:_SHOWN], now.version)
    named = {_name(one): one.document for one in versions}
    documents = {_PRESENT: now.document(), **named, _FIRST: first_settings().document()}
    _compare(documents, now)


def _name(version: SettingsVersion) -> str:
    note = f", {version.note}" if version.note else ""
    return f"{version.created_at:%Y-%m-%d %H:%M:%S} {version.version[:8]}{note}"


def _list(versions: Sequence[SettingsVersion], shown: Sequence[SettingsVersion], now: str) -> None:
    before = [*(one.document for one in versions[1:]), first_settings().document()]
    st.dataframe(
        {
            "Saved": [one.created_at for one in shown],
            "By": [one.author for one in shown],
            "Version": [one.version[:8] + (" in force" if one.version == now else "") for one in shown],
            "Changed": [in_short(changes(old, one.document)) for old, one in zip(before, shown, strict=False)],
            "Note": [one.note for one in shown],
        },
        hide_index=True,
        key="versions",
        column_config={
            "Saved": st.column_config.DatetimeColumn(format="D MMM YYYY, HH:mm:ss", width=160),
            "By": st.column_config.TextColumn(width=80),
            "Version": st.column_config.TextColumn(width=130),
            "Changed": st.column_config.TextColumn(width=370),
            "Note": st.column_config.TextColumn(width=200),
        },
        alt="Saved versions of the settings, newest first, with what each changed.",
    )


def _compare(documents: Mapping[str, str], now: Settings) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="compare-versions"):
        older = st.selectbox("Compare", list(documents), 0, key="compared-from", width=380)
        newer = st.selectbox("with", list(documents), min(2, len(documents) - 1), key="compared-with", width=380)
    found = changes(documents[older], documents[newer])
    if not found:
        st.caption("They are the same.")
    else:
        show_changes(found, escaped(older.partition(",")[0]), escaped(newer.partition(",")[0]))
    wanted = Settings.from_document(documents[newer])
    if wanted.version == now.version:
        return
    trusted = agreed(wanted, now, "trust-version")
    if st.button(f"Bring {wanted.version[:8]} back", key="bring-back", type="primary", disabled=not trusted):
        change_settings(wanted, f"back to {wanted.version[:8]}")
        st.session_state["saved"] = f"Version {wanted.version[:8]} is in force again."
        st.rerun()

"""Which file of scored answers: an upload or a path, read in the background."""

from __future__ import annotations

import os
from pathlib import Path

import streamlit as st

from pages.evidence_jobs import background, ready
from pages.formatting import escaped
from router_core.evaluation.files.encodings import ENCODINGS
from router_core.evaluation.files.tables import Table, open_table
from router_core.settings.environment import DATA_FOLDER, data_folder, within

_MOST_MB = 1000
_JOB = "evidence-file"


def chosen_table() -> Table | None:
    """The file as a table, once it is chosen and read."""
    held = st.session_state.get(_JOB)
    if held is not None and held[1].status.state == "done":
        table: Table = held[1].result
        with st.container(horizontal=True, vertical_alignment="center", key="file-chosen"):
            st.markdown(
                f"**{escaped(table.name)}** :small[:gray[{table.rows:,} rows, {len(table.columns)} columns]]"
            )
            if st.button("Another file", key="another-file", type="tertiary", icon=":material/close:"):
                del st.session_state[_JOB]
                st.rerun()
        return table
    upload = st.file_uploader(
        "A file of scored answers: CSV, JSON lines or Parquet, packed with gzip or not",
        key="labelled-file",
        max_upload_size=_MOST_MB,
    )
    with st.container(horizontal=True, vertical_alignment="bottom", key="file-options"):
        path = _path_on_the_server()
        encoding = st.selectbox(
            "Encoding",
            ENCODINGS,
            key="labelled-encoding",
            width=130,
            help="Of CSV and JSON; UTF-16 is recognised.",
        )
    if upload is not None:
        job = background(
            _JOB,
            (upload.file_id, encoding),
            lambda watch: open_table(
                upload.getvalue(), name=upload.name, encoding=encoding, progress=watch, cancelled=watch.cancelled
            ),
        )
    elif path is not None:
        job = background(
            _JOB,
            (str(path), encoding),
            lambda watch: open_table(path, encoding=encoding, progress=watch, cancelled=watch.cancelled),
        )
    else:
        st.session_state.pop(_JOB, None)
        _what_is_needed()
        return None
    if ready(job, "file"):
        st.rerun()
    return None


def _path_on_the_server() -> Path | None:
    """The file that was named, where the environment allows a folder; nobody else's files are read."""
    folder = data_folder(os.environ)
    if folder is None:
        return None
    said = st.text_input(
        "or its path on the server",
        key="labelled-path",
        width=420,
        help=f"Inside {escaped(str(folder))}, which {DATA_FOLDER} names.",
    )
    return within(folder, said.strip()) if said.strip() else None


def _what_is_needed() -> None:
    with st.container(border=True, key="what-is-needed"):
        st.header("Here you will see whether routing pays for your prompts, and why.", anchor=False)
        st.markdown(
            "Bring prompts that *every* model answered, with a score from 0 (bad) to 1 (good) for each answer."
            " A few hundred prompts say something, a few thousand say it clearly."
        )
        st.markdown(
            "- **One row per prompt and model**: `prompt_id, task, prompt, model, score, input_tokens,"
            " output_tokens, cost_usd, response`; prompt, model and score are needed.\n"
            "- **One row per prompt**: `prompt`, and a score column per model."
        )
        st.caption(
            "Missing tokens and costs are estimated from the text and the price book, and marked so."
            " Nothing leaves this machine unless you ask the classifier."
        )

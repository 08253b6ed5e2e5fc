from __future__ import annotations
import streamlit as st
from pages.evidence_result import known_result, show_result


def show_data(shared):
    id_ = st.query_params.get("evaluation")
    if id_ and known_result(shared.playground.store, id_):
        show_result(shared.playground.store, id_)

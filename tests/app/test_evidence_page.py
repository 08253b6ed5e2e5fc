"""The evidence page: files good, broken and wide; runs that end, are cancelled and found again; traffic; pairs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.resources import resources
from router_core.demo.traffic import generate
from router_core.evaluation.by_file.kept import Judgement
from router_core.evaluation.progress import Watch
from router_core.evaluation.running import Job
from router_core.settings import ArmSettings, GoalSettings, PrivacySettings
from router_core.store import open_store
from router_core.store.base import Evaluation
from tests.app.panel import QUICK, forget, opened, use
from tests.scored import CHEAP, STRONG, long_csv, wide_csv, with_words

pytestmark = pytest.mark.usefixtures("place")


def texts(at: AppTest) -> str:
    """Every text on the page, without the backslashes that keep Markdown from reading it."""
    kinds = (at.header, at.subheader, at.markdown, at.caption, at.info, at.warning, at.error)
    return "\n".join(str(one.value) for kind in kinds for one in kind).replace("\\", "")


def verdict(at: AppTest) -> str:
    """The sentence on top, read as a person does."""
    return str(at.main.header[0].value).replace("\\", "")


def finished(at: AppTest, name: str) -> AppTest:
    """Wait for this visit's work of that name, then look again."""
    job: Job = at.session_state[name][1]
    assert job.wait(60)
    at.run()
    assert not at.exception, at.exception
    return at


def given(content: bytes, name: str = "scored.csv") -> AppTest:
    """A visit that has uploaded a file, read and checked."""
    at = opened("verdict", tab="My data")
    at.file_uploader(key="labelled-file").set_value((name, content, "text/csv")).run()
    finished(at, "evidence-file")
    return finished(at, "evidence-check") if "evidence-check" in at.session_state else at


def shown(at: AppTest) -> str:
    """The evaluation in the address."""
    found = at.query_params["evaluation"]
    return found if isinstance(found, str) else found[0]


def judged(at: AppTest) -> AppTest:
    """Judge what was given, and wait for it."""
    at.button(key="judge").click().run()
    id_ = shown(at)
    job = resources().jobs.get(id_)
    assert job is not None
    assert job.wait(60)
    at.run()
    assert not at.exception, at.exception
    return at


def test_empty() -> None:
    """What will appear here, and what a file needs."""
    at = opened("verdict", tab="My data")
    assert "whether routing pays for your prompts" in texts(at)
    assert not at.error
    assert [one for one in at.button if one.key == "judge"] == []


def test_a_good_file_gets_its_verdict() -> None:
    """Length tells the prompts apart, so the verdict is to route by it; every part is there, and it is kept."""
    at = judged(given(long_csv()))
    assert verdict(at).startswith("Route by prompt length: it is worth")
    said = texts(at)
    for words in ("pays once a good answer is worth more than", "What money buys", "Every way of choosing",
                  "What learning costs", "Good answers by task", "Prompts where routers went wrong"):  # fmt: skip
        assert words in said, words
    table = at.table[0].value
    assert [name.replace("\\", "") for name in table.iloc[:2, 0]] == [CHEAP, STRONG]
    (kept,) = resources().playground.store.evaluations(5)
    assert (kept.id, kept.kind, kept.name) == (shown(at), "labelled", "scored.csv")


def test_reopened_by_link() -> None:
    """On a fresh server the address shows the same; an unknown one says so."""
    at = judged(given(long_csv()))
    sentence, id_ = at.main.header[0].value, shown(at)
    forget()
    again = opened("verdict", evaluation=id_)
    assert again.main.header[0].value == sentence
    assert "is not in this store" in texts(opened("verdict", evaluation="0190c0de-0000-7000-8000-000000000000"))
    assert "is not in this store" in texts(opened("verdict", evaluation="<b>no id</b>"))


def test_it_is_found_again_after_leaving_the_page() -> None:
    """The visit remembers what it looked at; the address has it again."""
    at = judged(given(long_csv()))
    id_ = shown(at)
    at.switch_page("costs.py").run()
    at.query_params.clear()
    at.switch_page("verdict.py").run()
    assert any(f"evaluation={id_}" in one.proto.body for one in at.get("html"))
    assert at.main.header[0].value.startswith("Route by")


def test_earlier_evaluations_can_be_opened_and_deleted() -> None:
    """From the list; deleting leaves the form and the store without it."""
    at = judged(given(long_csv()))
    id_ = shown(at)
    at.button(key="new-evaluation").click().run()
    assert "evaluation" not in at.query_params
    at.button(key=f"open-{id_}").click().run()
    assert at.main.header[0].value.startswith("Route by")
    at.button(key="do-delete-evaluation").click().run()
    assert resources().playground.store.evaluations(5) == []
    assert "evaluation" not in at.query_params
    assert not at.exception


def test_a_broken_file_says_what_to_do() -> None:
    """Scores out of range and a repeated row block; choosing a remedy for each frees the button."""
    content = long_csv(scores={0: "1.7", 5: "-0.2"}) + long_csv(1).splitlines(keepends=True)[1]
    at = given(content)
    assert [one for one in at.button if one.key == "judge"] == []
    blocked = [one.value.replace("\\", "") for one in at.error]
    assert any("2 scores outside 0 to 1 (from -0.2 to 1.7)." in one for one in blocked)
    assert any("1 row that repeats a prompt and model." in one for one in blocked)
    assert any("1.7" in str(frame.value) for frame in at.dataframe)
    for kind, way in (("out of range", "clip"), ("duplicates", "first")):
        (choice,) = [one for one in at.segmented_control if one.key and one.key.startswith(f"way-{kind}-")]
        choice.set_value(way).run()
        finished(at, "evidence-check")
    assert not at.error
    assert at.button(key="judge").label == "Judge 120 prompts"


def test_numbers_with_a_decimal_comma_are_offered() -> None:
    """They block until the person says to read them so; columns that are not used are named in passing."""
    header, *rows = long_csv(scores={0: "0,75", 5: "0,5"}).splitlines(keepends=True)
    at = given(b"hint," + header + b"".join(b"x," + row for row in rows))
    assert [one for one in at.button if one.key == "judge"] == []
    assert any("a decimal comma" in one.value for one in at.error)
    assert any("'hint' (not needed)" in one.value.replace("\\", "") for one in at.caption)
    (choice,) = [one for one in at.segmented_control if one.key and one.key.startswith("way-notation-")]
    choice.set_value("read").run()
    finished(at, "evidence-check")
    assert not at.error
    assert at.button(key="judge").label == "Judge 120 prompts"


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        (b"", "scored.csv", "is empty"),
        (b"prompt,model,score\n", "scored.csv", "row"),
        ("prompt,model,score\nCafé,a,1\n".encode("latin-1"), "scored.csv", "is not UTF-8"),
        (b"PK\x03\x04 rest of a workbook", "scored.xlsx", "an Excel workbook"),
    ],
)
def test_what_cannot_be_read_is_a_sentence(content: bytes, name: str, words: str) -> None:
    """The uploader stays, for another try."""
    at = opened("verdict", tab="My data")
    at.file_uploader(key="labelled-file").set_value((name, content, "text/csv")).run()
    finished(at, "evidence-file")
    assert words in texts(at)
    assert len(at.error) == 1
    assert at.file_uploader(key="labelled-file") is not None


def test_another_encoding() -> None:
    """Chosen after the sentence, the same file is read."""
    at = opened("verdict", tab="My data")
    content = "prompt,model,score\nCafé,a,1\nCafé,b,0\n".encode("latin-1")
    at.file_uploader(key="labelled-file").set_value(("scored.csv", content, "text/csv")).run()
    finished(at, "evidence-file")
    at.selectbox(key="labelled-encoding").set_value("latin-1").run()
    finished(at, "evidence-file")
    assert "**scored.csv** :small[:gray[2 rows" in texts(at)


def test_a_path_on_the_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read as an upload is, inside the folder that the environment allows; a missing one is a sentence."""
    file = tmp_path / "scored.csv"
    file.write_bytes(long_csv())
    monkeypatch.setenv("ROUTER_DATA_FOLDER", str(tmp_path))
    at = opened("verdict", tab="My data")
    at.text_input(key="labelled-path").set_value(str(tmp_path / "none.csv")).run()
    finished(at, "evidence-file")
    assert "cannot be opened" in at.error[0].value
    at.text_input(key="labelled-path").set_value("scored.csv").run()
    finished(at, "evidence-file")
    assert "240 rows" in texts(at)


@pytest.mark.parametrize("path", ["/etc/passwd", "../secret.csv", "link.csv", "folder/secret.csv", "a\0b"])
def test_no_path_leads_out_of_the_folder(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither an absolute one, nor upwards, nor through a link to a file or a folder."""
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "secret.csv").write_bytes(long_csv())
    (inside / "link.csv").symlink_to(tmp_path / "secret.csv")
    (inside / "folder").symlink_to(tmp_path)
    monkeypatch.setenv("ROUTER_DATA_FOLDER", str(inside))
    at = opened("verdict", tab="My data")
    at.text_input(key="labelled-path").set_value(path).run()
    assert ("leads out of the folder" in at.error[0].value) or ("cannot be followed" in at.error[0].value)
    assert "evidence-file" not in at.session_state


def test_without_a_folder_no_file_of_the_server_is_read() -> None:
    """The field is not there."""
    at = opened("verdict", tab="My data")
    assert not [one for one in at.text_input if one.key == "labelled-path"]


def test_a_wide_file_says_what_it_lacks() -> None:
    """The guess knows one model of two and says so; as the other form it lacks the model's column."""
    at = given(wide_csv())
    assert any("at least two models are compared" in one.value for one in at.error)
    mapping = at.session_state["evidence-mapping"]
    (key,) = mapping
    assert mapping[key].form == "wide"
    assert [one.model for one in mapping[key].models] == [CHEAP]
    at.segmented_control(key=f"form-{key}").set_value("long").run()
    finished(at, "evidence-check")
    assert any("No column is said to hold the model" in one.value for one in at.error)


def test_columns_of_other_names_are_chosen() -> None:
    """Nothing is guessed of these; the form asks for each, and then the file can be judged."""
    content = long_csv().replace(b"prompt,model,score", b"asked,who,points", 1)
    at = given(content)
    assert at.error
    (key,) = at.session_state["evidence-mapping"]
    at.segmented_control(key=f"form-{key}").set_value("long").run()
    for part, column in (("prompt", "asked"), ("model", "who"), ("score", "points")):
        at.selectbox(key=f"column-{part}-{key}").set_value(column).run()
    finished(at, "evidence-check")
    assert not at.error
    assert at.button(key="judge").label == "Judge 120 prompts"


def test_unknown_prices_can_be_given() -> None:
    """Without them there is no talk of money; with them there is."""
    content = long_csv().replace(STRONG.encode() + b",", b"ours-xl,").replace(b",0.005,", b",,")
    at = given(content)
    assert "The price of 'ours-xl' is not known" in texts(at)
    at.number_input(key="price-input-ours-xl").set_value(2.5).run()
    at.number_input(key="price-output-ours-xl").set_value(10.0).run()
    finished(at, "evidence-check")
    assert "is not known" not in texts(at)
    assert at.number_input(key="price-output-ours-xl").value == 10.0


def test_the_contextual_router_is_taught() -> None:
    """A click puts a gain score in force where it is worth anything, and says what."""
    at = given(long_csv(300))
    at.button(key="teach-it").click().run()
    finished(at, "evidence-teaching")
    assert any("Not put in force: learned from 300 prompts" in one.value for one in at.info)
    assert resources().playground.store.gain_version("default") is None
    at = given(with_words(300))
    at.button(key="teach-it").click().run()
    finished(at, "evidence-teaching")
    assert "In force: learned from 300 prompts" in at.success[0].value
    assert resources().playground.store.gain_version("default") is not None
    assert "APGR" in texts(at)


def test_models_that_the_goal_does_not_have_cannot_teach(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The names on both sides are said."""
    arms = (ArmSettings(model="openai/gpt-4.1"), ArmSettings(model="openai/gpt-4o"))
    use(tmp_path, monkeypatch, QUICK.model_copy(update={"goals": {"default": GoalSettings(arms=arms)}}))
    at = given(long_csv())
    assert "teach-it" not in [one.key for one in at.button]
    assert "The file has 1 of the models of default." in texts(at)
    assert "In the file: gpt-4o-mini, gpt-4o. In default: openai/gpt-4.1, openai/gpt-4o." in texts(at)


def test_a_quality_floor() -> None:
    """Instead of a worth: the verdict speaks of the floor."""
    at = given(long_csv())
    at.segmented_control(key="aim").set_value("A quality floor").run()
    at.number_input(key="floor").set_value(99.5).run()
    judged(at)
    assert "99.5 %" in at.main.header[0].value or "100 %" in at.main.header[0].value


def test_the_live_classifier_asks_first() -> None:
    """Its estimated cost is shown, and nothing starts before it is agreed to; then its row is there."""
    at = given(long_csv(30))
    at.toggle(key="live-classifier").set_value(True).run()
    finished(at, "evidence-asking")
    assert at.button(key="judge").disabled
    agree = at.checkbox(key="agreed-30")
    assert agree.label.replace("\\", "").startswith("Yes: 30 calls, ~$0.00")
    agree.check().run()
    judged(at)
    assert "Classifier" in list(at.table[0].value.iloc[:, 0])


def test_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bar says what is done, Cancel stops it, nothing is kept, and the file is still there to try again."""

    def slow(data: object, asked: object, settings: object, watch: Watch, **rest: object) -> Judgement:
        while True:
            watch(0.25, "thinking")

    monkeypatch.setattr("pages.evidence_data.judge", slow)
    at = given(long_csv())
    at.button(key="judge").click().run()
    id_ = shown(at)
    job = resources().jobs.get(id_)
    assert job is not None
    assert not job.wait(0.2)
    at.run()
    assert not at.exception
    at.button(key="cancel-evaluation").click().run()
    assert job.wait(20)
    at.run()
    assert "Stopped as asked; nothing was kept." in texts(at)
    assert resources().playground.store.evaluations(5) == []
    at.button(key="new-evaluation").click().run()
    assert at.button(key="judge").label == "Judge 120 prompts"


def test_a_failed_run_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever went wrong, it is said, and a new one can be begun."""

    def broken(*_: object, **__: object) -> Judgement:
        raise ZeroDivisionError("float division by zero")

    monkeypatch.setattr("pages.evidence_data.judge", broken)
    at = judged(given(long_csv()))
    assert "float division by zero" in at.error[0].value
    assert at.button(key="new-evaluation") is not None


@pytest.mark.slow
def test_texts_are_shown_without_effect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Images of answers are not fetched, directives not obeyed; where only hashes are kept there is no text."""
    at = judged(given(long_csv()))
    answers = [one.value for one in at.markdown if "says" in one.value]
    assert answers
    for answer in answers:
        assert "(image not loaded)" in answer
        assert "![" not in answer
        assert ":red[" not in answer
    first = at.code[0].value
    at.button(key="mistake-Next").click().run()
    assert at.code[0].value != first
    use(tmp_path, monkeypatch, QUICK.model_copy(update={"privacy": PrivacySettings(keep_texts="hash")}))
    at = judged(given(long_csv()))
    assert "went wrong" not in texts(at)
    stored = resources().playground.store.evaluation(shown(at))
    assert stored is not None
    assert "Is 4 even?" not in stored.document
    assert json.loads(stored.document)["report"]["mistakes"] == []


def test_an_unreadable_result_is_a_sentence() -> None:
    """As a later version might have written it."""
    opened("verdict", tab="My data")
    store = resources().playground.store
    id_ = "0190c0de-0000-7000-8000-000000000001"
    from datetime import UTC, datetime

    store.save_evaluation(Evaluation(id_, datetime.now(UTC), "labelled", "old.csv", '{"verdict": 1}'))
    at = opened("verdict", evaluation=id_)
    assert "cannot be read" in at.error[0].value
    assert "run it again" in at.error[0].value


@pytest.mark.parametrize(
    ("tab", "words"),
    [("My traffic", "what other settings would have scored"), ("Pairs", "whether a cheaper model is good enough")],
)
def test_without_traffic_there_is_a_button(tab: str, words: str) -> None:
    """The empty states of the two other tabs."""
    at = opened("verdict", tab=tab)
    assert words in texts(at)
    assert at.button(key="generate").label == "Generate demo traffic"


@pytest.fixture
def traffic() -> Iterator[None]:
    """A store with simulated traffic."""
    store = open_store(kind="simulated")
    generate(QUICK, store, 4_000)
    yield
    store.close()


def looked(tab: str, name: str) -> AppTest:
    """A visit to a tab whose figures are there."""
    return finished(opened("verdict", tab=tab), name)


def test_traffic_is_judged_by_what_was_drawn(traffic: None) -> None:
    """A model for everything and the rules beside the log; who was rated; every estimator in the table."""
    at = looked("My traffic", "evidence-what-if")
    assert at.main.header[0].value.startswith("Rules would have given")
    assert "Rated, of the answers of each model: gpt-4o-mini" in texts(at)
    assert list(at.table[0].value.iloc[:, 0]) == ["As logged", "IPS", "SNIPS", "DR"]
    at.selectbox(key="target").set_value("always:openai/gpt-4o").run()
    finished(at, "evidence-what-if")
    assert at.main.header[0].value.startswith("Always gpt-4o would have given")


def test_a_draft_is_judged_and_not_saved(traffic: None) -> None:
    """With a threshold out of reach the rules send everything to the strong model."""
    at = looked("My traffic", "evidence-what-if")
    at.selectbox(key="target-settings").set_value("a draft").run()
    (box,) = [one for one in at.number_input if one.key and one.key.startswith("draft-heuristic.threshold.")]
    box.set_value(99).run()
    finished(at, "evidence-what-if")
    assert "It would send: gpt-4o-mini 0 %, gpt-4o 100 %." in texts(at)
    assert resources().playground.store.settings_versions() == []


def test_what_the_log_cannot_say_is_said(traffic: None) -> None:
    """In the last minutes there is nothing: no figure, and why."""
    at = looked("My traffic", "evidence-what-if")
    at.segmented_control(key="target-range").set_value("15 min").run()
    finished(at, "evidence-what-if")
    assert verdict(at) == "The log cannot say what Rules would have scored."
    assert at.info[0].value.startswith("No figure")


def test_pairs_move_with_the_tolerance(traffic: None) -> None:
    """The sentence names it; the link to the playground asks every model."""
    at = looked("Pairs", "evidence-pairs")
    assert "better than gpt-4o-mini by at most 5 points" in verdict(at)
    at.select_slider(key="pair-tolerance").set_value(10).run()
    finished(at, "evidence-pairs")
    assert "10 points" in at.main.header[0].value
    assert opened("playground", run_all="true").toggle(key="run_all").value is True

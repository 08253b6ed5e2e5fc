"""Finding, deleting and stripping prompts: what a search means, and what is left afterwards."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from router_core.errors import StoreError
from router_core.store import open_store
from router_core.store.base import Batch, Search, Store
from router_core.types import NO_VERDICT, Evidence, Reason, ReasonLine
from tests.store_rows import ALL, CHEAP, STRONG, a_completion, a_decision, a_prompt, an_outcome, at, ident


@pytest.fixture
def store() -> Store:
    """Three prompts; the first rated, the second's rating withdrawn, the third with a report of code alone."""
    opened = open_store(":memory:")
    texts = {1: "Spam or not?", 2: "Naïve ÜBER spam", 3: "A poem"}
    opened.write(
        Batch(
            [a_prompt(n, messages=({"role": "user", "content": text},)) for n, text in texts.items()],
            [a_decision(1), a_decision(2, policy="classifier", chosen=STRONG), a_decision(3)],
            [a_completion(1), a_completion(2, arm=STRONG), a_completion(3, error="it said: A poem")],
            [
                an_outcome(1, 1),
                an_outcome(2, 2),
                an_outcome(3, 2, None),
                an_outcome(4, 3, 0.5, source="api", comment="so-so"),
            ],
        )
    )
    return opened


@pytest.mark.parametrize(
    ("search", "found"),
    [
        (Search(), [3, 2, 1]),
        (Search(text="SPAM"), [2, 1]),
        (Search(text="über"), [2]),
        (Search(text="100%"), []),
        (Search(policy="thompson"), [3, 1]),
        (Search(arm=STRONG), [2]),
        (Search(rated=True), [1]),
        (Search(rated=False), [3, 2]),
        (Search(since=at(2)), [3, 2]),
        (Search(until=at(2)), [1]),
        (Search(goal="other"), []),
        (Search(origin="library", text="poem"), [3]),
        (Search(ids=(ident(2), ident(9))), [2]),
        (Search(ids=()), []),
    ],
)
def test_what_is_found(store: Store, search: Search, found: list[int]) -> None:
    """Newest first; the count is of the same prompts."""
    assert [one.prompt.id for one in store.find(search, 10)] == [ident(number) for number in found]
    assert store.count(search) == len(found)


def test_pages(store: Store) -> None:
    """Each prompt is on one page."""
    pages = [store.find(Search(), 2, offset) for offset in (0, 2, 4)]
    assert [[one.prompt.id for one in page] for page in pages] == [[ident(3), ident(2)], [ident(1)], []]


def test_found_is_what_is_stored(store: Store) -> None:
    """A comparison found is the one that is read by its id."""
    for one in store.find(Search(), 10):
        assert one == store.comparison(one.prompt.id)


def test_erasing_takes_all_that_followed(store: Store) -> None:
    """Prompt, decision, answer, rating, and what was learned from it; the rest is as it was."""
    assert store.evidence("default", ALL) == {CHEAP: Evidence(2, 1_500_000)}
    assert store.erase(Search(ids=(ident(1),))) == 1
    assert store.comparison(ident(1)) is None
    assert store.outcome_history(ident(1)) == []
    assert store.evidence("default", ALL) == store.rebuild_evidence("default", ALL)
    assert store.evidence("default", ALL) == {CHEAP: Evidence(1, 500_000)}
    assert store.output_tokens("default").keys() == {STRONG}
    assert store.count(Search()) == 2


def test_stripping_keeps_what_was_learned(store: Store) -> None:
    """No text is left of prompt, answer, reason, error or comment; figures and evidence are."""
    before: Any = store.evidence("default", ALL)
    assert store.strip(Search()) == 3
    for number in (1, 2, 3):
        found = store.comparison(ident(number))
        assert found is not None
        assert found.prompt.messages is None
        assert found.prompt.sha256 == f"{number:064x}"
        assert [one.text for one in found.completions] == [None]
        assert [one.context.text for one in found.decisions] == [""]
        assert found.completions[0].cost_usd is not None
    third = store.comparison(ident(3))
    assert third is not None
    assert third.completions[0].error == "not kept (texts were removed)"
    assert [one.comment for one in store.outcome_history(ident(3))] == [""]
    assert store.evidence("default", ALL) == before == store.rebuild_evidence("default", ALL)
    assert store.count(Search(text="spam")) == 0


def test_stripping_takes_out_what_a_classifier_said(store: Store) -> None:
    """Of any router that asked it: in its verdict's reason, or where it gave none and is quoted."""
    quoted = Reason("strong", (ReasonLine(NO_VERDICT, "it answered 'the naïve über spam'"),))
    store.write(Batch(decisions=[a_decision(4, prompt_id=ident(2), policy="contextual", reason=quoted)]))
    store.strip(Search())
    found = store.comparison(ident(2))
    assert found is not None
    assert {one.policy: one.reason.summary for one in found.decisions} == {
        "classifier": "not kept (texts were removed)",
        "contextual": "not kept (texts were removed)",
    }
    assert "über" not in str(found)


def test_stripping_again_finds_nothing(store: Store) -> None:
    """But a comment that came since is taken out, too."""
    assert store.strip(Search()) == 3
    assert store.strip(Search()) == 0
    store.write(Batch(outcomes=[an_outcome(9, 1, 0.0, comment="as I said, spam")]))
    assert store.strip(Search()) == 1
    assert store.outcome_history(ident(1))[-1].comment == ""


def test_stripping_touches_what_was_found_alone(store: Store) -> None:
    """Another prompt keeps its texts, what was said of its answer among them."""
    assert store.strip(Search(ids=(ident(1),))) == 1
    third = store.comparison(ident(3))
    assert third is not None
    assert third.prompt.messages == ({"role": "user", "content": "A poem"},)
    assert third.completions[0].text == "Answer 3"
    assert [one.comment for one in store.outcome_history(ident(3))] == ["so-so"]


def test_an_answer_that_came_after_its_prompt_was_stripped_is_found(store: Store) -> None:
    """Its text is all that is left to take out."""
    store.strip(Search())
    store.write(Batch(completions=[a_completion(9, prompt_id=ident(1), arm=STRONG)]))
    assert store.strip(Search()) == 1
    found = store.comparison(ident(1))
    assert found is not None
    assert [one.text for one in found.completions] == [None, None]


@pytest.mark.parametrize("what", ["erase", "strip"])
def test_what_fails_half_way_has_not_begun(store: Store, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    """All of it or nothing, and it is told; afterwards it works."""
    monkeypatch.setattr("router_core.store.duckdb.deletion.NOTE", "SELECT no_such_column")
    before = [store.comparison(ident(number)) for number in (1, 2, 3)]
    with pytest.raises(StoreError, match="no_such_column"):
        getattr(store, what)(Search())
    assert [store.comparison(ident(number)) for number in (1, 2, 3)] == before
    monkeypatch.undo()
    assert getattr(store, what)(Search()) == 3


SECRET = b"4711-0815"


def private(place: Path) -> Store:
    """Many prompts in a file, one of them with something that nobody else should read."""
    with closing(open_store(place)) as made:
        made.write(Batch([a_prompt(n) for n in range(2, 400)], [a_decision(n) for n in range(2, 400)]))
        messages = ({"role": "user", "content": f"my account is {SECRET.decode()}"},)
        made.write(Batch([a_prompt(1, messages=messages)], [a_decision(1)], [a_completion(1)]))
    assert SECRET in place.read_bytes()
    return open_store(place)


@pytest.mark.parametrize("change", ["strip", "erase"])
def test_no_text_is_left_in_the_file(tmp_path: Path, change: str) -> None:
    """Once the store is closed, and everything else is as it was."""
    place = tmp_path / "it's private.duckdb"
    place_mode = None
    with closing(private(place)) as opened:
        place_mode = place.stat().st_mode
        assert getattr(opened, change)(Search(ids=(ident(1),))) == 1
        others = opened.find(Search(since=at(2)), 1000)
    assert SECRET not in place.read_bytes()
    assert [file.name for file in tmp_path.iterdir()] == [place.name]
    assert place.stat().st_mode == place_mode
    with closing(open_store(place)) as again:
        assert again.find(Search(since=at(2)), 1000) == others
        assert again.count(Search()) == (398 if change == "erase" else 399)
        again.write(Batch([a_prompt(2)], [a_decision(2)], [a_completion(2)], [an_outcome(1, 2)]))
        assert again.count(Search()) == (398 if change == "erase" else 399)


def test_a_store_behind_a_link_stays_there(tmp_path: Path) -> None:
    """The file that the link leads to is written anew, the link is left as it is."""
    place, link = tmp_path / "disk" / "private.duckdb", tmp_path / "router.duckdb"
    place.parent.mkdir()
    private(place).close()
    link.symlink_to(place)
    with closing(open_store(link)) as opened:
        assert opened.erase(Search(ids=(ident(1),))) == 1
    assert link.is_symlink()
    assert SECRET not in place.read_bytes()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["disk", "router.duckdb"]


def test_no_text_is_left_after_a_crash(tmp_path: Path) -> None:
    """The process ended before it could close the store; the next to open it finishes what was begun."""
    place = tmp_path / "private.duckdb"
    private(place).close()
    code = (
        "import os, sys; from router_core.store import open_store; from router_core.store.base import Search;"
        f"open_store(sys.argv[1]).strip(Search(ids=('{ident(1)}',))); os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(place)], check=False).returncode == 9
    assert SECRET in place.read_bytes()
    with closing(open_store(place)) as again:
        assert again.count(Search()) == 399
    assert SECRET not in place.read_bytes()


def test_a_file_that_cannot_be_written_anew_stays(tmp_path: Path) -> None:
    """Something stands where the copy would go: nothing is lost, and the next closing does it."""
    place = tmp_path / "private.duckdb"
    obstacle = tmp_path / "private.duckdb.tmp" / "renewed.duckdb"
    with closing(private(place)) as opened:
        obstacle.mkdir()
        opened.strip(Search(ids=(ident(1),)))
    assert SECRET in place.read_bytes()
    obstacle.rmdir()
    with closing(open_store(place)) as again:
        assert again.count(Search()) == 399
    assert SECRET not in place.read_bytes()


def test_what_comes_after_its_prompt_was_erased_is_not_kept(store: Store) -> None:
    """An answer still under way, and who answers instead: no later deletion would find their texts."""
    store.write(Batch([a_prompt(7), a_prompt(8)], [a_decision(7), a_decision(8)]))
    store.erase(Search(ids=(ident(7),)))
    instead = a_decision(70, prompt_id=ident(7), origin="fallback", policy="fallback")
    store.write(Batch(decisions=[instead], completions=[a_completion(7), a_completion(8)]))
    assert {one.prompt_id for one in store.decisions()} == {ident(number) for number in (1, 2, 3, 8)}
    answered = store.table("answered", {"goal": "default"}).set_index("arm")["answers"]
    assert answered.to_dict() == {CHEAP: 2, STRONG: 1}
    assert store.output_tokens("default")[CHEAP].count == 2


def test_erased_ids_may_be_written_again(store: Store) -> None:
    """Nothing remembers a deleted id."""
    store.erase(Search())
    store.write(Batch([a_prompt(1)], [a_decision(1)], [a_completion(1)], [an_outcome(1, 1, 0.0)]))
    assert store.evidence("default", ALL) == {CHEAP: Evidence(1, 0)}


def test_revision_grows(store: Store) -> None:
    """With every change, so that what was computed from the log can be kept until the next."""
    seen = [store.revision]
    for change in (
        lambda: store.write(Batch(outcomes=[an_outcome(9, 1, 0.0)])),
        lambda: store.strip(Search()),
        lambda: store.erase(Search()),
    ):
        change()
        seen.append(store.revision)
    assert len(set(seen)) == 4

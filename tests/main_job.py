"""The library's main job as a program: every policy answers, streams and learns within a budget; out and in again.

Run in environments without the app (test_extras.py, test_wheel.py), in an empty folder: ``python main_job.py``.
"""

from __future__ import annotations

from pathlib import Path

from router_core import Outcome, Router, Settings, open_store
from router_core.exports import dump
from router_core.exports.transfer import export_of
from router_core.settings import GoalSettings, SimulationSettings

HELLO = [{"role": "user", "content": "Spam or not? You won a prize."}]
GOALS = {"spam": GoalSettings(budget_usd=2.0)}
SETTINGS = Settings(goals=GOALS, simulation=SimulationSettings(latency_scale=0.0))


def main() -> None:
    """Ask, stream, rate and read what was learned; the next router finds it in the file."""
    for policy in ("heuristic", "classifier", "thompson", "contextual"):
        for _ in range(2):  # the second finds what the first has spent and learned
            with Router(goal_id="spam", policy=policy, settings=SETTINGS, simulated=True) as router:
                response, request_id = router.completion(HELLO, return_request_id=True)
                assert response.choices[0].message.content
                router.report_outcome(request_id=request_id, outcome=Outcome.SUCCESS)
                pieces = router.completion(HELLO, stream=True)
                assert "".join(piece.choices[0].delta.content or "" for piece in pieces)
                learned = router.posteriors()
    assert sum(one.observations for one in learned.values()) > 0
    store = open_store(kind="simulated")
    Path("router.json").write_text(dump(export_of(store, SETTINGS)), encoding="utf-8")
    store.close()
    other = open_store("other.duckdb", kind="simulated")
    with Router.from_settings("router.json", goal_id="spam", store=other, simulated=True) as router:
        assert router.posteriors() == learned
        assert router.completion(HELLO).choices[0].message.content
    other.close()
    print("done")


if __name__ == "__main__":
    main()

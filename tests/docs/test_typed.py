"""What a type checker knows of the installed package, without a plugin of ours."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

_PROGRAM = """
from openai.types.chat import ChatCompletion

from router_core import AsyncRouter, Outcome, Router, RouterError, Settings, open_store
from router_core.routing.streams import AsyncRoutedStream, RoutedStream
from router_core.settings import CallSettings, GoalSettings

settings = Settings(calls=CallSettings(max_retries=0), goals={"spam": GoalSettings(exploration=0.1)})
router = Router([{"model": "openai/gpt-4o-mini", "weight": 0.8}], settings=settings, goal_id="spam")
hello = [{"role": "user", "content": "Hello"}]
whole: ChatCompletion = router.completion(hello, temperature=0)
stream: RoutedStream = router.completion(hello, stream=True)
answer, request_id = router.completion(hello, return_request_id=True)
text: str | None = answer.choices[0].message.content
pieces, name = router.completion(hello, stream=True, return_request_id=True)
for piece in pieces:
    print(piece.choices[0].delta.content or "")
router.report_outcome(request_id=request_id, outcome=Outcome.SUCCESS)
open_store().close()
failed: type[Exception] = RouterError


async def under_asyncio() -> None:
    async with AsyncRouter.from_settings("router.json") as router:
        whole: ChatCompletion = await router.completion(hello, temperature=0)
        stream: AsyncRoutedStream = await router.completion(hello, stream=True)
        async for piece in stream:
            print(piece.choices[0].delta.content or "")
        answer, request_id = await router.completion(hello, return_request_id=True)
        text: str | None = answer.choices[0].message.content
        await router.report_outcome(request_id, Outcome.SUCCESS)
"""


def test_a_program_that_uses_it_passes_strict_mypy(tmp_path: Path) -> None:
    """What comes back has the type that the arguments ask for, and settings are made with some values left out."""
    pytest.importorskip("mypy")
    (tmp_path / "program.py").write_text(_PROGRAM, encoding="utf-8")
    run = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--follow-imports=silent", "program.py"],
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stdout == "Success: no issues found in 1 source file\n", run.stderr

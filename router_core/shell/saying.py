"""What a command says at its end: done, or why not."""

from __future__ import annotations

import json
import sys
from typing import Any, NoReturn

import click


def say(as_json: bool, sentence: str, **facts: Any) -> None:
    """What was done, as a sentence or as JSON."""
    click.echo(json.dumps(facts) if as_json else sentence)


def fail(sentence: str) -> NoReturn:
    """Say on standard error why not, and end with exit code 1."""
    click.echo(f"router-core: {sentence}", err=True)
    sys.exit(1)

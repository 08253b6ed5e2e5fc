"""Batches in tests: two models at one local server, one right in six of ten prompts, one in nine."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path

from router_core.settings import Settings
from router_core.validation import validated
from tests.servers import ChatServer, Reply, Request, answered

CHEAP, STRONG = "house/cheap", "house/strong"
RIGHT = {"cheap": 0.6, "strong": 0.9}
"""How often each model is right."""


def settings_at(server: ChatServer, *, priced: bool = True, **calls: object) -> Settings:
    """Both models, at $1 and $10 per million tokens."""
    prices = {
        name: {"input_usd_per_million_tokens": usd, "output_usd_per_million_tokens": usd}
        for name, usd in ((CHEAP, 1), (STRONG, 10))
    }
    document = {
        "providers": {"house": {"base_url": server.base_url, "api_key_env": None}},
        "classifier": {"model": CHEAP},
        "goals": {"default": {"arms": [{"model": CHEAP, "weight": 0.8}, {"model": STRONG, "weight": 0.2}]}},
        "prices": prices if priced else {},
        "calls": calls,
    }
    return validated(Settings, document)


def prompts_file(place: Path, count: int) -> Path:
    """Sums with their answers, and a task each."""
    with place.open("w", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(["Question", "Answer", "Subject"])
        rows.writerows([f"What is {n} + {n}?", 2 * n, "odd" if n % 2 else "even"] for n in range(count))
    return place


def solver(request: Request) -> Reply:
    """Answers a sum: right or wrong, always the same for a model and prompt."""
    model, prompt = request.body["model"], request.body["messages"][-1]["content"]
    number = int(prompt.split()[2])
    luck = int.from_bytes(hashlib.blake2b(f"{model} {prompt}".encode(), digest_size=4).digest()) / 2**32
    return answered(f"The answer is {2 * number + (luck >= RIGHT[model])}.")

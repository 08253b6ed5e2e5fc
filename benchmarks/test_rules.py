"""What the rule sets are worth on prompts that they were not fitted to: above a random split of the same shares.

Reads ../shared/data beside the project; where that is absent it says so and leaves these rows out. The word limit
of *balanced* was chosen on the prompts whose SHA-256 is even; these are the odd ones.
"""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from benchmarks.test_evidence import data
from router_core.features import context
from router_core.policies.heuristic import HeuristicPolicy
from router_core.settings import HeuristicSettings
from router_core.settings.presets import BALANCED, rule_presets

# file -> the stronger model's column, cheap to expensive
FILES = {
    "gsm8k_gpt4omini_gpt4o": 1,
    "gsm8k_mixtral_gpt4": 1,
    "mmlu_mixtral_gpt4": 1,
    "mtbench_mixtral_gpt4": 1,
    "routerarena_haiku_gemini": 0,
}


def gain(name: str, preset: str) -> tuple[float, float, int]:
    """Share of good answers above a random split of the same shares, its standard error, and the prompts."""
    found, strong = data(name), FILES[name]
    held_out = np.array([int(hashlib.sha256(text.encode()).hexdigest(), 16) % 2 == 1 for text in found.prompts])
    rules = HeuristicPolicy(HeuristicSettings.model_validate(rule_presets()[preset]), "cheap", "strong")
    verdicts = [rules.verdict(context([{"role": "user", "content": text}], "default")) for text in found.prompts]
    simple = np.array([one.simple for one in verdicts])[held_out]
    gap = (found.scores[:, strong] - found.scores[:, 1 - strong])[held_out]
    if simple.all() or not simple.any():
        return 0.0, 0.0, len(gap)
    both = simple.mean() * (1 - simple.mean())
    spread = np.sqrt(gap[simple].var() / simple.sum() + gap[~simple].var() / (~simple).sum())
    return float(both * (gap[~simple].mean() - gap[simple].mean())), float(both * spread), len(gap)


@pytest.mark.parametrize("preset", rule_presets())
def test_above_chance(preset: str) -> None:
    """*Balanced* is better than chance over all files together, by more than its 95 % interval."""
    rows = [gain(name, preset) for name in FILES]
    count = sum(prompts for *_, prompts in rows)
    pooled = sum(above * prompts for above, _, prompts in rows) / count
    error = float(np.sqrt(sum((one * prompts) ** 2 for _, one, prompts in rows))) / count
    for name, (above, one, prompts) in zip(FILES, rows, strict=True):
        print(f"{preset} {name}: {100 * above:+.2f} points (± {196 * one:.2f}), {prompts} prompts")
    print(f"{preset} pooled: {100 * pooled:+.2f} points (± {196 * error:.2f})")
    if preset == BALANCED:
        assert pooled > 1.96 * error

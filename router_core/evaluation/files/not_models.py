"""Names of columns that are no model's: ids, times, settings, measurements, judgements.

A model may be called anything, so a column is one only where each of its words says so, or its last.
"""

from __future__ import annotations

import re
from typing import Final

_KINDS: Final = {
    "an id": (
        "id ids uid uuid guid key hash index idx row number no nr num n unnamed column user session conversation"
        " trace request group rater annotator judge"
    ),
    "a time": "time timestamp ts date datetime day hour month year created updated started ended at",
    "a setting": (
        "temperature temp top p k max min topp topk seed split fold shot shots fewshot epoch run trial attempt"
        " attempts repeat repetition iteration version penalty frequency presence stream"
    ),
    "a measurement": (
        "latency duration elapsed runtime seconds second secs sec s ms milliseconds us ns speed throughput ttft"
        " tps token tokens input output prompt completion reasoning cached count counts length len words word"
        " chars characters turns cost costs price usd cents usage size bytes budget retries energy"
    ),
    "a judgement that names no model": (
        "score scores success succeeded correct correctness is has was accuracy acc reward quality performance"
        " label grade rating confidence certainty agreement probability prob logprob likelihood weight weights"
        " difficulty hard easy level complexity rank win winner wins pass passed fail failed result error errors"
        " valid flag f1 em bleu rouge exact match metric helpfulness helpful relevance coherence fluency toxicity"
        " toxic faithfulness hallucination safety bias similarity sentiment harmfulness novelty uncertainty"
        " entropy threshold overall total mean avg average median std stderr final human raw normalized feedback"
        " thumbs"
    ),
}
_KIND_OF: Final = {word: kind for kind, words in _KINDS.items() for word in words.split()}
_AT_END: Final = (
    "id ids uid uuid guid hash idx timestamp date datetime temperature topp topk seed epoch penalty latency"
    " duration elapsed runtime seconds secs ms milliseconds throughput ttft token tokens count counts length chars"
    " cost costs price usd usage confidence certainty probability logprob likelihood difficulty weight rank at"
    " score success correct error errors"
)
_LAST: Final = frozenset(_AT_END.split())
_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+\d?|\d+")


def words_of(column: str) -> list[str]:
    """The words of a name, in lower case: "latencyMs" and "latency_ms" have the same."""
    return [word.lower() for word in _WORDS.findall(column)]


def other_kind(column: str) -> str | None:
    """What a column is, by its name, where it is not a model's; None where it may be one's."""
    words = words_of(column)
    if not words:
        return None
    if all(word in _KIND_OF or word.isdigit() for word in words):
        return next((_KIND_OF[word] for word in reversed(words) if word in _KIND_OF), None)
    if words[-1] in _LAST and len(words) > 1:
        return _KIND_OF[words[-1]]
    return None


_FAMILIES: Final = re.compile(
    r"gpt|claude|gemini|gemma|llama|mi[sx]tral|qwen|deepseek|grok|command|phi-?\d|sonnet|haiku|opus|nova|palm|yi-|"
    r"o[134](-|$)|kimi|glm|falcon|vicuna|wizard|solar|granite|nemotron|jamba|dbrx|ministral|codestral|\d+(\.\d+)?b\b",
    re.I,
)


def resembles_model(column: str) -> bool:
    """Whether a name is surely a model's: it names a well-known family, or says how large it is (8x7b, 70B)."""
    return _FAMILIES.search(column) is not None

"""Open WebUI: the export of feedback, each with the chat in which it was given.

A rating of 1 is a good answer, of -1 a bad one, of 0 a tie of the arena. The rated answer is a call, and so are
the answers of other models to the same message: a call each, of one prompt. Tokens are where a message has its
usage.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from router_core.collecting.logs import call as read
from router_core.collecting.logs.call import LoggedCall, NotACallError, Rating, Row

LABEL: Final = "Open WebUI feedback"
_REWARDS: Final = {1.0: 1.0, 0.0: 0.5, -1.0: 0.0}


def recognises(row: Row) -> bool:
    """By a rating with what it is about."""
    return row.get("type") == "rating" and isinstance(row.get("data"), Mapping) and "meta" in row


def calls(rows: Iterable[Row]) -> Iterator[LoggedCall | NotACallError]:
    """Each answer to a message of which an answer was rated; of one that was rated twice the last rating."""
    ratings: dict[str, Rating] = {}
    found: dict[str, LoggedCall] = {}
    for row in sorted(rows, key=lambda one: read.number(one.get("updated_at")) or 0.0):
        try:
            rated, rating, answers = _rated(row)
        except NotACallError as error:
            yield error
            continue
        ratings[rated] = rating
        for one in answers:
            found.setdefault(one.id, one)
    for id_, one in found.items():
        yield one if id_ not in ratings else replace(one, ratings=(ratings[id_],))


def _rated(row: Row) -> tuple[str, Rating, list[LoggedCall]]:
    """The id of the rated answer, its rating, and all answers to the same message."""
    value = read.number(read.part(row, "data", "rating"))
    if value not in _REWARDS:
        raise NotACallError("its rating is none of 1, 0 and -1")
    comment = " ".join(
        one for one in (read.text(read.part(row, "data", name)) for name in ("reason", "comment")) if one
    )
    rating = Rating("thumb", _REWARDS[value], "", comment)
    id_ = read.text(read.part(row, "meta", "message_id")) or read.required(row.get("id"), "id")
    model = read.required(
        read.first(read.part(row, "data", "model_id"), read.part(row, "meta", "model_id")), "model"
    )
    at = read.moment(row.get("created_at"))
    tree = read.first(
        read.part(row, "snapshot", "chat", "chat", "history", "messages"),
        read.part(row, "snapshot", "history", "messages"),
        read.part(row, "snapshot", "chat", "history", "messages"),
    )
    session = read.text(read.part(row, "meta", "chat_id")) or ""
    own = tree.get(id_) if isinstance(tree, Mapping) else None
    if not isinstance(tree, Mapping) or not isinstance(own, Mapping):
        return id_, rating, [LoggedCall(id_, model, at, session=session)]
    parent = tree.get(own.get("parentId"))
    asked = _path(tree, own.get("parentId"))
    siblings = parent.get("childrenIds") if isinstance(parent, Mapping) else None
    ids = [one for one in siblings or [id_] if isinstance(tree.get(one), Mapping)]
    answers = [_answer(one, tree[one], model if one == id_ else None, asked, at, id_, session) for one in ids]
    return id_, rating, [one for one in answers if one is not None]


def _answer(
    id_: str, said: Row, model: str | None, asked: Any, at: Any, rated: str, session: str
) -> LoggedCall | None:
    name = read.first(model, read.text(said.get("model")))
    if said.get("role") != "assistant" or name is None:
        return None
    usage = said.get("usage") or {}
    return LoggedCall(
        id=id_,
        model=name,
        at=read.first(read.moment(said.get("timestamp")), at),
        messages=asked,
        text=read.text(said.get("content")),
        input_tokens=read.count(
            read.first(read.part(usage, "prompt_tokens"), read.part(usage, "prompt_eval_count"))
        ),
        output_tokens=read.count(
            read.first(read.part(usage, "completion_tokens"), read.part(usage, "eval_count"))
        ),
        error=read.text(read.part(said, "error", "content")),
        group=str(said.get("parentId") or rated),
        session=session,
    )


def _path(tree: Mapping[str, Any], id_: Any) -> Any:
    """The messages from the first to this one."""
    found: list[Any] = []
    while isinstance(id_, str) and isinstance(tree.get(id_), Mapping) and len(found) < 1_000:
        one = tree[id_]
        found.append({"role": one.get("role"), "content": one.get("content")})
        id_ = one.get("parentId")
    return read.messages(found[::-1])

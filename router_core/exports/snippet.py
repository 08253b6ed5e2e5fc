"""A Python program that sends requests through an exported router, or the gateway: to copy, run and change.

Does not cover installing the library and setting the keys; it names the variables that must hold them.
"""

from __future__ import annotations

from router_core.registry import CLASSIFIER
from router_core.settings import Settings
from router_core.settings.endpoints import new_endpoints

_PROGRAM = '''\
"""Send one request through the router in {path}, and say what became of it."""

from router_core import Outcome, Router

{keys}
with Router.from_settings({arguments}) as router:
    response, request_id = router.completion(
        [{{"role": "user", "content": "Is this spam? You have won a prize!"}}],
        return_request_id=True,
    )
    print(response.model, response.choices[0].message.content, sep="\\n")

    # As soon as you know whether the answer was good, in this process or a later one:
    router.report_outcome(request_id, Outcome.SUCCESS)  # or Outcome.FAILURE, or a number from 0 to 1
'''


_OVER_HTTP = '''\
"""Send one request through the gateway, and say what became of it."""

import json
import urllib.request

from openai import OpenAI

client = OpenAI(base_url={base_url}, api_key="unused")
answer = client.chat.completions.create(
    model={model},
    messages=[{{"role": "user", "content": "Is this spam? You have won a prize!"}}],
)
print(answer.model, answer.choices[0].message.content, sep="\\n")

# As soon as you know whether the answer was good:
outcome = json.dumps({{"request_id": answer.id, "reward": 1}}).encode()  # a number from 0 to 1
kind = {{"content-type": "application/json"}}
urllib.request.urlopen(urllib.request.Request({base_url} + "/outcomes", outcome, kind)).read()
'''


def http_snippet(base_url: str, goal_id: str = "default") -> str:
    """The text of a program that asks the gateway by OpenAI's own client and reports an outcome.

    Args:
        base_url: of the gateway, up to and including /v1.
        goal_id: the kind of traffic that the program sends.
    """
    return _OVER_HTTP.format(base_url=_literal(base_url), model=_literal(f"goal:{goal_id}"))


def python_snippet(settings: Settings, goal_id: str = "default", path: str = "router.json") -> str:
    """The text of a program that loads ``path``, asks one of the goal's models and reports an outcome.

    Args:
        settings: those that were exported.
        goal_id: the kind of traffic that the program sends.
        path: where the program will find the exported file.

    Raises:
        SettingsError: the settings have no goal of that name.
    """
    models = [arm.model for arm in settings.goal(goal_id).arms]
    if settings.goal(goal_id).router == CLASSIFIER.name:
        models.append(settings.classifier.model)
    providers = [settings.providers[model.split("/", 1)[0]] for model in models]
    names = sorted({provider.api_key_env for provider in providers if provider.api_key_env is not None})
    keys = f"# Keys are read from the environment: {', '.join(names)}." if names else "# No key is needed."
    arguments = [_literal(path), f"goal_id={_literal(goal_id)}"]
    own = {one.base_url: one.api_key_env for one in new_endpoints(settings, Settings())}
    if own:
        pairs = "".join(
            f"        {_literal(url)}: {_literal(env) if env else None},\n" for url, env in own.items()
        )
        arguments.append(f"allow_endpoints={{  # address: variable that holds its key\n{pairs}    }}")
    return _PROGRAM.format(
        path="".join(c if c.isprintable() and c not in '"\\' else " " for c in path),  # within a docstring
        arguments="\n    " + ",\n    ".join(arguments) + ",\n" if own else ", ".join(arguments),
        keys=keys,
    )


def _literal(text: str) -> str:
    """The text as a Python literal in double quotes where it needs no escapes, else as Python writes it."""
    plain = text.isprintable() and not set(text) & {'"', "\\"}
    return f'"{text}"' if plain else repr(text)

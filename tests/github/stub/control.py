"""The stub over HTTP: `POST /_stub/NAME` calls the method of `Steering` of that name with the JSON body's members."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from tests.github.stub.apps import App, Installation
from tests.github.stub.dump import dump_pull
from tests.github.stub.faults import Fault
from tests.github.stub.limits import Bucket
from tests.github.stub.logged import Logged
from tests.github.stub.records import PullRequest, Repository
from tests.github.stub.steering import Steering
from vestal.testing.practice.message import Answer, Request, json_answer

CALLS = frozenset(
    name for name, member in vars(Steering).items() if not name.startswith("_") and not isinstance(member, property)
)


class Control:
    """Answers `/_stub/...`: 200 with `{"result": ...}`, or 400 with `{"error": ...}`."""

    def __init__(self, steering: Steering) -> None:
        self._steering = steering

    def __call__(self, request: Request) -> Answer:
        name = request.path.removeprefix("/_stub/")
        if name not in CALLS:
            return json_answer({"error": f"no call is named {name}; there are {', '.join(sorted(CALLS))}"}, 404)
        try:
            result = getattr(self._steering, name)(**json.loads(request.body or b"{}"))
        except (ValueError, TypeError, KeyError) as error:
            return json_answer({"error": f"{type(error).__name__}: {error}"}, 400)
        return json_answer({"result": plain(result)})


def plain(value: Any) -> Any:
    """As JSON."""
    match value:
        case App():
            return {
                "id": value.id, "slug": value.slug, "client_id": value.client_id,
                "client_secret": value.client_secret, "private_key": value.private_key,
            }  # fmt: skip
        case Installation():
            return {"id": value.id, "owner": value.owner, "account": value.account.login, "mints": value.mints}
        case Repository():
            return {"id": value.id, "full_name": value.full_name}
        case PullRequest():
            return dump_pull(value)
        case Fault() | Bucket() | Logged():
            return asdict(value)
        case list():
            return [plain(item) for item in value]
        case _:
            return value

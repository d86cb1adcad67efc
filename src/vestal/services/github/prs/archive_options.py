"""The options of a run as a checkpoint keeps them, and what makes them those of another run."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import datetime

from vestal.services.github.prs.options import FetchOptions
from vestal.services.github.prs.record import moment, text_of

_NAMES = [field.name for field in fields(FetchOptions)]
_TIMES = ("since", "until")


def written(fetch: FetchOptions) -> str:
    """As JSON."""
    values = {name: getattr(fetch, name) for name in _NAMES}
    return json.dumps(
        {name: text_of(value) if isinstance(value, datetime) else value for name, value in values.items()}
    )


def read_options(text: str) -> FetchOptions:
    """From JSON."""
    values = json.loads(text)
    times = {name: moment(values[name]) for name in _TIMES if values.get(name) is not None}
    return FetchOptions(**{name: value for name, value in (values | times).items() if name in _NAMES})


def differing(old: FetchOptions, new: FetchOptions, *, complete: bool) -> list[str]:
    """The names of the options that make it another run. After a complete one, a later `since` is only less of the same."""
    if complete and old.since is not None and new.since is not None and old.since <= new.since:
        old = replace(old, since=new.since)
    return [name for name in _NAMES if name != "repository" and getattr(old, name) != getattr(new, name)]

"""Vestal as git's credential helper, for any credential."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from vestal.operations.doors.bearer import bearer
from vestal.operations.doors.hosts import Place, host_of
from vestal.services.git_protocol import AUTHTYPE, Question, answer, bearer_answer

if TYPE_CHECKING:
    from vestal.core.secret import Secret
    from vestal.home import Home


def get(home: Home, question: Question, places: Mapping[str, Place]) -> Secret | None:
    """What git is told; None for what is not ours to answer, such as another host or user. Raises `VestalError`."""
    place = _place(question, places)
    username = None if place is None else place.username_for(question.username)
    if place is None or username is None:
        return None
    token = bearer(home, place.credential)
    if (place.bearer or question.wants_bearer) and AUTHTYPE in question.capabilities:
        return bearer_answer(token)
    return answer(token, username)


def erase(home: Home, question: Question, places: Mapping[str, Place]) -> None:
    """The server has refused what git had from us: it is replaced, so that the next question gets a newer one.

    What git tells of tokens that are not ours, or not the present ones, says nothing about ours. Raises `VestalError`.
    """
    place, told = _place(question, places), question.credential or question.password
    if place is None or told is None:
        return
    token = bearer(home, place.credential)
    if token.access_token == told:
        bearer(home, place.credential, newer_than=token.version)


def _place(question: Question, places: Mapping[str, Place]) -> Place | None:
    return places.get(host_of(f"{question.protocol}://{question.host}")) if question.protocol else None

"""The details of pull requests: many in one query, what did not fit afterwards, and by REST what GraphQL can't give."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from vestal.core.errors import VestalError
from vestal.services.github.prs import query, rest
from vestal.services.github.prs.answer import Sorted, sort_out
from vestal.services.github.prs.batch import too_much
from vestal.services.github.prs.parse import join, missing, record
from vestal.services.github.prs.query import More
from vestal.services.github.prs.record import FetchedPRFull
from vestal.services.github.prs.shape import MALFORMED, checked
from vestal.services.github.prs.work import Work
from vestal.services.steps import Steps, do

Node = dict[str, Any]

CHUNK = 20
"""Connections that are asked for in one query, once they have overflowed."""


def fetch(work: Work, numbers: Sequence[int]) -> Steps[None]:
    """Fetch pull requests into the archive. What is too much in one query is asked for in halves; a single one by REST."""
    left = [list(numbers)]
    while left and not work.stopped.is_set():
        asked = left.pop()
        found = yield from _ask(work, asked)
        again = [_number(name) for name in found.again]
        nodes = {_number(name): node for name, node in found.whole.items()}
        yield from _complete(work, nodes, [_number(name) for name in found.gone])
        if len(again) == 1 and len(asked) == 1:
            yield from _by_rest(work, again)
        elif len(again) == len(asked):
            work.failed(len(asked))
            half = len(asked) // 2
            left += [again[half:], again[:half]]
        elif again:
            left.append(again)


def _ask(work: Work, numbers: Sequence[int]) -> Steps[Sorted]:
    names = [f"pr_{number}" for number in numbers]
    files = not work.options.with_patches
    document, cost = query.details(numbers, files=files), query.cost_of_details(len(numbers), files=files)
    started = work.api.clock.steady()
    found = yield from _answer(work, document, work.names(), cost, names, "repository")
    if found.whole:
        work.answered(len(numbers), work.api.clock.steady() - started)
    return found


def _answer(
    work: Work, document: str, variables: dict[str, str], cost: int, names: Sequence[str], under: str | None
) -> Steps[Sorted]:
    """The parts of an answer; all of them to be asked again if it was too much. Raises other trouble."""
    try:
        reply = yield from work.ask(document, variables, cost=cost, retried=len(names) == 1)
    except VestalError as error:
        trouble = error
    else:
        found = sort_out(reply, names, under, work.repository)
        if found.trouble is None:
            return found
        trouble = found.trouble
    if too_much(trouble):
        return Sorted(again=list(names))
    if trouble.code == "not_found" and not work.sighted:  # for the one who was asked
        yield from work.leave_out_the_blind()
        return (yield from _answer(work, document, variables, cost, names, under))
    raise trouble


@dataclass(slots=True)
class _Read:
    """What an answer gives of pull requests."""

    records: list[FetchedPRFull] = field(default_factory=list)
    unfinished: dict[int, Node] = field(default_factory=dict)
    """Those of which something is missing."""
    failed: set[int] = field(default_factory=set)
    """Those that are not of the form that GitHub documents."""


def _complete(work: Work, nodes: Mapping[int, Node], gone: Sequence[int]) -> Steps[None]:
    """Store what is whole at once, then fetch what is missing of the rest; REST has what GraphQL can't tell rightly."""
    read = yield from do(partial(_read, work, nodes))
    if read.records or gone:
        yield from do(partial(work.keep, read.records, gone))
    rest_of_them, failed = read.unfinished, read.failed
    while wanted := _missing(rest_of_them, failed):
        failed |= yield from _join(work, rest_of_them, wanted)
        rest_of_them = {number: node for number, node in rest_of_them.items() if number not in failed}
    done: list[FetchedPRFull] = []
    for number, node in rest_of_them.items():
        files = None
        if _files_by_rest(work, node):
            files = yield from rest.files(work, number, patches=work.options.with_patches)
        try:
            done.append(checked(record(node, work.repository, files)))
        except MALFORMED:
            failed.add(number)
    if done:
        yield from do(partial(work.keep, done))
    yield from _by_rest(work, failed)


def _read(work: Work, nodes: Mapping[int, Node]) -> _Read:
    read = _Read()
    for number, node in nodes.items():
        try:
            if node["number"] != number:
                raise LookupError("the answer is about another one")
            if _needs_more(work, node):
                read.unfinished[number] = node
            else:
                read.records.append(checked(record(node, work.repository)))
        except MALFORMED:
            read.failed.add(number)
    return read


def _missing(nodes: dict[int, Node], failed: set[int]) -> list[More]:
    """What is missing; pull requests of which that can't be told are `failed`, and out of `nodes`."""
    wanted: list[More] = []
    for number, node in list(nodes.items()):
        try:
            wanted += missing(node)
        except MALFORMED:
            failed.add(number)
            del nodes[number]
    return wanted


def _join(work: Work, nodes: dict[int, Node], wanted: Sequence[More]) -> Steps[set[int]]:
    """Fetch the next pages and append them; the pull requests whose pages don't come even one at a time."""
    broken: set[int] = set()
    left = [list(wanted[at : at + CHUNK]) for at in range(0, len(wanted), CHUNK)]
    while left:
        asked = [more for more in left.pop() if more.number not in broken]
        if not asked:
            continue
        names = [f"more_{index}" for index in range(len(asked))]
        found = yield from _answer(work, query.more(asked), {}, query.cost_of_more(asked), names, None)
        for name, answer in found.whole.items():
            more = asked[_number(name)]
            try:
                join(nodes[more.number], more, answer)
            except MALFORMED:
                broken.add(more.number)
        broken |= {asked[_number(name)].number for name in found.gone}
        again = [asked[_number(name)] for name in found.again]
        if len(again) == 1 and len(asked) == 1:
            broken.add(again[0].number)
        elif len(again) == len(asked):
            half = len(again) // 2
            left += [again[half:], again[:half]]
        elif again:
            left.append(again)
    return broken


def _by_rest(work: Work, numbers: Iterable[int]) -> Steps[None]:
    for number in sorted(numbers):
        work.go_on()
        found = yield from rest.pull_request(work, number)
        if found is None and not work.sighted:
            yield from work.leave_out_the_blind()
            found = yield from rest.pull_request(work, number)
        yield from do(partial(work.keep, [] if found is None else [found], [number] if found is None else []))


def _needs_more(work: Work, node: Node) -> bool:
    return bool(missing(node)) or _files_by_rest(work, node)


def _files_by_rest(work: Work, node: Node) -> bool:
    """Whether only REST has the files: it alone has patches, and at times GraphQL can't tell what changed."""
    return bool(node["changedFiles"]) and node.get("files") is None


def _number(name: str) -> int:
    return int(name.rpartition("_")[2])

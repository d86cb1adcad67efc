from __future__ import annotations

import copy
import io
import json
import logging
import pickle
import traceback
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestal.core.secret import Secret, secret_or_none

CANARY = "canary-4711"


@dataclass
class Holder:
    inner: Secret


@pytest.mark.parametrize(
    "shown",
    [
        repr(Secret(CANARY)),
        str(Secret(CANARY)),
        f"{Secret(CANARY)}",
        f"{Secret(CANARY)!r:>40}",
        f"{Secret(CANARY):>40}",
        f"{Secret(CANARY):.3}",
        "%s %r" % (Secret(CANARY), Secret(CANARY)),  # noqa: UP031
        "{} {!s}".format(Secret(CANARY), Secret(CANARY)),  # noqa: UP032
        repr([Secret(CANARY)]),
        repr({"k": Secret(CANARY)}),
        repr(Holder(Secret(CANARY))),
        repr(Exception(Secret(CANARY))),
    ],
)
def test_whatever_shows_it_shows_a_mask(shown: str) -> None:
    assert "canary" not in shown
    assert "<se" in shown


def test_logging_shows_a_mask() -> None:
    stream = io.StringIO()
    logger = logging.Logger("test", logging.DEBUG)
    logger.addHandler(logging.StreamHandler(stream))
    logger.debug("a %s b %r", Secret(CANARY), Secret(CANARY))
    assert stream.getvalue() == "a <secret> b <secret>\n"


def test_a_traceback_with_captured_locals_shows_a_mask() -> None:
    def fails(secret: Secret) -> None:
        kept = [secret]
        raise RuntimeError(f"{secret} of {len(kept)}")

    try:
        fails(Secret(CANARY))
    except RuntimeError as error:
        dump = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    assert "secret = <secret>" in dump
    assert CANARY not in dump.replace(f'CANARY = "{CANARY}"', "")


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_it_can_not_be_pickled(protocol: int) -> None:
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(Secret(CANARY), protocol)
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(Holder(Secret(CANARY)), protocol)


def test_it_can_not_be_written_as_json() -> None:
    with pytest.raises(TypeError):
        json.dumps(Secret(CANARY))


def test_a_copy_is_the_same_secret() -> None:
    secret = Secret(CANARY)
    assert copy.copy(secret) is secret
    assert copy.deepcopy([secret])[0] is secret


def test_it_has_no_dictionary_and_takes_no_attributes() -> None:
    secret = Secret(CANARY)
    assert not hasattr(secret, "__dict__")
    with pytest.raises(AttributeError):
        secret.text = "x"  # type: ignore[attr-defined]


def test_it_holds_text_only() -> None:
    with pytest.raises(TypeError):
        Secret(b"bytes")  # type: ignore[arg-type]


texts = st.text() | st.just("\ud800")


@given(texts, texts)
def test_secrets_are_equal_as_their_texts_are(one: str, other: str) -> None:
    assert (Secret(one) == Secret(other)) is (one == other)
    assert Secret(one) == Secret(one)
    assert hash(Secret(one)) == hash(Secret(one))
    assert bool(Secret(one)) is bool(one)
    assert Secret(one).reveal() == one


@given(texts, texts)
def test_fingerprints_tell_secrets_apart_and_do_not_give_them_away(one: str, other: str) -> None:
    mark = Secret(one).fingerprint()
    assert len(mark) == 16
    assert set(mark) <= set("0123456789abcdef")
    assert (mark == Secret(other).fingerprint()) is (one == other)


def test_a_secret_is_not_its_text() -> None:
    assert Secret(CANARY) != CANARY


@pytest.mark.parametrize("nothing", [None, ""])
def test_services_send_empty_text_where_they_mean_nothing(nothing: str | None) -> None:
    assert secret_or_none(nothing) is None
    assert secret_or_none(CANARY) == Secret(CANARY)

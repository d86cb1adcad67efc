"""The part of the store contract that is `vestal.core.ledger` as tests."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from vestal.stores.record import Backend, Record
from vestal.testing.together import THREADS, together

ROUNDS = 20


class LedgerContract:
    """What a backend's ledger has to do. `StoreContract` sets it up."""

    backend: Backend

    def test_an_empty_ledger(self) -> None:
        """Nothing is there, and asking for it is no error."""
        assert self.backend.ledger.read([]) == {}
        assert self.backend.ledger.read(["a", "b"]) == {}
        assert self.backend.ledger.change("a", lambda value: (None, value)) is None
        assert self.backend.ledger.read(["a"]) == {}

    def test_what_is_entered_is_there(self) -> None:
        """By its key, as the text that it was."""
        texts = {
            "quota/pool/a": "{}",
            "quota/pool/a%": '{"\u00e9":"\U0001f600 \\u0000"}',
            "": "x" * 100_000,
            "A": "[1.50]",
        }
        for key, text in texts.items():
            assert self.backend.ledger.change(key, _put(text)) is None
        assert self.backend.ledger.read(list(texts)) == texts
        assert self.backend.ledger.read(["A", "nowhere", "A"]) == {"A": "[1.50]"}
        assert self.backend.ledger.change("A", lambda value: (None, value)) == "[1.50]"
        assert self.backend.ledger.change("A", _put("[2]")) == "[1.50]"
        assert self.backend.ledger.read(["A"]) == {"A": "[2]"}

    def test_an_exception_leaves_the_old_value(self) -> None:
        """And the ledger as good as before."""
        self.backend.ledger.change("a", _put("1"))
        for wanted in (LookupError("on purpose"), KeyboardInterrupt("on purpose")):
            raised: BaseException | None = None
            try:
                self.backend.ledger.change("a", partial(_fail, wanted))
            except (LookupError, KeyboardInterrupt) as error:
                raised = error
            assert raised is wanted
            assert self.backend.ledger.read(["a"]) == {"a": "1"}
        assert self.backend.ledger.change("a", _put("2")) == "1"

    def test_no_change_of_a_thread_is_lost(self) -> None:
        """Each is made of the value before it."""
        seen = together(lambda _: [self.backend.ledger.change("a", count) for _ in range(ROUNDS)])
        assert sorted(number for numbers in seen for number in numbers) == list(range(THREADS * ROUNDS))
        assert self.backend.ledger.read(["a"]) == {"a": str(THREADS * ROUNDS)}

    def test_the_ledger_and_the_records_do_not_know_of_each_other(self) -> None:
        """A key is no name, and a change goes on under a lease."""
        with self.backend.lease("a", 0):
            self.backend.ledger.change("a", _put("1"))
        assert self.backend.names() == []
        self.backend.put(Record("a", 1, 1, "{}", b""))
        self.backend.delete("a")
        assert self.backend.ledger.read(["a"]) == {"a": "1"}


def count(value: str | None) -> tuple[str, int]:
    """A change: one more. What it was before."""
    number = int(value or 0)
    return str(number + 1), number


def _fail(error: BaseException, value: str | None) -> tuple[str, None]:
    raise error


def _put(text: str) -> Callable[[str | None], tuple[str, str | None]]:
    return lambda value: (text, value)

"""Pools: a source over sources that have a quota, each chosen by what is left.

`pool.py` is what programs use. What may be reserved is decided by pure functions over one owner's books: `accounting.py`
over `books.py`, `window.py` (one bucket) and `rates.py` (the limits that a service keeps without telling). The words are in
`vestal.core.quota`; the books lie in a `vestal.core.ledger`.
"""

from vestal.core.pool.member import Left, Member, MemberState, Reservation
from vestal.core.pool.pool import Pool

__all__ = ["Left", "Member", "MemberState", "Pool", "Reservation"]

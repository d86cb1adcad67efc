"""For tests, Vestal's own and yours: a practice authorization server, a clock that is moved by hand, the store contract."""

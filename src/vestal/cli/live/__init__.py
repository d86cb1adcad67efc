"""`vestal practice --live`: the practice server, a token of a minute, and a view of how it is kept alive."""

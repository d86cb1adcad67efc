"""`vestal practice` with a token of a minute that is kept alive: to be seen here (--live), or at the daemon's dashboard."""

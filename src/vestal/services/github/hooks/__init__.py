"""Hooks that put the tokens of a `GitHubTokenPool` on the requests of other clients, and keep its books for them.

`flow` decides, with what `vestal.services.github.call` is made of; `httpx2` and `pygithub` send.
"""

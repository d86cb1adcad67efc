"""Hooks that put a token on the requests of an HTTP client: one file per client, named like it.

`flow` decides, without I/O; `hook` asks the source; `like_httpx` and `like_requests` hold what twin clients share.
"""

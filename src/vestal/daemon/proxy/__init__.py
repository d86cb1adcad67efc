"""The injecting reverse proxy: from a request at `/proxy/...` to the service's answer, with the token put in.

`target` and `headers` decide, without I/O; `places` looks up what is asked for; `upload` is the client's side of an exchange
and `wire` the service's; `passage` brings them together.
"""

"""The hook for requests.

    session = requests.Session()
    session.auth = VestalAuth(source, origins=["https://api.example.com"])

Or for a single request: `requests.get(url, auth=VestalAuth(source))`.
"""

from __future__ import annotations

from requests.auth import AuthBase
from requests.utils import rewind_body

from vestal.hooks.like_requests import LikeRequests


class VestalAuth(LikeRequests, AuthBase):
    """Keeps the requests of a session authorized; see `vestal.hooks.hook.Hook` for what it does and does not."""

    rewind = staticmethod(rewind_body)

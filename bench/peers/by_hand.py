"""What the user of a library that brings no refresh grant writes: redeem, and hold what came. No lock: that is its part."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import httpx2
import requests

from bench.peers.peer import CLIENT_ID, CLIENT_SECRET, Grant


class ByHand:
    """A refresh token and what it brought."""

    def __init__(self, grant: Grant) -> None:
        self._url = grant.token_url
        self._refresh_token = grant.refresh_token
        self.access_token = grant.access_token
        self.expires_at = grant.expires_at

    @property
    def expires(self) -> datetime:
        return datetime.fromtimestamp(self.expires_at, UTC)

    def redeem(self) -> str:
        answer = requests.post(self._url, data=self._form(), auth=(CLIENT_ID, CLIENT_SECRET), timeout=30)
        answer.raise_for_status()
        return self._take(answer.json())

    async def redeem_async(self) -> str:
        async with httpx2.AsyncClient(auth=(CLIENT_ID, CLIENT_SECRET), timeout=30) as client:
            answer = await client.post(self._url, data=self._form())
        answer.raise_for_status()
        return self._take(answer.json())

    def _form(self) -> dict[str, str]:
        return {"grant_type": "refresh_token", "refresh_token": self._refresh_token}

    def _take(self, answer: dict[str, str]) -> str:
        self._refresh_token = answer["refresh_token"]
        self.expires_at = time.time() + float(answer["expires_in"])
        self.access_token = answer["access_token"]
        return self.access_token

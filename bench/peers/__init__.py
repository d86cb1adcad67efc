"""The libraries to measure beside. Each imports what it is about when it is used, so that none has to be installed."""

from __future__ import annotations

from bench.peers.authlib import Authlib
from bench.peers.azure_core import AzureCore
from bench.peers.botocore import Botocore
from bench.peers.google_auth import GoogleAuth
from bench.peers.msal import Msal, MsalExtensions
from bench.peers.peer import Peer
from bench.peers.requests_oauthlib import RequestsOAuthlib
from bench.peers.singleflight_auth import SingleflightAuth
from bench.peers.vestal import Vestal

OURS = Vestal()
PEERS: tuple[Peer, ...] = (
    GoogleAuth(),
    AzureCore(),
    Botocore(),
    Authlib(),
    RequestsOAuthlib(),
    Msal(),
    MsalExtensions(),
    SingleflightAuth(),
)

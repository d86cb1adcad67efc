from __future__ import annotations

import json

from tests.doors.conftest import House, check
from tests.doors.guarded import Guarded
from tests.doors.programs import needs

VERSION = "client.authentication.k8s.io/v1"


@needs("kubectl")
def test_kubectl_asks_for_the_token(house: House, over_tls: Guarded) -> None:
    guarded = over_tls  # over plain http it sends no credentials
    plugin = {
        "apiVersion": VERSION,
        "command": "vestal",
        "args": ["for", "kubectl", "acme"],
        "interactiveMode": "Never",
        "provideClusterInfo": True,
    }
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": guarded.url, "insecure-skip-tls-verify": True}}],
        "users": [{"name": "me", "user": {"exec": plugin}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "me"}}],
        "current-context": "x",
    }
    (house.folder / "kubeconfig").write_text(json.dumps(config))
    guarded.allowed = {f"Bearer {house.token}"}
    version = {"major": "1", "minor": "32", "gitVersion": "v1.32.0"}
    guarded.answers["/version"] = 200, {"Content-Type": "application/json"}, json.dumps(version).encode()
    guarded.answers["/hello"] = 200, {"Content-Type": "text/plain"}, b"hello from the cluster"
    run = house.run("kubectl", "--kubeconfig", "kubeconfig", "get", "--raw", "/hello")
    assert "hello from the cluster" in check(run)


def test_the_version_that_is_asked_for(house: House) -> None:
    asked = {"apiVersion": "client.authentication.k8s.io/v1beta1", "kind": "ExecCredential", "spec": {}}
    told = json.loads(
        check(house.run("vestal", "for", "kubectl", "acme", env={"KUBERNETES_EXEC_INFO": json.dumps(asked)}))
    )
    assert (told["apiVersion"], told["kind"]) == (asked["apiVersion"], "ExecCredential")
    assert told["status"]["token"] == house.token
    assert told["status"]["expirationTimestamp"].endswith("Z")
    asked["apiVersion"] = "client.authentication.k8s.io/v1alpha1"
    run = house.run("vestal", "for", "kubectl", "acme", env={"KUBERNETES_EXEC_INFO": json.dumps(asked)})
    assert (run.returncode, run.stdout) == (2, "")

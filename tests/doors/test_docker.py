from __future__ import annotations

import hashlib
import json
from pathlib import Path

from tests.doors.conftest import House, check
from tests.doors.guarded import Guarded, basic
from tests.doors.programs import needs

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


@needs("docker")
def test_docker_asks_a_registry_with_the_token(house: House, over_tls: Guarded) -> None:
    guarded = over_tls
    house.names(guarded.host)
    folder = house.folder / "docker"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"credHelpers": {guarded.host: "vestal"}}))
    guarded.allowed = {basic("oauth2", house.token)}
    nothing = {"mediaType": "application/octet-stream", "size": 2, "digest": "sha256:" + "a" * 64}
    config = b'{"architecture": "amd64", "os": "linux"}'
    digest = f"sha256:{hashlib.sha256(config).hexdigest()}"
    described = {"mediaType": "application/vnd.docker.container.image.v1+json", "size": len(config), "digest": digest}
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": described, "layers": [nothing]}
    guarded.answers["/v2/"] = 200, {"Docker-Distribution-Api-Version": "registry/2.0"}, b"{}"
    text = json.dumps(manifest).encode()
    kind = {"Content-Type": MANIFEST, "Docker-Content-Digest": f"sha256:{hashlib.sha256(text).hexdigest()}"}
    guarded.answers["/v2/acme/app/manifests/1"] = 200, kind, text
    guarded.answers[f"/v2/acme/app/blobs/{digest}"] = 200, {"Content-Type": "application/octet-stream"}, config
    run = house.run(
        "docker", "manifest", "inspect", "--insecure", f"{guarded.host}/acme/app:1", env={"DOCKER_CONFIG": str(folder)}
    )
    assert json.loads(check(run))["config"]["digest"] == digest
    assert ("/v2/acme/app/manifests/1", basic("oauth2", house.token), 200) in guarded.seen


def test_the_protocol(house: House) -> None:
    house.names("registry.example.com", 'username = "robot"')
    program = str(Path(house.environment["PATH"].split(":")[1]) / "docker-credential-vestal")
    told = json.loads(check(house.run(program, "get", input="https://registry.example.com/v2/\n")))
    assert told == {"ServerURL": "https://registry.example.com/v2/", "Username": "robot", "Secret": house.token}
    assert json.loads(check(house.run(program, "list"))) == {"https://registry.example.com": "robot"}
    unknown = house.run(program, "get", input="ghcr.io")
    assert (unknown.returncode, unknown.stdout) == (1, "credentials not found in native keychain\n")
    mine = {"ServerURL": "registry.example.com", "Username": "me", "Secret": "s3cret"}
    assert check(house.run(program, "store", input=json.dumps(mine))) == ""
    assert check(house.run(program, "erase", input="registry.example.com")) == ""
    other = house.run(program, "store", input=json.dumps({**mine, "ServerURL": "ghcr.io"}))
    assert other.returncode == 2
    assert "keeps no passwords" in other.stdout
    assert "s3cret" not in other.stdout + other.stderr
    assert house.run(program, "dance").returncode == 2

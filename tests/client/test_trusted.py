from __future__ import annotations

import os
import socket
from pathlib import Path

from vestal.client.trusted import is_ours


def test_a_socket_is_ours_only_in_a_folder_of_ours(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir(mode=0o700)
    path = folder / "s"
    assert not is_ours(path)
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(path))
        assert is_ours(path)
        folder.chmod(0o777)
        assert not is_ours(path)
        folder.chmod(0o755)
        assert is_ours(path)
        if os.geteuid() == 0:
            os.chown(folder, 12345, 12345)
            assert not is_ours(path)
    (tmp_path / "file").write_text("")
    tmp_path.chmod(0o700)
    assert not is_ours(tmp_path / "file")

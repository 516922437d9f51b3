"""Where keys are kept, by the vectors that all languages share, and sets that follow their source.

The commands, pipes and forks are those of POSIX.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conftest import in_child
from ssf_transmitter import KeySet, SigningKey, SsfError, Transmitter
from vectors import ISSUER, cases, read

FILE = "key-sources.json"
OPTIONS = ("kid", "algorithm", "password", "time_limit")


def content(name: str) -> bytes:
    text = read(FILE)["contents"][name]
    return text.encode() if isinstance(text, str) else base64.b64decode(text["base64"])


@pytest.mark.parametrize("case", cases(FILE, "cases"))
def test_a_source_gives_its_keys_or_an_error_that_shows_none(
    case: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, wanted in case.get("files", {}).items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content(wanted))
    for name, wanted in case.get("env", {}).items():
        monkeypatch.setenv(name, content(wanted).decode())
    source = case["source"].replace("{dir}", str(tmp_path))
    options = {name: case[name] for name in OPTIONS if name in case}
    if "error" in case:
        for read_it in (SigningKey.from_source, KeySet.watch):
            with pytest.raises(SsfError) as refused:
                read_it(source, **options)
            assert refused.value.code == case["error"]["code"]
            assert [part for part in case["error"]["says"] if part not in str(refused.value)] == []
            assert [part for part in case["error"].get("hides", []) if part in repr(refused.value)] == []
        return
    key = SigningKey.from_source(source, **options)
    published = [key.kid for key in KeySet.watch(source, **options).jwks().keys]
    assert {"kid": key.kid, "algorithm": key.algorithm, "published": published} == case["expect"]


def write(path: Path, key: SigningKey) -> None:
    path.write_text(key.export_private_pem())


def test_a_key_is_read_from_a_variable_and_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = SigningKey.generate("RSA-2048")
    monkeypatch.setenv("SSF_TEST_KEY", key.export_private_pem(password="correct horse"))
    write(tmp_path / "key.pem", key)
    found = SigningKey.from_env("SSF_TEST_KEY", kid="a", algorithm="PS256", password="correct horse")
    assert (found.kid, found.algorithm, found.public_key.thumbprint) == ("a", "PS256", key.kid)
    assert SigningKey.from_file(tmp_path / "key.pem").kid == key.kid
    assert SigningKey.from_file(os.fspath(tmp_path / "key.pem"), kid="b").kid == "b"
    assert SigningKey.from_any(key.export_private_jwk()).kid == key.kid
    with pytest.raises(TypeError, match="kidd"):
        SigningKey.from_file(tmp_path / "key.pem", kidd="b")  # type: ignore[call-arg]


def test_a_set_follows_a_file(tmp_path: Path) -> None:
    old, new = SigningKey.generate("P-256"), SigningKey.generate("P-256")
    write(tmp_path / "key.pem", old)
    keys = KeySet.watch(f"file:{tmp_path}/key.pem", every=0)
    with Transmitter(ISSUER, keys) as transmitter:
        assert keys.active.kid == old.kid
        write(tmp_path / "key.pem", new)
        assert keys.active.kid == new.kid
        assert {key.kid for key in transmitter.jwks().keys} == {old.kid, new.kid}
        (tmp_path / "key.pem").write_text("s3cr3t")
        assert keys.active.kid == new.kid
        assert keys.last_error is not None
        assert keys.last_error.code == "key_format_unknown"
        assert "s3cr3t" not in repr(keys.last_error)
        with pytest.raises(SsfError) as refused:
            keys.stage(old)
        assert refused.value.code == "key_set_watched"


def test_a_set_is_refreshed_on_demand(tmp_path: Path) -> None:
    old, new = SigningKey.generate("P-256"), SigningKey.generate("P-256")
    write(tmp_path / "1.pem", old)
    keys = KeySet.watch(f"dir:{tmp_path}", every=3600)
    write(tmp_path / "2.pem", new)
    assert keys.standby == []
    assert keys.refresh()
    assert [key.kid for key in keys.standby] == [new.kid]
    assert keys.source == f"dir:{tmp_path}"
    assert not KeySet(old).refresh()
    assert KeySet(old).source is None


def until(condition: Callable[[], bool]) -> None:
    while not condition():
        pass


def test_a_child_follows_the_source_by_itself_even_while_a_command_runs(tmp_path: Path) -> None:
    old, new = SigningKey.generate("P-256"), SigningKey.generate("P-256")
    path, gate = tmp_path / "key.pem", tmp_path / "gate"
    write(path, old)
    keys = KeySet.watch(f"cmd:sh -c \"test ! -e '{gate}' || read line < '{gate}'; cat '{path}'\"", every=0)
    os.mkfifo(gate)
    write(path, new)
    # A command of this process waits at the gate, and the thread that waits for it is not in the child.
    assert keys.active.kid == old.kid

    def child() -> None:
        gate.unlink()
        until(lambda: keys.active.kid == new.kid)

    pipe = os.open(gate, os.O_RDWR)
    in_child(child)
    os.write(pipe, b"open\n")
    until(lambda: keys.active.kid == new.kid)
    os.close(pipe)

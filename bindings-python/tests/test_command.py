"""The process of an emulator: how it is found, what it has to be, and when it ends."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import distribution, version
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from conftest import ISSUER, in_child
from ssf_transmitter import SigningKey
from ssf_transmitter.testing import ReceiverEmulator

START = """
import os, sys
from ssf_transmitter import SigningKey
from ssf_transmitter.testing import ReceiverEmulator
emulator = ReceiverEmulator(issuer="https://edr.example.com", keys=SigningKey.generate("P-256"))
print(emulator.url, flush=True)
"""


def program(path: Path, *lines: str) -> str:
    """A program of a few lines for the shell."""
    path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    path.chmod(0o755)
    return str(path)


def ended(url: str) -> bool:
    """Whether nobody listens any more, at the latest after a while."""
    deadline = time.monotonic() + 30
    address = urlsplit(url)
    while time.monotonic() < deadline:
        try:
            socket.create_connection((address.hostname, address.port), timeout=600).close()
        except ConnectionError:
            return True
    return False


def test_a_command_of_another_version_is_refused(
    key: SigningKey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = program(tmp_path / "old", "read -r settings", """echo '{ "version": "0.0.1", "error": "what?" }'""", "cat")
    monkeypatch.setenv("SSF_COMMAND", old)
    wanted = f"has to be ssf of version {version('ssf-transmitter')}: run `pip install ssf-transmitter"
    with pytest.raises(RuntimeError, match=f"old is of version 0.0.1, and {wanted}"):
        ReceiverEmulator(issuer=ISSUER, keys=key)
    monkeypatch.setenv("SSF_COMMAND", program(tmp_path / "other", "exit 2"))
    with pytest.raises(RuntimeError, match=f"other ended with code 2, and {wanted}"):
        ReceiverEmulator(issuer=ISSUER, keys=key)
    for says in ("hello", "7"):
        monkeypatch.setenv("SSF_COMMAND", program(tmp_path / f"says-{says}", f"echo {says}", "cat >/dev/null"))
        with pytest.raises(RuntimeError, match="gives no answer that ssf would give"):
            ReceiverEmulator(issuer=ISSUER, keys=key)
    monkeypatch.setenv("SSF_COMMAND", str(tmp_path / "nowhere"))
    with pytest.raises(FileNotFoundError, match="nowhere"):
        ReceiverEmulator(issuer=ISSUER, keys=key)


def test_a_command_is_found_in_a_folder_of_pip_and_on_the_path_and_missed_elsewhere(tmp_path: Path) -> None:
    # As `pip install --target` lays it out, for an interpreter that knows of nothing else.
    packages = tmp_path / "packages"
    for file in distribution("ssf-transmitter").files or ():
        (packages / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file.locate(), packages / file)
    command = shutil.which("ssf", path=Path(sys.executable).parent)
    assert command is not None
    interpreter = Path(sys.base_prefix) / "bin" / Path(sys.executable).resolve().name

    def run(path: str = "") -> subprocess.CompletedProcess[str]:
        environment = {"PYTHONPATH": str(packages), "PATH": path}
        arguments = [interpreter, "-c", START]
        return subprocess.run(arguments, env=environment, capture_output=True, text=True, timeout=600, check=False)

    missing = run()
    assert missing.returncode == 1
    assert "FileNotFoundError" in missing.stderr
    assert "run `pip install ssf-transmitter[testing]`" in missing.stderr
    on_path = run(str(Path(command).parent))
    assert on_path.stdout.startswith("http://"), on_path.stderr
    (packages / "bin").mkdir()
    shutil.copy(command, packages / "bin")
    beside = run()
    assert beside.stdout.startswith("http://"), beside.stderr


@pytest.mark.parametrize("ending", ["", "os._exit(0)", "os.abort()", "del emulator; sys.stdin.read()"])
def test_it_ends_with_its_object_and_with_its_process(ending: str) -> None:
    child = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", START + ending], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert ended(child.stdout.readline())


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_child_that_was_forked_neither_uses_it_nor_keeps_it(key: SigningKey) -> None:
    with ReceiverEmulator(issuer=ISSUER, keys=key) as emulator:

        def work() -> None:
            with pytest.raises(RuntimeError, match="runs in another process"):
                emulator.requests  # noqa: B018
            emulator.stop()
            with ReceiverEmulator(issuer=ISSUER, keys=key) as own:
                assert own.requests == []

        in_child(work)
        assert emulator.requests == []

    # The child of this one outlives it.
    parent = START + "if os.fork() == 0: sys.stdin.read()\nelse: os.abort()"
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", parent], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert ended(child.stdout.readline())


def test_threads_may_ask_at_the_same_time(key: SigningKey) -> None:
    with ReceiverEmulator(issuer=ISSUER, keys=key) as emulator, ThreadPoolExecutor(8) as pool:

        def ask(number: int) -> object:
            return emulator.requests if number % 2 else emulator.accepted

        assert list(pool.map(ask, range(400))) == [{}, []] * 200


def test_it_says_that_it_is_stopped_when_somebody_ended_it(
    key: SigningKey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = shutil.which("ssf", path=Path(sys.executable).parent)
    monkeypatch.setenv("SSF_COMMAND", program(tmp_path / "ssf", f'echo $$ >"{tmp_path}/pid"', f'exec "{command}" "$@"'))
    emulator = ReceiverEmulator(issuer=ISSUER, keys=key)
    os.kill(int((tmp_path / "pid").read_text()), 9)
    with pytest.raises(RuntimeError, match="is stopped"):
        while True:
            emulator.clear()
    emulator.stop()

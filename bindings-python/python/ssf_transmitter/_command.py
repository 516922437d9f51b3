"""The command `ssf` as a process: it is the receiver emulator, which `docs/emulator.md` describes."""

from __future__ import annotations

import errno
import json
import os
import shutil
import sys
import sysconfig
import threading
import weakref
from importlib.metadata import version
from pathlib import Path
from subprocess import PIPE, Popen, TimeoutExpired
from typing import TYPE_CHECKING, Any, TypedDict, cast

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ADVICE = "run `pip install ssf-transmitter[testing]`"

#: How many seconds a process may take to end: it answers pending requests first, for some seconds at most.
GRACE = 30


def find() -> str:
    """The path of the command: what `SSF_COMMAND` says, the one installed beside this package, or one on the path."""
    chosen = os.environ.get("SSF_COMMAND")
    if chosen:
        return chosen
    name = f"ssf{sysconfig.get_config_var('EXE') or ''}"
    installed = next((path for folder in _scripts() if (path := folder / name).is_file()), None)
    found = str(installed) if installed else shutil.which("ssf")
    if found is None:
        raise FileNotFoundError(f"the command ssf, which is the receiver emulator, is not installed: {ADVICE}")
    return found


def _scripts() -> Iterator[Path]:
    """Where installers put the scripts of a package."""
    yield Path(sysconfig.get_path("scripts"))
    # A virtual environment may see the packages of the interpreter that it was made from.
    yield Path(sysconfig.get_path("scripts", vars={"base": sys.base_prefix}))
    yield Path(sysconfig.get_path("scripts", scheme=sysconfig.get_preferred_scheme("user")))
    packages = Path(__file__).parents[1]
    # `pip install --target`, and `--prefix`.
    yield packages / "bin"
    above = 2 if packages.match("lib/python*/site-packages") else 1
    if len(packages.parents) > above:
        yield packages.parents[above] / Path(sysconfig.get_path("scripts")).name


class Addresses(TypedDict):
    """Where every emulator is."""

    push: str
    base: str


class Ready(Addresses, total=False):
    """What an emulator says when it is ready."""

    token: str
    ca_pem: str


class Process:
    """An emulator. It ends when this is stopped or forgotten, and at the latest with this process."""

    def __init__(self, settings: Mapping[str, object]) -> None:
        command = find()
        self._turn = threading.Lock()
        line = json.dumps(settings)
        with _forks:
            # Without buffers there is nothing that a fork could copy.
            child = Popen([command, "emulate"], stdin=PIPE, stdout=PIPE, bufsize=0)  # noqa: S603
            self._child: Popen[bytes] | None = child
            self._ended = weakref.finalize(self, _end, child)
            _all.add(self)
        ready: Any
        try:
            ready = self._exchange(child, line)
        except ValueError:
            ready = {}
        wanted = version("ssf-transmitter")
        if not isinstance(ready, dict) or ready.get("version") != wanted:
            self.stop()
            found = _found(ready, child.returncode)
            raise RuntimeError(f"{command} {found}, and has to be ssf of version {wanted}: {ADVICE}")
        if "error" in ready:
            self.stop()
            raise ValueError(ready["error"])
        self._ready = cast("Ready", ready)

    @property
    def ready(self) -> Ready:
        """What it said when it was ready: its addresses."""
        self._running()
        return self._ready

    def ask(self, command: str) -> Any:
        """Has it obey a command, and returns the answer."""
        with self._turn:
            answer = self._exchange(self._running(), json.dumps({"do": command}))
            if answer is None:
                raise self._stopped()
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["done"]

    def stop(self) -> None:
        """Stop it once pending requests are answered."""
        with self._turn:
            child, self._child = self._child, None
        if child is not None:
            self._ended.detach()
            _write(child, json.dumps({"do": "stop"}))
            _end(child)

    def _running(self) -> Popen[bytes]:
        if self._child is None:
            raise self._stopped()
        return self._child

    def _stopped(self) -> RuntimeError:
        return RuntimeError("the emulator is stopped, or runs in another process")

    def _exchange(self, child: Popen[bytes], line: str) -> Any:
        """Writes a line, and reads the one that answers it; nothing if the process has ended."""
        try:
            _write(child, line)
            answer = _read(child)
        except BaseException:
            # Its answer would be taken for that of the next command.
            self._child = None
            self._ended()
            raise
        return json.loads(answer) if answer else None

    def _forget(self) -> None:
        """Lets go of what a child has inherited: the emulator belongs to the parent, and ends with that."""
        child, self._child, self._turn = self._child, None, threading.Lock()
        self._ended.detach()
        if child is not None:
            _close(child)
            # Nobody is to wait for a process that is no child of this one.
            child.returncode = 0


def _found(ready: object, code: int | None) -> str:
    """What a program does that is not the command of this version."""
    if ready is None:
        return f"ended with code {code}"
    if isinstance(ready, dict) and "version" in ready:
        return f"is of version {ready['version']}"
    return "gives no answer that ssf would give"


def _write(child: Popen[bytes], line: str) -> None:
    rest = memoryview(f"{line}\n".encode())
    assert child.stdin is not None  # noqa: S101
    try:
        while rest:
            rest = rest[child.stdin.write(rest) :]
    except OSError as error:
        # It has ended, and says nothing. Windows has another number for that.
        if error.errno not in (errno.EPIPE, errno.EINVAL):
            raise


def _read(child: Popen[bytes]) -> bytes:
    assert child.stdout is not None  # noqa: S101
    parts: list[bytes] = []
    while part := child.stdout.read(1 << 16):
        parts.append(part)
        if part.endswith(b"\n"):
            return b"".join(parts)
    return b""


def _close(child: Popen[bytes]) -> None:
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            pipe.close()


def _end(child: Popen[bytes]) -> None:
    """Ends a process by the end of its input, and waits for it."""
    _close(child)
    try:
        child.wait(GRACE)
    except TimeoutExpired:
        child.kill()
        child.wait()


#: Those that run, for a child to forget.
_all: weakref.WeakSet[Process] = weakref.WeakSet()
#: Held while one is started, and while a process forks: the child then knows all that there are.
_forks = threading.RLock()


def _forget_all() -> None:
    try:
        for process in list(_all):
            process._forget()  # noqa: SLF001
    finally:
        _forks.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_forks.acquire, after_in_parent=_forks.release, after_in_child=_forget_all)

"""The file of settings, by the vectors that all languages share. Its commands are those of POSIX."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from conftest import ISSUER, in_child
from ssf_transmitter import (
    AsyncTransmitter,
    Config,
    ConfigError,
    Email,
    Receipt,
    SigningKey,
    SsfError,
    Transmitter,
    ValidationError,
)
from ssf_transmitter.events import caep
from ssf_transmitter.outbox import Outbox, Worker
from vectors import cases, read

if TYPE_CHECKING:
    from ssf_transmitter.testing import ReceiverEmulator

FILE = "config.json"
EVENT = caep.SessionRevoked(reason_admin={"en": "Laptop lost"})
ADA = Email("ada@example.com")
SETTINGS = f"""
issuer = "{ISSUER}"

[receivers.acme]
okta = "https://acme.okta.com"
"""


def write(folder: Path, case: dict[str, Any]) -> Path:
    """The file of a case, and those beside it."""
    contents = read(FILE)["contents"]
    for name, content in case.get("files", {}).items():
        (folder / name).write_text(contents.get(content, content), "utf-8")
    path = folder / "ssf.toml"
    path.write_text(case["toml"], "utf-8")
    return path


@pytest.mark.parametrize("case", cases(FILE, "valid"))
def test_a_file_is_read_with_all_that_it_names(case: dict[str, Any], tmp_path: Path) -> None:
    config = Config(write(tmp_path, case))
    expect = case["expect"]
    assert config.issuer == expect["issuer"]
    assert {
        name: {"host": to.host, "audience": to.audience, "dialect": to.dialect.id}
        for name, to in config.receivers().items()
    } == expect["receivers"]
    if expect["issuer"] is not None:
        transmitter = Transmitter.from_config(config)
        assert transmitter.issuer == expect["issuer"]
        kids = [key.kid for key in transmitter.jwks().keys]
        assert kids == [expect.get("kid", kids[0])]


@pytest.mark.parametrize("case", cases(FILE, "invalid"))
def test_the_first_mistake_is_told_with_its_place_and_without_its_value(case: dict[str, Any], tmp_path: Path) -> None:
    path = write(tmp_path, case)
    with pytest.raises(SsfError) as refused:
        made = Config(path)
        made.receivers()
        Transmitter.from_config(made)
    error, first = refused.value, case["errors"][0]
    assert (error.code, error.pointer) == (first["code"], first["pointer"])
    assert error.message.startswith(str(path))
    assert [words for words in first["says"] if words not in error.message] == []
    assert [secret for secret in case.get("hides", []) if secret in f"{error} {error!r}"] == []


def test_the_nearest_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    below = tmp_path / "src" / "deep"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    with pytest.raises(ConfigError, match=r"there is no ssf\.toml"):
        Config()
    (tmp_path / "ssf.toml").write_text(SETTINGS, "utf-8")
    config = Config()
    assert (config.issuer, config.receiver_names) == (ISSUER, ["acme"])
    assert repr(config) == f"<Config {ISSUER} receivers=[acme]>"
    assert Config(str(tmp_path / "ssf.toml")).issuer == ISSUER


@pytest.fixture
def described(emulator: ReceiverEmulator, key: SigningKey, tmp_path: Path) -> Config:
    """A file with the emulator as the receiver `local`."""
    (tmp_path / "key.pem").write_text(key.export_private_pem(), "utf-8")
    (tmp_path / "ca.pem").write_text(emulator.ca_pem or "", "utf-8")
    path = tmp_path / "ssf.toml"
    path.write_text(
        f"""
        issuer = "{ISSUER}"
        key = "file:key.pem"

        [receivers.local]
        endpoint = "{emulator.url}"
        audience = "{emulator.audience}"
        allow_loopback = true

        [network]
        ca_bundle = "ca.pem"

        [lint]
        refuse = "note"
        """,
        "utf-8",
    )
    return Config(path)


def test_what_a_file_describes_sends(described: Config, emulator: ReceiverEmulator) -> None:
    to = described.receiver("local")
    with Transmitter.from_config(described) as transmitter:
        first = transmitter.emit(EVENT, ADA, to)

        def work() -> None:
            transmitter.emit(EVENT, ADA, to, jti="of-the-child")

        in_child(work)

    async def main() -> Receipt:
        async with AsyncTransmitter.from_config(described) as transmitter:
            return await transmitter.emit(EVENT, ADA, to)

    second = asyncio.run(main())
    assert emulator.accepted == {first.jti: 1, "of-the-child": 1, second.jti: 1}


def test_the_example_of_the_documentation_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).parents[2] / "docs" / "configuration-file.md").read_text("utf-8")
    (block,) = re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    key = f'key = "file:key.pem"\n{SETTINGS}'
    write(tmp_path, {"toml": key, "files": {"key.pem": "p256"}})
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(compile(block, "configuration-file.md", "exec"), names)
    assert names["acme"].host == "acme.okta.com"
    assert names["transmitter"].issuer == ISSUER


def test_an_outbox_has_its_receivers_from_the_file(described: Config, emulator: ReceiverEmulator) -> None:
    outbox = Outbox.in_memory()
    accepted = outbox.enqueue(EVENT, ADA, to="local")
    with Transmitter.from_config(described) as transmitter:
        Worker(outbox, transmitter, described.receivers()).drain()
    assert emulator.accepted == {accepted.jtis[0]: 1}


def test_the_lint_policy_of_the_file_counts(described: Config) -> None:
    event = caep.SessionRevoked(reason_admin={"en": "Laptop lost"}, other_members={"colour": "red"})
    with Transmitter.from_config(described) as transmitter, pytest.raises(ValidationError):
        transmitter.emit(event, ADA, described.receiver("local"))


def test_wrong_names_and_types_are_refused() -> None:
    config = Config.from_toml(SETTINGS)
    with pytest.raises(ConfigError, match=r"there is no receiver Acme; did you mean acme\?"):
        config.receiver("Acme")
    with pytest.raises(TypeError, match="did you mean 'path'"):
        Config(pth="ssf.toml")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="config: expected Config, got str"):
        Transmitter.from_config("ssf.toml")  # type: ignore[arg-type]

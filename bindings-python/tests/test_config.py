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
from ssf_transmitter.outbox import AsyncOutbox, Outbox, Seal, Worker
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
    key = f'key = "file:key.pem"\n{SETTINGS}\n[outbox]\nfile = "outbox.db"\n'
    write(tmp_path, {"toml": key, "files": {"key.pem": "p256"}})
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(compile(block, "configuration-file.md", "exec"), names)
    assert names["acme"].host == "acme.okta.com"
    assert names["transmitter"].issuer == ISSUER
    assert names["outbox"].counts().waiting == 0


def test_an_outbox_has_its_receivers_from_the_file(described: Config, emulator: ReceiverEmulator) -> None:
    outbox = Outbox.in_memory()
    accepted = outbox.enqueue(EVENT, ADA, to="local")
    with Transmitter.from_config(described) as transmitter:
        Worker(outbox, transmitter, described.receivers()).drain()
    assert emulator.accepted == {accepted.jtis[0]: 1}


def test_the_outbox_of_the_file_is_the_one_at_its_path(tmp_path: Path) -> None:
    path = tmp_path / "ssf.toml"
    path.write_text(f'{SETTINGS}\n[outbox]\nfile = "outbox.db"\n', "utf-8")
    config = Config(path)
    seal = Seal(index_key=bytes(32), keys={"2026-12": bytes(range(32))})

    async def main() -> tuple[str, ...]:
        async with AsyncOutbox.from_config(config, seal=seal) as outbox:
            return (await outbox.enqueue(EVENT, ADA, to="acme")).jtis

    # What is for a database has no effect on a file.
    with Outbox.from_config(config, seal=seal, migrate=True) as outbox:
        assert repr(outbox) == f"<Outbox {tmp_path / 'outbox.db'}>"
        assert not (tmp_path / "outbox.db").exists()
        jtis = [*outbox.enqueue(EVENT, ADA, to="acme").jtis, *asyncio.run(main())]
        with Outbox(tmp_path / "outbox.db", seal=seal) as other:
            assert [delivery.jti for delivery in other.list(subject=ADA)] == jtis
    with Outbox.from_config(config, seal=seal, receivers=config.receivers()) as linting:
        with pytest.raises(ValidationError) as rejected:
            linting.enqueue(EVENT, ADA, to="acme")
        assert rejected.value.code == "event_member_missing"


def test_an_outbox_needs_a_place_and_an_issuer_to_lint_for() -> None:
    with pytest.raises(ConfigError, match=r"^\[outbox\] is missing") as missing:
        Outbox.from_config(Config.from_toml(SETTINGS))
    assert (missing.value.code, missing.value.pointer) == ("configuration_invalid", "/outbox")
    config = Config.from_toml("[outbox]\nfile = 'outbox.db'\n[receivers.acme]\nokta = 'https://acme.okta.com'\n")
    with pytest.raises(ConfigError, match="issuer is missing"):
        Outbox.from_config(config, receivers=config.receivers())
    with pytest.raises(TypeError, match=r"unexpected keyword argument 'schema'"):
        Outbox.from_config(config, schema="events")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="config: expected Config, got str"):
        Outbox.from_config("ssf.toml")  # type: ignore[arg-type]


def test_the_url_of_a_database_is_read_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    config = Config.from_toml("[outbox]\ndatabase = 'env:SSF_TEST_DATABASE'\nschema = 'events'\n")
    for url, why in [(None, "SSF_TEST_DATABASE"), ("mysql://ssf:s3cret@db.example.com/ssf", "postgresql://")]:
        if url is not None:
            monkeypatch.setenv("SSF_TEST_DATABASE", url)
        with pytest.raises(ConfigError, match=why) as refused:
            Outbox.from_config(config)
        assert refused.value.pointer == "/outbox/database"
        assert "s3cret" not in f"{refused.value!r}"
    monkeypatch.setenv("SSF_TEST_DATABASE", "postgresql://ssf:s3cret@db.example.com/ssf")
    outbox = Outbox.from_config(config)
    assert repr(outbox) == "<Outbox postgresql, schema events>"
    assert '"events"' in outbox.statement(EVENT, ADA, to="acme").sql


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

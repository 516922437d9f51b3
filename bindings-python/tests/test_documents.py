"""What the README and the examples show is run as it stands."""

from __future__ import annotations

import doctest
import importlib
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

import mounts
import ssf_transmitter
from conftest import ISSUER
from ssf_transmitter import Jwks, PublicKey, SigningKey
from ssf_transmitter.testing import ReceiverEmulator

pytest_plugins = ["pytester"]

PACKAGE = Path(__file__).parents[1]
EXAMPLES = PACKAGE.parent / "examples" / "python"
BLOCKS = re.findall(r"^```python\n(.*?)^```", (PACKAGE / "README.md").read_text("utf-8"), re.DOTALL | re.MULTILINE)


class Kms:
    """Emulates the service of the README."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())

    def sign(self, *, KeyId: str, Message: bytes, MessageType: str, SigningAlgorithm: str) -> dict[str, bytes]:  # noqa: N803
        assert (MessageType, SigningAlgorithm) == ("DIGEST", "ECDSA_SHA_256")
        return {"Signature": self.key.sign(Message, ec.ECDSA(Prehashed(SHA256())))}

    def get_public_key(self, *, KeyId: str) -> dict[str, bytes]:  # noqa: N803
        return {"PublicKey": self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)}


def published(kms: Kms) -> Jwks:
    pem = kms.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return Jwks([PublicKey.from_pem(pem).with_kid("kms-1")])


def test_the_readme_has_its_blocks() -> None:
    assert len(BLOCKS) == 13


def test_the_test_of_the_readme_passes(pytester: pytest.Pytester) -> None:
    (block,) = (block for block in BLOCKS if "ssf_receiver" in block)
    pytester.makepyfile(block)
    pytester.runpytest_subprocess("-q", "-p", "no:asyncio").assert_outcomes(passed=1)


@pytest.mark.parametrize(
    "block", [pytest.param(block, id=str(number)) for number, block in enumerate(BLOCKS) if "ssf_receiver" not in block]
)
def test_a_block_of_the_readme_runs(
    block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ssf_receiver: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    kms, key = Kms(), SigningKey.generate()
    Path("signing-key.pem").write_text(key.export_private_pem())
    acme = '[receivers.acme]\nokta = "https://acme.okta.com"\n'
    Path("ssf.toml").write_text(f'issuer = "{ISSUER}"\nkey = "file:signing-key.pem"\n{acme}')
    keys = published(kms) if "kms" in block else key
    addresses = {
        'Receiver.okta("https://acme.okta.com")': "okta",
        'Receiver("https://receiver.example.net/events", "https://receiver.example.net")': "rfc8935",
    }
    names: dict[str, Any] = {"__name__": "__main__", "kms": kms}
    for address, like in addresses.items():
        if address in block:
            # Only the addresses are others: those of the README are nobody's.
            names["emulator"] = ssf_receiver(issuer=ISSUER, keys=keys, like=like)
            block = block.replace(address, "emulator.receiver()")
    org = 'OktaProviders("https://acme.okta.com", '
    if org in block:
        monkeypatch.setenv("OKTA_API_TOKEN", "00t0ken")
        names["emulator"] = ssf_receiver(issuer="https://x.example", keys=key, like="okta", api_token="00t0ken")
        block = block.replace(org, "OktaProviders(emulator.base_url, allow_loopback=True, ")
    sent = block.count(".emit(") + block.count(".emit_all(") + block.count(".drain(")
    exec(compile(block, "README.md", "exec"), names)
    assert len(names["emulator"].received if "emulator" in names else []) == sent


def test_the_application_of_the_guide_is_one() -> None:
    guide = (PACKAGE.parent / "docs" / "transmitter.md").read_text("utf-8")
    (block,) = re.findall(r"^```python\n(.*?)^```", guide, re.DOTALL | re.MULTILINE)
    names: dict[str, Any] = {}
    exec(compile(block, "transmitter.md", "exec"), names)
    with mounts.running(asgi=True) as server:
        server.serve(names["app"])
        assert server.request("GET", "/ssf/streams", headers={"Authorization": "Bearer of-acme"})[0] == 200
        assert server.request("POST", "/sessions/ada@example.com/revoke")[2] == b"0"


def test_the_examples_in_the_docstrings_of_the_native_part_run() -> None:
    # Those of Python modules are run by `pytest --doctest-modules`.
    finder, runner = doctest.DocTestFinder(), doctest.DocTestRunner()
    for name in ssf_transmitter.__all__:
        value = getattr(ssf_transmitter, name)
        if isinstance(value, type) and ">>>" in (value.__doc__ or "") and value.__module__ == "ssf_transmitter":
            for example in finder.find(value, name, module=False, globs=vars(ssf_transmitter).copy()):
                runner.run(example)
    assert runner.summarize(verbose=False) == (0, 10)


EXPECTED = {
    "okta_first_set": "delivered with status 202",
    "govuk_one_login": "1 token fetched",
    "asyncio_service": "500 delivered",
    "flask_jwks": "/.well-known/ssf-configuration: 200 OK application/json",
    "outbox": "delivered after 3 attempts",
    "outbox_postgres": "1 delivered, 0 waiting",
    "outbox_transaction": "1 moved, 1 waiting, 0 left",
    "postgres_transaction": "1 for the workers",
    "kms_signer": "signed with ES256 and delivered with status 202",
}


#: The examples that are servers, and whether they are for ASGI.
STREAMS = {"streams_fastapi": True, "streams_flask": False}


def test_every_example_is_run_here() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.py")} == EXPECTED.keys() | STREAMS.keys() | {"celery_task"}


@pytest.mark.parametrize("name", EXPECTED)
def test_an_example_runs(name: str, request: pytest.FixtureRequest) -> None:
    environment = dict(os.environ)
    if "postgres" in name:
        environment["DATABASE_URL"] = request.getfixturevalue("postgres_url")
    call = [sys.executable, EXAMPLES / f"{name}.py"]
    done = subprocess.run(call, env=environment, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    assert EXPECTED[name] in done.stdout


@pytest.mark.parametrize("name", STREAMS)
def test_a_receiver_polls_an_example(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(EXAMPLES)
    headers = {"Authorization": "Bearer of-acme", "Content-Type": "application/json"}
    with mounts.running(asgi=STREAMS[name]) as server:
        server.serve(importlib.import_module(name).app)

        def post(path: str, body: Any) -> Any:
            status, _, answer = server.request("POST", path, body, headers)
            assert status in (200, 201), answer
            return json.loads(answer)

        configuration = json.loads(server.request("GET", "/.well-known/ssf-configuration")[2])
        uri = "https://schemas.openid.net/secevent/caep/event-type/session-revoked"
        stream = post(urlsplit(configuration["configuration_endpoint"]).path, {"events_requested": [uri]})
        assert post("/sessions/ada@example.com/revoke", {}) == 1
        poll = urlsplit(stream["delivery"]["endpoint_url"]).path
        (jti,) = post(poll, {})["sets"]
        assert post(poll, {"ack": [jti], "maxEvents": 0}) == {"sets": {}}


def test_the_celery_task_is_done_by_a_forked_worker(tmp_path: Path, ssf_receiver: Any) -> None:
    key = SigningKey.generate("P-256")
    emulator: ReceiverEmulator = ssf_receiver(issuer=ISSUER, keys=key)
    (tmp_path / "key.pem").write_text(key.export_private_pem())
    environment = os.environ | {
        "CELERY_BROKER": "filesystem://",
        "CELERY_FOLDER": str(tmp_path),
        "SSF_KEY": str(tmp_path / "key.pem"),
        "SSF_ISSUER": ISSUER,
        "SSF_ENDPOINT": emulator.url,
        "SSF_TRIAL": "1",
        "PYTHONPATH": str(EXAMPLES),
    }
    call = f"import celery_task; celery_task.session_revoked.delay({emulator.audience!r}, 'ada@example.com', 'set-1')"
    subprocess.run([sys.executable, "-c", call], env=environment, check=True, timeout=600)
    worker = [
        sys.executable,
        "-m",
        "celery",
        "--app",
        "celery_task",
        "worker",
        "--pool",
        "prefork",
        "--concurrency",
        "1",
    ]
    with subprocess.Popen(
        worker, env=environment, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        try:
            ends = time.monotonic() + 60
            while not emulator.accepted and process.poll() is None and time.monotonic() < ends:
                time.sleep(0.05)
        finally:
            process.terminate()
            output = process.communicate(timeout=600)[0].decode()
    assert emulator.accepted == {"set-1": 1}, output

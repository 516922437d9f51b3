"""Other interpreters in the same process, as mod_wsgi makes one for each application."""

from __future__ import annotations

import subprocess
import sys

import pytest

# The module for subinterpreters is private up to 3.13, and has changed its name and its calls.
IN_ANOTHER = """
import sys

try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters


def other(kind):
    if sys.version_info >= (3, 13):
        return interpreters.create(kind)
    return interpreters.create(isolated=kind == "isolated")


def run(code, kind):
    failed = interpreters.run_string(other(kind), code)
    assert failed is None, failed.formatted


WORKS = '''
from ssf_transmitter import ConfigError, Receiver
try:
    Receiver("no URL", "https://receiver.example.com")
except ConfigError as error:
    assert error.code == "endpoint_invalid", error.code
else:
    raise AssertionError("no error")
'''
REFUSED = '''
try:
    import ssf_transmitter
except ImportError as error:
    assert error.name == "ssf_transmitter", error.name
    assert "subinterpreter" in str(error), error
    assert "WSGIApplicationGroup %{GLOBAL}" in str(error), error
else:
    raise AssertionError("it can be imported")
import sys
assert "ssf_transmitter" not in sys.modules
'''
_, kind, *order = sys.argv
for where in order:
    if where == "main":
        exec(WORKS, {})
    else:
        run(REFUSED, kind)
print("done")
"""


@pytest.mark.parametrize("order", [["main", "sub", "main"], ["sub", "main", "sub", "sub"]])
@pytest.mark.parametrize("kind", ["legacy", "isolated"])
def test_a_subinterpreter_is_told_why_it_cannot_import_it_and_what_to_do(kind: str, order: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", IN_ANOTHER, kind, *order], capture_output=True, text=True, timeout=600, check=False
    )
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr

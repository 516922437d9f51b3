"""What the wheel that is released has to keep: it is quick to import, and needs nothing that a machine may not have."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

LIMIT = 0.050


def start(program: str) -> float:
    """Run a fresh interpreter, and return how long it took."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-I", "-c", program], check=True)
    return time.perf_counter() - began


def import_time() -> float:
    """What an import takes: the median of fresh interpreters, less what an interpreter takes."""
    start("import ssf_transmitter")
    pairs = [(start("import ssf_transmitter"), start("pass")) for _ in range(15)]
    return statistics.median(with_it for with_it, _ in pairs) - statistics.median(without for _, without in pairs)


def libraries() -> str:
    """The shared libraries that the native part needs."""
    import ssf_transmitter._native as native

    return subprocess.run(["ldd", str(native.__file__)], capture_output=True, text=True, check=True).stdout


def main() -> int:
    """Print the figures, and fail where a promise is not kept."""
    seconds = import_time()
    print(f"import: {seconds * 1e3:.0f} ms")
    needed = libraries() if sys.platform == "linux" else ""
    if "ssl" in needed or "crypto" in needed:
        print(f"a shared OpenSSL is needed:\n{needed}", file=sys.stderr)
        return 1
    if seconds > LIMIT:
        print(f"the import takes more than {LIMIT * 1e3:.0f} ms", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

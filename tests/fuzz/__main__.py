"""`python tests/fuzz [SECONDS]`: fuzz every decoder, compiled with AddressSanitizer.

The codecs are copied, compiled with clang's coverage and AddressSanitizer, and every harness
`fuzz_<codec>.py` runs over them for so many seconds, starting from the vectors. Needs clang with
its runtime (on Debian: clang, libclang-rt-dev) and atheris (in the extra `fuzz`).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import atheris

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
BUILD = ROOT / "build" / "fuzz"
PACKAGE = BUILD / "redspice"
SOURCES = ROOT / "runtime" / "redspice"
FLAGS = "-fsanitize=address,fuzzer-no-link -g"
DEFAULT_SECONDS = 30

sys.path.insert(0, str(ROOT))
from hatch_build import compile_modules  # noqa: E402


def build() -> None:
    """A package of the codecs alone, instrumented."""
    shutil.rmtree(BUILD, ignore_errors=True)
    shutil.copytree(
        SOURCES / "codecs", PACKAGE / "codecs", ignore=shutil.ignore_patterns("*.so", "__pycache__")
    )
    shutil.copy(SOURCES / "errors.py", PACKAGE)
    PACKAGE.joinpath("__init__.py").touch()
    os.environ |= {"CC": "clang", "LDSHARED": "clang -shared", "REDSPICE_CFLAGS": FLAGS}
    compile_modules(BUILD)


def fuzz(harness: Path, seconds: int) -> int:
    """Run one harness; its exit code is 0 if nothing was found."""
    runtime = Path(atheris.path(), "asan_with_fuzzer.so")
    environment = os.environ | {
        "PYTHONPATH": str(BUILD),
        "LD_PRELOAD": str(runtime),
        # What the interpreter keeps until it ends is no leak of ours.
        "ASAN_OPTIONS": "detect_leaks=0",
        # Python's own pools would hide what reads beyond the end.
        "PYTHONMALLOC": "malloc",
    }
    command = [sys.executable, str(harness), f"-max_total_time={seconds}"]
    return subprocess.run(command, env=environment, cwd=BUILD).returncode


def main() -> int:
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT_SECONDS
    if shutil.which("clang") is None:
        print("clang is needed; on Debian: apt-get install clang libclang-rt-dev", file=sys.stderr)
        return 2
    build()
    codes = {harness.stem: fuzz(harness, seconds) for harness in sorted(HERE.glob("fuzz_*.py"))}
    for name, code in codes.items():
        print(f"{name}: {'nothing found' if code == 0 else f'FOUND SOMETHING (exit {code})'}")
    return max(codes.values(), default=0)


if __name__ == "__main__":
    raise SystemExit(main())

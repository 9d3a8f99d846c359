"""What the numbers belong to: processor, vectors, packages."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = (
    "ketalab", "numpy", "scipy", "numba", "llvmlite", "libroadrunner", "python-libsbml", "jax", "jaxlib", "diffrax",
)  # fmt: skip
#: Widest first: name of the feature, bits of a vector.
_WIDTHS = (("avx512f", 512), ("avx2", 256), ("avx", 256), ("neon", 128), ("sse2", 128))


def _features() -> set[str]:
    """What the compiler of the kernel says that this processor can do."""
    from llvmlite import binding

    return {name for name, present in binding.get_host_cpu_features().items() if present}


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    found = {key.strip(): value.strip() for key, _, value in (x.partition(":") for x in lines)}
    family = f"family {found['cpu family']} model {found['model']}" if "model" in found else ""
    return f"{found.get('model name', platform.machine())} {family}".strip()


def describe() -> dict[str, str | int | None]:
    """Processor, bits of a vector, load of the machine, versions."""
    features = _features()
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else None
    made: dict[str, str | int | None] = {
        "processor": _processor(),
        "processors": os.cpu_count(),
        "bits of a vector": next((bits for name, bits in _WIDTHS if name in features), 0),
        "load at the beginning": load,
        "python": platform.python_version(),
        "system": platform.system(),
    }
    for package in PACKAGES:
        try:
            made[package] = version(package)
        except PackageNotFoundError:
            made[package] = None
    return made

"""What the numbers were measured on."""

import os
import platform
import re
import time
from pathlib import Path

# The instruction sets that decide which kernels a runtime takes.
FLAGS = ["avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "asimd", "sve"]


def cpu_info() -> dict:
    """The fields of the first processor in /proc/cpuinfo."""
    try:
        text = Path("/proc/cpuinfo").read_text().split("\n\n")[0]
    except OSError:
        return {}
    pairs = (line.split(":", 1) for line in text.splitlines() if ":" in line)
    return {key.strip(): value.strip() for key, value in pairs}


def memory_gb() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9


def describe() -> dict:
    info = cpu_info()
    flags = info.get("flags", info.get("Features", "")).split()
    name = info.get("model name", platform.processor() or platform.machine())
    if "cpu family" in info:
        name += f" (family {info['cpu family']}, model {info['model']})"
    return {
        "cpu": name,
        "instructions": [flag for flag in FLAGS if flag in flags],
        "processors": len(os.sched_getaffinity(0)),
        "memory_gb": round(memory_gb(), 1),
        "system": f"{platform.system()} {platform.release()}, {platform.libc_ver()[0]} "
        f"{platform.libc_ver()[1]}, Python {platform.python_version()}",
        "virtual": "hypervisor" in flags,
        "load_at_start": round(os.getloadavg()[0], 2),
        "date": time.strftime("%Y-%m-%d"),
        "time": time.strftime("%H:%M"),
    }


def slug(machine: dict) -> str:
    """The name of the results' files."""
    cpu = re.sub(r"\([^)]*\)|@.*", " ", machine["cpu"]).lower()
    return "-".join(re.findall("[a-z0-9]+", cpu)) + "-" + machine["date"]


def stolen_seconds() -> float:
    """What the host took away from this machine's processors since boot."""
    try:
        fields = Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    except OSError:
        return 0.0
    return int(fields[7]) / os.sysconf("SC_CLK_TCK")

"""What `make wheel` puts into the wheel besides the package: the program vitc, if it is named.

VITC_WHEEL_PROGRAM names a program that was linked to run anywhere; the wheel is for its processor and
the oldest glibc that it runs with. Without one the wheel is pure Python.
"""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ProgramHook(BuildHookInterface):
    """Adds the program."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before files are collected."""
        program = os.environ.get("VITC_WHEEL_PROGRAM")
        if not program:
            return
        content = Path(program).read_bytes()
        versions = re.findall(rb"GLIBC_(\d+)\.(\d+)\0", content)
        if not versions:
            raise ValueError(f"{program}: no program that is linked with glibc")
        major, minor = max((int(major), int(minor)) for major, minor in versions)
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-manylinux_{major}_{minor}_{platform.machine()}"
        build_data["force_include"][program] = "vitc/bin/vitc"

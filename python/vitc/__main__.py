"""``python -m vitc`` and the command of the wheel: the program vitc."""

from __future__ import annotations

import os
import sys

from . import _binary


def main() -> None:
    """Becomes the program vitc, with the arguments of this one."""
    try:
        program = _binary.find()
    except FileNotFoundError as error:
        sys.exit(f"vitc: error: {error}")
    os.execv(program, ["vitc", *sys.argv[1:]])


if __name__ == "__main__":
    main()

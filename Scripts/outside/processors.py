"""Preprocessing, held to timm's transforms, open_clip's and the image processors of transformers: the
cases that Scripts/goldens/preprocessing.py draws, run by ProcessorGoldenTests."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
CASES_PER_SEED = 700


def compare_all(first, count):
    """Draws at least `count` cases and runs the tests on them; returns what came out, and faults."""
    outcomes, faults = {}, []
    for seed in range(first, first + (count + CASES_PER_SEED - 1) // CASES_PER_SEED):
        with tempfile.TemporaryDirectory() as folder:
            made = subprocess.run(
                [sys.executable, ROOT / "Scripts/goldens/preprocessing.py", "--random", str(seed), folder],
                capture_output=True, text=True, check=False)
            if made.returncode:
                faults.append(f"processors seed {seed}: no cases: {made.stderr[-1000:]}")
                continue
            number = int(re.search(r"^(\d+) cases", made.stdout, re.MULTILINE)[1])
            done = subprocess.run(
                [os.environ.get("SWIFT", "swift"), "test", "-c", "release", "--scratch-path", ".build-tests",
                 "--filter", "ProcessorGoldenTests"], cwd=ROOT, capture_output=True, text=True, check=False,
                env={**os.environ, "VITC_PREPROCESSING": folder})
        text = done.stdout + done.stderr
        issues = [line for line in text.splitlines() if "recorded an issue" in line]
        if done.returncode and not issues:
            issues = [text[-1000:]]
        faults += [f"processors seed {seed}: {issue}" for issue in issues]
        outcomes["held"] = outcomes.get("held", 0) + number - len(issues)
    return outcomes, faults

"""Cold start and memory of ViT-B/16: exec of a C program to its first logits, page cache warm.

The peers have no program without Python here, so what they are measured by is kinder to them: the
time from creating the session (or compiling the model) to the first output, in a process that has
imported them already. Beside it is the time from exec with interpreter and imports.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy

from matrix import BASE, Case
from peers import RUNTIMES, Runtime, Unavailable, verified

HERE = Path(__file__).resolve().parent
# OpenVINO's ways to load, beside the usual one: that maps the file of weights and compiles. By the
# word after its name; the caches are filled by the run that is not counted.
WAYS = {
    "read": ("weights read, not mapped", {"ENABLE_MMAP": False}),
    "cache": ("compiled model from its cache", {"CACHE_DIR": "openvino-cache"}),
    "weightless": (
        "compiled model without weights from its cache",
        # ENABLE_WEIGHTLESS alone still has the weights in the cache (2026.4.1).
        {"CACHE_DIR": "openvino-weightless", "CACHE_MODE": "OPTIMIZE_SIZE"},
    ),
}


def label(name) -> str:
    runtime, _, way = name.partition(" ")
    return f"{RUNTIMES[runtime]} {way}".strip()


def measure_vitc(bench, runs):
    folder = bench.folder(BASE)
    program = folder / "coldstart"
    compiler = os.environ.get("CC") or next(filter(shutil.which, ["cc", "clang", "gcc"]), "cc")
    command = [compiler, "-O2", "-Wall", "-Wextra", "-Werror", "-I", folder, HERE / "coldstart.c"]
    command += ["-o", program, "-L", folder, "-lvit", "-Wl,-rpath,$ORIGIN"]
    subprocess.run(command, check=True)
    image, logits = folder / "image.f32", folder / "logits.f32"
    place = folder / "b1"
    numpy.load(place / "input.npy").astype("<f4").tofile(image)
    answers = []
    for _ in range(runs + 1):
        started = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        result = subprocess.run([program, image, logits], stdout=subprocess.PIPE, check=True)
        answer = json.loads(result.stdout)
        answer["ms"] = (answer["monotonic_ns"] - started) / 1e6
        answers.append(answer)
    golden = numpy.load(place / "golden.npy")
    verified(numpy.fromfile(logits, "<f4"), golden, Case(BASE, 1, os.cpu_count()))
    warm = answers[1:]  # the first run fills the page cache
    return {
        "what": "exec of a C program to its first logits",
        "min_ms": min(answer["ms"] for answer in warm),
        "median_ms": statistics.median(answer["ms"] for answer in warm),
        "resident": warm[-1]["resident"],
        "resident_peak": max(answer["resident_peak"] for answer in warm),
        "weights": warm[-1]["packed"],
    }


def measure_peer(name, bench, runs):
    """`name`: of a runtime, or of OpenVINO and one of its ways."""
    case = Case(BASE, 1, os.cpu_count())
    runtime, _, way = name.partition(" ")
    how, properties = WAYS.get(way, ("", {}))
    if "CACHE_DIR" in properties:
        cache = bench.folder(BASE) / properties["CACHE_DIR"]
        shutil.rmtree(cache, ignore_errors=True)
        properties = properties | {"CACHE_DIR": str(cache)}
    answers = []
    for _ in range(runs + 1):
        with Runtime(runtime, case, bench, properties) as process:
            answer = process.first
            answer["exec_ms"] = (answer["monotonic_ns"] - process.spawned_ns) / 1e6
            answers.append(answer)
    warm = answers[1:]
    return {
        "what": "in a running Python process: session created to first output" + f"; {how}" * bool(how),
        "min_ms": min(answer["open_ms"] for answer in warm),
        "median_ms": statistics.median(answer["open_ms"] for answer in warm),
        "exec_min_ms": min(answer["exec_ms"] for answer in warm),
        "resident": warm[-1]["resident"],
        "resident_peak": max(answer["resident_peak"] for answer in warm),
        "weights": (bench.folder(BASE) / "model.safetensors").stat().st_size,
    }


def measure(bench, settings):
    """By runtime: milliseconds and bytes. Inductor is left out: it compiles when it starts."""
    results = {"vitc": measure_vitc(bench, settings.cold_runs)}
    names = bench.runtimes(Case(BASE, 1, os.cpu_count()))
    names += [f"openvino {way}" for way in WAYS if "openvino" in names]
    for name in names:
        if name != "vitc":
            try:
                results[name] = measure_peer(name, bench, max(1, settings.cold_runs // 3))
            except Unavailable as reason:
                print(f"  {label(name)}: left out: {reason}", file=sys.stderr)
    for name, result in results.items():
        print(
            f"  cold start: {label(name):19} min {result['min_ms']:7.1f} ms, "
            f"resident {result['resident_peak'] / 1e6:7.1f} MB, "
            f"weights {result['weights'] / 1e6:.1f} MB",
            file=sys.stderr,
        )
    return results

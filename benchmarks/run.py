#!/usr/bin/env python3
"""Measures vitc beside OpenVINO, ONNX Runtime, PyTorch, Inductor and zentorch.

All in float32 but for the rows that name bf16 or int8, which have the runtimes with that precision.

`make bench-peers` sets the peers up and starts this. Parts (--only): `compile` what vitc takes to
compile, `matrix` latencies, `peak` how close vitc comes to the machine's peak, `coldstart` and
`load`. Writes <cpu>-<date>.md, .json and .svg into --results; what the same day's file has and is
not measured now stays in it. README.md says how it measures.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import coldstart
import load
import machine
import plot
import report
from matrix import BASE, CASES, LARGE
from peers import RUNTIMES, run_case

HERE = Path(__file__).resolve().parent
PARTS = ["compile", "matrix", "peak", "coldstart", "load"]


class Bench:
    """Where things are, and which runtimes there are."""

    def __init__(self, settings):
        self.work = settings.work.resolve()
        self.vitc = settings.vitc.resolve()
        self.peers = settings.peers
        self.inductor = settings.inductor
        self.zentorch = os.environ.get("VITC_ZENTORCH", "")
        self.compiled = {}
        self.lowered = set()

    def folder(self, model) -> Path:
        return self.work / model.slug

    def library(self, case) -> Path:
        return self.folder(case.model) / f"libvit{case.lowered}.so"

    def runtimes(self, case) -> list:
        if case.precision != "f32":
            able = {"bf16": ["openvino", "pytorch"], "int8": ["openvino", "onnxruntime"]}[case.precision]
            names = ["vitc", *(name for name in self.peers if name in able)]
            # PyTorch's int8 is torchao's; only compiled is it fast.
            names += ["inductor"] * (case.precision == "int8" and self.inductor != "none")
            return names + ["zentorch"] * (self.zentorch != "" and not case.avx2)
        names = ["vitc", *self.peers]
        if self.inductor == "all" or (self.inductor == "some" and case.inductor):
            names.append("inductor")
        if self.zentorch and not case.avx2:  # it has nothing for AVX2
            names.append("zentorch")
        return names

    def prepare(self, case) -> None:
        """Exports the model for the peers unless that is done, and compiles it with vitc, once."""
        model, folder = case.model, self.folder(case.model)
        folder.mkdir(parents=True, exist_ok=True)
        arguments = [model.timm, str(model.size), model.output, str(case.batch), str(folder)]
        export = subprocess.run(
            [sys.executable, str(HERE / "export.py"), *arguments], capture_output=True, text=True
        )
        if export.returncode != 0:
            raise SystemExit(f"export of {model.label}: {export.stderr[-2000:]}")
        if case.precision != "f32":
            library = self.library(case)
            if library not in self.lowered:
                self.compile(case)
                self.lowered.add(library)
        elif model.slug not in self.compiled:
            self.compiled[model.slug] = self.compile(case)

    def compile(self, case) -> dict:
        model, library = case.model, self.library(case)
        checkpoint = self.folder(model) / "model.safetensors"
        command = [self.vitc, "compile", model.timm, "--weights", checkpoint, "-o", library]
        command += ["--outputs", model.output, "--image-size", str(model.size), "--quiet"]
        command += ["--precision", case.precision]
        command += ["--attention", "int8"] if case.attention else []
        warm(checkpoint)
        started = time.perf_counter()
        process = subprocess.Popen(command)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise SystemExit(f"vitc cannot compile {model.label}")
        result = {
            "model": model.label,
            "seconds": time.perf_counter() - started,
            "resident_peak": usage.ru_maxrss * 1024,
            "checkpoint": checkpoint.stat().st_size,
            "library": library.stat().st_size,
        }
        print(
            f"{model.label}: compiled in {result['seconds']:.2f} s, peak "
            f"{result['resident_peak'] / 1e6:.0f} MB, checkpoint "
            f"{result['checkpoint'] / 1e6:.0f} MB",
            file=sys.stderr,
        )
        return result


def warm(path) -> None:
    """Reads a file into the page cache, so that the disk is not measured. In pieces: a child
    process begins with the parent's peak of memory, and would be measured by it."""
    with open(path, "rb") as file:
        while file.read(1 << 20):
            pass


def measure_peak(bench, settings) -> list:
    """`vitc bench`: its own work in GFLOP/s, and the peak of fused multiply-adds it measures."""
    rows = []
    for model in (BASE, LARGE):
        if model.slug in bench.compiled:
            command = [bench.vitc, "bench", bench.folder(model) / "libvit.so", "--json"]
            command += ["--threads", "1,2" if os.cpu_count() > 1 else "1"]
            command += ["--seconds", str(max(0.5, 2 * settings.seconds))]
            printed = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
            rows += [{"case": model.label, **row} for row in json.loads(printed)["results"]]
    return rows


def merged(old, new) -> dict:
    """The day's results with what was measured now in the place of what was measured before."""
    data = old | {"machine": new["machine"], "runs": old["runs"] + new["runs"]}
    data |= {part: new[part] for part in PARTS if new[part] and part != "matrix"}
    rows = {row["case"]: row for row in old["matrix"] + new["matrix"]}
    data["matrix"] = [rows[case.label] for case in CASES if case.label in rows]
    return data


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vitc", type=Path, default=HERE.parent / ".build/release/vitc")
    parser.add_argument("--only", default=",".join(PARTS), help=f"parts, of {', '.join(PARTS)}")
    parser.add_argument("--cases", default="", help="a regular expression: only these rows")
    parser.add_argument("--slow", action="store_true", help="also ViT-H/14: 12 GB of memory")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.6, help="of each runtime's turn")
    parser.add_argument("--least", type=int, default=2, help="timed runs in each turn")
    parser.add_argument("--cold-runs", type=int, default=9)
    parser.add_argument("--peers", default="openvino,openvino_onnx,onnxruntime,pytorch")
    parser.add_argument(
        "--inductor",
        choices=["none", "some", "all"],
        default="some",
        help="torch.compile, which needs a C++ compiler: in the rows of ViT-B/16 with one image",
    )
    parser.add_argument("--prepare", action="store_true", help="export and compile, then stop")
    parser.add_argument("--work", type=Path, default=HERE.parent / "out/peers")
    parser.add_argument("--results", type=Path, default=HERE / "results")
    settings = parser.parse_args()
    settings.only = settings.only.split(",")
    settings.peers = [name for name in settings.peers.split(",") if name]
    for part in settings.only:
        if part not in PARTS:
            parser.error(f"unknown part '{part}'; there are {', '.join(PARTS)}")
    for name in settings.peers:
        if name not in RUNTIMES or name == "vitc":
            parser.error(f"unknown peer '{name}'; there are {', '.join(list(RUNTIMES)[1:])}")
    if min(settings.rounds, settings.least, settings.cold_runs) < 1 or settings.seconds <= 0:
        parser.error("rounds, least, cold-runs and seconds must be above 0")
    if not settings.vitc.exists():
        parser.error(f"no {settings.vitc}; run 'make build'")
    return settings


def main() -> None:
    settings = arguments()
    bench = Bench(settings)
    wanted = [
        case
        for case in CASES
        if (settings.slow or not case.slow) and re.search(settings.cases, case.label)
        if not case.avx2 or "avx2" in machine.describe()["instructions"]
    ]
    if not wanted:
        raise SystemExit(f"no row matches '{settings.cases}'")
    machine_then = machine.describe()
    matrix = wanted if "matrix" in settings.only else []
    others = {"compile": {BASE, LARGE}, "peak": {BASE, LARGE}, "coldstart": {BASE}, "load": {BASE}}
    models = set().union(*(others.get(part, set()) for part in settings.only))
    more = [c for c in CASES if c.model in models and c.batch == 1 and c.precision == "f32"]
    for case in matrix + more:
        bench.prepare(case)
    if settings.prepare:
        return
    if machine_then["load_at_start"] > 0.3:
        print(
            f"note: load average {machine_then['load_at_start']}: other programs run",
            file=sys.stderr,
        )
    started, stolen = time.perf_counter(), machine.stolen_seconds()
    new = {
        "compile": list(bench.compiled.values()) if "compile" in settings.only else [],
        "matrix": [run_case(case, bench, settings) for case in matrix],
        "peak": measure_peak(bench, settings) if "peak" in settings.only else [],
        "coldstart": coldstart.measure(bench, settings) if "coldstart" in settings.only else {},
        "load": load.measure(bench, settings) if "load" in settings.only else {},
    }
    run = {
        "time": machine_then.pop("time"),
        "measured": settings.only + ([f"rows '{settings.cases}'"] if settings.cases else []),
        "rounds": settings.rounds,
        "load_at_start": machine_then.pop("load_at_start"),
        "stolen_seconds": round(machine.stolen_seconds() - stolen, 2),
        "duration_seconds": round(time.perf_counter() - started, 1),
    }
    path = settings.results / machine.slug(machine_then)
    data = {"machine": machine_then, "runs": [run], **new}
    if path.with_suffix(".json").exists():
        data = merged(json.loads(path.with_suffix(".json").read_text()), data)
    settings.results.mkdir(parents=True, exist_ok=True)
    path.with_suffix(".json").write_text(report.compact(data) + "\n")
    if data["matrix"]:
        path.with_suffix(".svg").write_text(plot.draw(data))
        path.with_name(f"{path.stem}-known.svg").write_text(plot.small(data))
    path.with_suffix(".md").write_text(report.markdown(data, path.name))
    print(f"measured for {run['duration_seconds']:.0f} s; wrote {path}.md", file=sys.stderr)


if __name__ == "__main__":
    main()

"""Runs the comparisons of this folder; `run` has the usage."""

import argparse
import sys
import tempfile

import arrays
import images
import processors
import safetensors_files
import torch_files
from readers import Readers

SUITES = {"images": images, "arrays": arrays, "safetensors": safetensors_files, "torch": torch_files,
          "processors": processors}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--readers", required=True)
    parser.add_argument("--count", type=int, default=400, help="variants of each suite")
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("suites", nargs="*", choices=[[], *SUITES])
    options = parser.parse_args()
    failed = 0
    for name in options.suites or SUITES:
        suite = SUITES[name]
        if suite is processors:
            outcomes, faults = processors.compare_all(options.seed, options.count)
            failed += len(faults)
            print("".join(fault + "\n" for fault in faults) + f"processors: from seed {options.seed}: "
                  + ", ".join(f"{number} {outcome}" for outcome, number in outcomes.items()), flush=True)
            continue
        outcomes = {}
        with tempfile.TemporaryDirectory() as folder, Readers(options.readers, suite.KIND) as readers:
            for seed in range(options.seed, options.seed + options.count):
                outcome, fault = suite.compare(seed, folder, readers)
                outcomes[outcome] = outcomes.get(outcome, 0) + 1
                if fault:
                    failed += 1
                    print(f"{name} seed {seed}: {fault}", flush=True)
        table = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
        print(f"{name}: seeds {options.seed} to {options.seed + options.count - 1}: {table}", flush=True)
    sys.exit(1 if failed else 0)


main()

#!/usr/bin/env python3
"""Throughput of the innermost multiply loops on processors that are not here, as llvm-mca sees it.

mca.py [--vitc PATH] [--model NAME] [--dump]

Compiles a model to assembly for each set of Arm's, takes of each the register tile's loop with the
most multiplications, and asks llvm-mca for its cycles, and for those of the multiplication alone,
which is the unit's peak. All loads hit the first cache there. Ends with status 1 where a loop is
below 95 % of it. Needs llvm-mca of LLVM 19 (apt-get install llvm-19), which LLVM_MCA names.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile

MCA = os.environ.get("LLVM_MCA", "llvm-mca-19")
ITERATIONS = 300

# The least share of the peak.
LEAST = 0.95

# Name, precision, target, instruction, an operand list of it, multiply-adds of each, processors.
# Apple's are not among them: LLVM takes the model of the A7 of 2013 for all.
CASES = [
    ("f32", "f32", "aarch64", "fmla", ".4s, v30.4s, v31.s[0]", 4,
     ["neoverse-n1", "neoverse-v1", "neoverse-v2"]),
    ("int8", "int8", "aarch64+dotprod", "sdot", ".4s, v30.16b, v31.4b[0]", 16,
     ["neoverse-n1", "neoverse-v1", "neoverse-v2"]),
    ("int8", "int8", "aarch64+i8mm", "usmmla", ".4s, v30.16b, v31.16b", 32,
     ["neoverse-n2", "neoverse-v1", "neoverse-v2"]),
    ("bf16", "bf16", "aarch64+bf16", "bfmmla", ".4s, v30.8h, v31.8h", 16,
     ["neoverse-n2", "neoverse-v1", "neoverse-v2"]),
]
FEATURES = "+dotprod,+i8mm,+bf16"


def cycles(source, cpu):
    """The cycles of one round of some instructions."""
    done = subprocess.run(
        [MCA, "-mtriple=aarch64-linux-gnu", f"-mcpu={cpu}", f"-mattr={FEATURES}",
         f"-iterations={ITERATIONS}"], input=source, capture_output=True, text=True)
    total = re.search(r"Total Cycles:\s+(\d+)", done.stdout)
    if done.returncode or total is None:
        sys.exit(f"{MCA} for {cpu}: {done.stderr.strip()}")
    return int(total[1]) / ITERATIONS


def loops(text):
    """The innermost loops of an assembly text: function and instructions."""
    function, lines, labels = "", [], {}
    for line in text.split("\n"):
        if name := re.match(r"^([A-Za-z_][\w.]*):", line):
            function, lines, labels = name[1], [], {}
        elif label := re.match(r"^(\.L\w+):", line):
            labels = {label[1]: len(lines)}
        elif re.match(r"\s+[a-z]", line):
            lines.append(line)
            branch = re.match(r"\s+(?:b\.\w+|cbn?z|tbn?z)\s.*?(\.L\w+)$", line)
            if branch and branch[1] in labels:
                yield function, lines[labels[branch[1]]:]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--vitc", default=".build/release/vitc")
    parser.add_argument("--model", default="vit_base_patch16_224")
    parser.add_argument("--dump", action="store_true", help="print the loops")
    options = parser.parse_args()
    failed = False
    print("precision target            loop                          processor    "
          "MAC/cycle  peak  share")
    with tempfile.TemporaryDirectory() as folder:
        for name, precision, target, instruction, operands, products, processors in CASES:
            path = os.path.join(folder, "model.s")
            subprocess.run(
                [options.vitc, "compile", options.model, "--weights", "seed:1", "--precision",
                 precision, "--target", target, "--emit", "asm", "-q", "-o", path],
                check=True)
            with open(path) as file:
                text = file.read()

            def count(loop):
                return sum(line.split()[0] == instruction for line in loop[1])

            tiles = [
                loop for loop in loops(text) if loop[0].startswith("contract_") and count(loop)]
            if not tiles:
                sys.exit(f"no tile for {target} multiplies by {instruction}")
            function, best = max(
                tiles, key=lambda loop: (count(loop), int(re.search(r"\d+", loop[0])[0])))
            multiplications = count((function, best))
            if options.dump:
                print("\n".join(best))
            alone = "\n".join(f"{instruction} v{i}{operands}" for i in range(24))
            for cpu in processors:
                rate = multiplications / cycles("\n".join(best), cpu)
                peak = 24 / cycles(alone, cpu)
                share = rate / peak
                bad = share < LEAST
                failed |= bad
                title = re.sub(r"_[0-9a-f]{16}$", "", function)
                print(f"{name:9} {target:17} {title:29} {cpu:12} {rate * products:9.1f} "
                      f"{peak * products:5.0f} {share:6.1%}" + (f" < {LEAST:.0%}" if bad else ""))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())

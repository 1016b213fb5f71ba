#!/usr/bin/env python3
"""Features of the digits and heads fitted to them, for Tests/HeadFittingTests.

Features: timm's class token after the last norm, in float64, of all test images of examples/digits.
Heads: least squares by numpy's solver, not by eigenvectors; leave-one-out by fitting 100 times. The
first ten images of each class are fitted to, the other 260 are the test.

Run: python digits_features.py   (needs torch, timm, numpy)
Made with torch 2.13.0, timm 1.0.31, numpy 2.4.6.
"""

import json
from pathlib import Path

import numpy as np
import timm
import torch

ROOT = Path(__file__).resolve().parents[2]
DIGITS = ROOT / "examples/digits"
FIXTURES = ROOT / "Tests/HeadFittingTests/Fixtures"


def features():
    model = timm.create_model(f"local-dir:{DIGITS / 'model'}", pretrained=True).double().eval()
    images = np.load(DIGITS / "test-images.npy").astype(np.float64)
    pixels = torch.from_numpy((images / 255 - 0.5) / 0.5)[:, None].expand(-1, 3, -1, -1)
    with torch.no_grad():
        return model.forward_features(pixels)[:, 0].numpy()


def solve(x, targets, l2):
    """Weights and intercept; the intercept is not regularized."""
    mean, centre = x.mean(0), targets.mean(0)
    z = x - mean
    weight = np.linalg.solve(z.T @ z + l2 * np.eye(z.shape[1]), z.T @ (targets - centre))
    return weight, centre - mean @ weight


def main():
    # As the compiled library gives them: floats.
    x = features().astype(np.float32)
    labels = np.load(DIGITS / "test-labels.npy").astype(int)
    np.save(FIXTURES / "features.npy", x)
    np.save(FIXTURES / "labels.npy", labels.astype(np.uint8))
    x = x.astype(np.float64)
    train = np.concatenate([np.flatnonzero(labels == k)[:10] for k in range(10)])
    train.sort()
    rest = np.setdiff1d(np.arange(len(x)), train)
    mean, scale = x[train].mean(0), x[train].std(0) + 1e-5
    z, targets = (x[train] - mean) / scale, 2 * np.eye(10)[labels[train]] - 1
    heads = []
    for l2 in (1.0, 32.0, 1024.0):
        weight, bias = solve(z, targets, l2)
        folded = weight / scale[:, None]
        shifted = bias - mean @ folded
        out = []
        for i in range(len(train)):
            keep = np.arange(len(train)) != i
            w, b = solve(z[keep], targets[keep], l2)
            out.append(z[i] @ w + b)
        out = np.array(out)
        scores = x[rest] @ folded + shifted
        heads.append({
            "l2": l2, "right": int((scores.argmax(1) == labels[rest]).sum()),
            "leave_one_out": int((out.argmax(1) == labels[train]).sum()),
            "squared_error": float(((targets - out) ** 2).mean()),
            "first_scores": [float(v) for v in out[0]],
            "norm": float(np.linalg.norm(folded)), "bias": [float(v) for v in shifted],
        })
        print(l2, heads[-1]["right"], heads[-1]["leave_one_out"], heads[-1]["squared_error"])
    (FIXTURES / "heads.json").write_text(json.dumps({"heads": heads}, indent=1) + "\n")
    print("norm", np.linalg.norm(x[0]), x[0][:4])


main()

#!/usr/bin/env python3
"""Values of figures of examples/digits, for Tests/FiguresTests/GoldenTests.swift: the model's forward
pass and the definitions of the figures once more, in NumPy and float64.

Prints, for image 0 of the test split where nothing else is said, the logits, norms of tokens, principal
components of the filters, similarities of positions, attention distances and rollout.

Made with numpy 2.4.6, safetensors 0.8.0:
  pip install numpy safetensors
  python figures.py
"""

import math
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "digits"
W = {k: v.astype(np.float64) for k, v in load_file(FOLDER / "model" / "model.safetensors").items()}
HEADS, DEPTH, GRID, PATCH, DIM = 4, 3, 8, 4, 64
ERF = np.vectorize(math.erf)


def norm(x, name):
    mean = x.mean(-1, keepdims=True)
    variance = ((x - mean) ** 2).mean(-1, keepdims=True)
    return (x - mean) / np.sqrt(variance + 1e-6) * W[name + ".weight"] + W[name + ".bias"]


def linear(x, name):
    return x @ W[name + ".weight"].T + W[name + ".bias"]


def forward(image):
    """Logits, tokens after the embedding and each block, and attention weights of each block."""
    x = np.stack([image.astype(np.float64) / 255] * 3)
    x = (x - 0.5) / 0.5
    patches = x.reshape(3, GRID, PATCH, GRID, PATCH).transpose(1, 3, 0, 2, 4).reshape(GRID * GRID, -1)
    weight = W["patch_embed.proj.weight"].reshape(DIM, -1)
    x = patches @ weight.T + W["patch_embed.proj.bias"]
    x = np.concatenate([W["cls_token"][0], x]) + W["pos_embed"][0]
    tokens, weights = [x], []
    for i in range(DEPTH):
        b = f"blocks.{i}."
        qkv = linear(norm(x, b + "norm1"), b + "attn.qkv").reshape(len(x), 3, HEADS, -1)
        q, k, v = qkv.transpose(1, 2, 0, 3)
        scores = q @ k.transpose(0, 2, 1) / math.sqrt(q.shape[-1])
        a = np.exp(scores - scores.max(-1, keepdims=True))
        a /= a.sum(-1, keepdims=True)
        weights.append(a)
        x = x + linear((a @ v).transpose(1, 0, 2).reshape(len(x), -1), b + "attn.proj")
        h = linear(norm(x, b + "norm2"), b + "mlp.fc1")
        x = x + linear(0.5 * h * (1 + ERF(h / math.sqrt(2))), b + "mlp.fc2")
        tokens.append(x)
    return linear(norm(x, "norm")[0], "head"), tokens, np.stack(weights)


def distances(weights):
    """By block and head: pixels, pixels without renormalization, weight parked on the class token."""
    y, x = np.divmod(np.arange(GRID * GRID), GRID)
    d = PATCH * np.hypot(y[:, None] - y, x[:, None] - x)
    a = weights[:, :, 1:, 1:]
    far = (a * d).sum(-1)
    return (far / a.sum(-1)).mean(-1), far.mean(-1), weights[:, :, 1:, 0].mean(-1), d


def rollout(weights, fusion, residual=True):
    row = np.eye(1 + GRID * GRID)[0]
    for a in fusion(weights, axis=1)[::-1]:
        a = a + np.eye(len(a)) if residual else a
        row = row @ (a / a.sum(-1, keepdims=True))
    return row


def show(name, values):
    print(f"{name:34}", *(f"{v:.10f}" for v in np.ravel(values)))


def main():
    images = np.load(FOLDER / "test-images.npy")
    logits, tokens, weights = forward(images[0])
    show("logits", logits)
    show("norms of tokens", [np.linalg.norm(t) for t in tokens])
    kernel = W["patch_embed.proj.weight"].reshape(DIM, -1)
    _, s, vt = np.linalg.svd(kernel - kernel.mean(0), full_matrices=False)
    first = vt[0] * np.sign(vt[0][np.abs(vt[0]).argmax()])
    show("filters: singular values", s[:5])
    show("filters: explained", (s**2 / (s**2).sum())[:5])
    show("filters: component 0, its range", [*first[:4], first.min(), first.max()])
    show("filters: singular values, plain", np.linalg.svd(kernel)[1][:5])
    p = W["pos_embed"][0, 1:]
    p = p / np.linalg.norm(p, axis=1, keepdims=True)
    similarity = p @ p.T
    show("positions: tile (0, 0), row 0", similarity[0, :8])
    show("positions: tile (3, 4)", [similarity[28, 29], similarity[28, 36]])
    show("positions: mean, least", [similarity.mean(), similarity.min()])
    distance, _, parked, d = distances(weights)
    show("distance: corners, uniform", [d[0, 63], d.mean()])
    show("distance", distance)
    show("distance: parked", parked.mean(-1))
    every = [distances(forward(image)[2])[:3] for image in images]
    show("distance: all images", np.mean([e[0] for e in every], 0))
    show("distance: block 0, not renormalized", np.mean([e[1] for e in every], 0)[0])
    show("distance: parked, all images", np.mean([e[2] for e in every], 0).mean(-1))
    show("class row, last block", weights[-1].mean(0)[0, 1:9])
    for name, fusion in [("mean", np.mean), ("max", np.max)]:
        row = rollout(weights, fusion)
        show(f"rollout, {name}: class, patches", row[:9])
        show(f"rollout, {name}: largest patch", [row[1:].argmax(), row[1:].max()])
    show("rollout, no residual: class", rollout(weights, np.mean, residual=False)[0])


if __name__ == "__main__":
    main()

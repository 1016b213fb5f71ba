#!/usr/bin/env python3
"""The seconds of `vitc compile FOLDER --classes` with 1000 names and one template.

classes.py VITC FOLDER [--models clip,siglip] [--rounds 2]

In FOLDER it makes once, and keeps, folders of the sizes of CLIP B/32 and SigLIP B/16 with random weights in
half precision, which take as long as trained ones, a tokenizer of as many pieces as the real one has, and
1000 names of one to three words. Printed are the seconds of each round and what vitc says of its parts: the
tower's run is the rest. CLIP's prompts are cut after their end; SigLIP's have 64 tokens.

The pieces are of letters, so words have more of them than by the real tables: 12 tokens a text for CLIP, as
real names have.

Needs numpy.
"""

import argparse
import json
import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

VISION = {"hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12, "num_hidden_layers": 12,
          "image_size": 224}
CLIP = {
    "model_type": "clip", "projection_dim": 512, "architectures": ["CLIPModel"],
    "vision_config": VISION | {"patch_size": 32},
    "text_config": {
        "hidden_size": 512, "intermediate_size": 2048, "num_attention_heads": 8, "num_hidden_layers": 12,
        "vocab_size": 49408, "max_position_embeddings": 77, "bos_token_id": 49406, "eos_token_id": 49407}}
SIGLIP = {
    "model_type": "siglip", "architectures": ["SiglipModel"],
    "vision_config": VISION | {"patch_size": 16},
    "text_config": {
        "hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12, "num_hidden_layers": 12,
        "vocab_size": 32000, "max_position_embeddings": 64, "projection_size": 768}}


def blocks(prefix, dim, hidden, depth):
    for index in range(depth):
        layer = f"{prefix}encoder.layers.{index}."
        for name, rows, columns in [
            ("self_attn.q_proj", dim, dim), ("self_attn.k_proj", dim, dim), ("self_attn.v_proj", dim, dim),
            ("self_attn.out_proj", dim, dim), ("mlp.fc1", hidden, dim), ("mlp.fc2", dim, hidden),
        ]:
            yield f"{layer}{name}.weight", (rows, columns)
            yield f"{layer}{name}.bias", (rows,)
        for name in ("layer_norm1", "layer_norm2"):
            yield f"{layer}{name}.weight", (dim,)
            yield f"{layer}{name}.bias", (dim,)


def tensors(config):
    """The names and shapes of transformers' tensors."""
    text, vision = config["text_config"], config["vision_config"]
    dim, width, patch = text["hidden_size"], vision["hidden_size"], vision["patch_size"]
    tokens = (vision["image_size"] // patch) ** 2
    yield "text_model.embeddings.token_embedding.weight", (text["vocab_size"], dim)
    yield "text_model.embeddings.position_embedding.weight", (text["max_position_embeddings"], dim)
    yield from blocks("text_model.", dim, text["intermediate_size"], text["num_hidden_layers"])
    yield "text_model.final_layer_norm.weight", (dim,)
    yield "text_model.final_layer_norm.bias", (dim,)
    yield "vision_model.embeddings.patch_embedding.weight", (width, 3, patch, patch)
    yield from blocks("vision_model.", width, vision["intermediate_size"], vision["num_hidden_layers"])
    yield "vision_model.post_layernorm.weight", (width,)
    yield "vision_model.post_layernorm.bias", (width,)
    yield "logit_scale", ()
    if config["model_type"] == "clip":
        yield "vision_model.embeddings.class_embedding", (width,)
        yield "vision_model.embeddings.position_embedding.weight", (tokens + 1, width)
        yield "vision_model.pre_layrnorm.weight", (width,)
        yield "vision_model.pre_layrnorm.bias", (width,)
        yield "text_projection.weight", (config["projection_dim"], dim)
        yield "visual_projection.weight", (config["projection_dim"], width)
        return
    yield "vision_model.embeddings.patch_embedding.bias", (width,)
    yield "vision_model.embeddings.position_embedding.weight", (tokens, width)
    yield "text_model.head.weight", (dim, dim)
    yield "text_model.head.bias", (dim,)
    yield "logit_bias", ()
    head = "vision_model.head."
    yield f"{head}probe", (1, 1, width)
    yield f"{head}attention.in_proj_weight", (3 * width, width)
    yield f"{head}attention.in_proj_bias", (3 * width,)
    for name, rows, columns in [
        ("attention.out_proj", width, width), ("mlp.fc1", vision["intermediate_size"], width),
        ("mlp.fc2", width, vision["intermediate_size"]),
    ]:
        yield f"{head}{name}.weight", (rows, columns)
        yield f"{head}{name}.bias", (rows,)
    yield f"{head}layernorm.weight", (width,)
    yield f"{head}layernorm.bias", (width,)


def write_weights(path, config):
    header, place = {}, 0
    shapes = dict(tensors(config))
    for name, shape in shapes.items():
        size = 2 * int(np.prod(shape, dtype=np.int64))
        header[name] = {"dtype": "F16", "shape": list(shape), "data_offsets": [place, place + size]}
        place += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    rng = np.random.default_rng(1)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for name, shape in shapes.items():
            values = 0.02 * rng.standard_normal(shape, np.float32)
            if "norm" in name and name.endswith("weight"):
                values += 1
            file.write(np.asarray(values, "<f2").tobytes())


def byte_letters():
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = {byte: chr(byte) for byte in plain}
    letters |= {byte: chr(256 + place) for place, byte in enumerate(b for b in range(256) if b not in plain)}
    return [letters[byte] for byte in range(256)]


def syllables():
    """Pairs of a consonant and a vowel: what names are made of, so that they have pieces."""
    return [a + b for a in "bcdfghjklmnprstvwz" for b in "aeiou"]


def clip_tokenizer(folder, config):
    letters = byte_letters()
    pieces = letters + [letter + "</w>" for letter in letters]
    merges = []
    for pair in syllables():
        for end in ("", "</w>"):
            merges.append(f"{pair[0]} {pair[1]}{end}")
    for a in syllables():
        for b in syllables():
            merges += [f"{a} {b}", f"{a} {b}</w>"]
    merges = merges[:config["text_config"]["vocab_size"] - 2 - len(pieces)]
    pieces += [merge.replace(" ", "") for merge in merges]
    pieces += [f"<|unused{n}|>" for n in range(config["text_config"]["vocab_size"] - 2 - len(pieces))]
    pieces += ["<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({piece: n for n, piece in enumerate(pieces)}))
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n")
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "CLIPTokenizer"}))


def siglip_tokenizer(folder, config):
    """spiece.model: messages of Protocol Buffers by hand, as sentencepiece_model.proto has them."""
    def varint(number):
        return bytes([number]) if number < 128 else bytes([number & 127 | 128]) + varint(number >> 7)

    def run(field, value):
        return varint(field << 3 | 2) + varint(len(value)) + value

    pieces = ["<pad>", "</s>", "<unk>", "\u2581"] + [chr(c) for c in range(97, 123)]
    pieces += [mark + pair for pair in syllables() for mark in ("", "\u2581")]
    pieces += [mark + a + b for a in syllables() for b in syllables() for mark in ("", "\u2581")]
    pieces = pieces[:config["text_config"]["vocab_size"]]
    pieces += [f"<unused{n}>" for n in range(config["text_config"]["vocab_size"] - len(pieces))]
    model = b""
    for number, piece in enumerate(pieces):
        kind = {0: 3, 1: 3, 2: 2}.get(number, 1)
        score = np.float32(-np.log(number + 1)).tobytes()
        model += run(1, run(1, piece.encode()) + b"\x15" + score + b"\x18" + varint(kind))
    (folder / "spiece.model").write_bytes(model + run(2, b"\x18\x01") + run(3, b"\x20\x01"))
    (folder / "tokenizer_config.json").write_text(json.dumps({
        "tokenizer_class": "SiglipTokenizer", "eos_token": "</s>", "pad_token": "</s>",
        "unk_token": "<unk>"}))


def prepare(folder, config):
    if (folder / "config.json").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    write_weights(folder / "model.safetensors", config)
    (clip_tokenizer if config["model_type"] == "clip" else siglip_tokenizer)(folder, config)
    processor = {"clip": "CLIP", "siglip": "Siglip"}[config["model_type"]] + "ImageProcessor"
    (folder / "preprocessor_config.json").write_text(json.dumps({"image_processor_type": processor}))
    # Last: what is there is complete.
    (folder / "config.json").write_text(json.dumps(config))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("vitc")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--models", default="clip,siglip")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--classes", type=int, default=1000)
    arguments = parser.parse_args()
    configs = {"clip": CLIP, "siglip": SIGLIP}
    folder = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    draw = random.Random(7)
    names = {}
    while len(names) < arguments.classes:
        words = ["".join(draw.choices(syllables(), k=draw.randint(2, 4))) for _ in range(draw.randint(1, 3))]
        names[" ".join(words)] = None
    (folder / "names.txt").write_text("\n".join(names) + "\n")
    for name in arguments.models.split(","):
        if name not in configs:
            sys.exit(f"classes.py: there is no model '{name}', expected clip or siglip")
        model = folder / name
        prepare(model, configs[name])
        for number in range(arguments.rounds):
            started = time.perf_counter()
            found = subprocess.run(
                [arguments.vitc, "compile", model, "--classes", folder / "names.txt", "--target", "host",
                 "--json", "-o", folder / f"lib{name}.so"],
                check=True, stdout=subprocess.PIPE, text=True).stdout
            wall = time.perf_counter() - started
            stages = json.loads(found)["stages"]
            parts = ", ".join(f"{stage['name']} {stage['seconds']:.1f}" for stage in stages
                              if stage["seconds"] >= 0.1)
            rest = wall - sum(stage["seconds"] for stage in stages)
            print(f"{name:6} round {number + 1}: {wall:6.1f} s for {arguments.classes} names: texts {rest:.1f}, "
                  f"{parts}", flush=True)


if __name__ == "__main__":
    main()

"""Writes the seeds of Tests/FuzzTests/Corpus that no other test has as files.

Run from the repository's root: python3 Tests/FuzzTests/make_corpus.py. Only the standard library.
"""

import json
import pathlib
import struct
import zipfile

CORPUS = pathlib.Path(__file__).parent / "Corpus"


def write(target, name, data):
    path = CORPUS / target / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def header(tensors, metadata=None):
    """The JSON of a safetensors header: name -> (dtype, bytes an element, shape)."""
    text = {"__metadata__": metadata} if metadata else {}
    begin = 0
    for name, (dtype, width, shape) in tensors.items():
        count = width
        for extent in shape:
            count *= extent
        text[name] = {"dtype": dtype, "shape": shape, "data_offsets": [begin, begin + count]}
        begin += count
    return json.dumps(text).encode(), begin


def safetensors(tensors, metadata=None):
    text, size = header(tensors, metadata)
    return struct.pack("<Q", len(text)) + text + bytes(i % 251 for i in range(size))


def folder(**files):
    letters = {"config": b"c", "processor": b"p", "index": b"i", "safetensors": b"s"}
    return b"".join(
        b"\x1e" + letters[key] + (value if isinstance(value, bytes) else json.dumps(value).encode())
        for key, value in files.items()
    )


def vit_tensors(dim, depth, mlp, tokens, classes, patch):
    """The tensors of transformers' ViTForImageClassification."""
    f32 = lambda *shape: ("F32", 4, list(shape))
    t = {
        "vit.embeddings.cls_token": f32(1, 1, dim),
        "vit.embeddings.position_embeddings": f32(1, tokens, dim),
        "vit.embeddings.patch_embeddings.projection.weight": f32(dim, 3, patch, patch),
        "vit.embeddings.patch_embeddings.projection.bias": f32(dim),
        "vit.layernorm.weight": f32(dim),
        "vit.layernorm.bias": f32(dim),
        "classifier.weight": f32(classes, dim),
        "classifier.bias": f32(classes),
    }
    for i in range(depth):
        layer = f"vit.encoder.layer.{i}."
        for name, rows, columns in [
            ("attention.attention.query", dim, dim), ("attention.attention.key", dim, dim),
            ("attention.attention.value", dim, dim), ("attention.output.dense", dim, dim),
            ("intermediate.dense", mlp, dim), ("output.dense", dim, mlp),
        ]:
            t[f"{layer}{name}.weight"] = f32(rows, columns)
            t[f"{layer}{name}.bias"] = f32(rows)
        for name in ["layernorm_before", "layernorm_after"]:
            t[f"{layer}{name}.weight"] = f32(dim)
            t[f"{layer}{name}.bias"] = f32(dim)
    return t


def main():
    for dtype, width in [("F32", 4), ("F16", 2), ("BF16", 2), ("F64", 8), ("I64", 8), ("U8", 1)]:
        write("safetensors", f"{dtype.lower()}.safetensors",
              safetensors({"a": (dtype, width, [2, 3])}))
    write("safetensors", "several.safetensors", safetensors(
        {"scalar": ("F32", 4, []), "empty": ("F32", 4, [0, 5]), "blocks.0.w": ("BF16", 2, [4, 4]),
         "f4": ("F4", 1, [0]), "\u00e9\n": ("F16", 2, [1, 1, 7])}, {"format": "pt"}))
    write("safetensors", "none.safetensors", safetensors({}))

    # The pickles of the archives that torch wrote.
    for name in ["averaged", "buffers", "empty", "hostile", "list", "module", "nested", "plain",
                 "protocol5", "several", "single", "sparse", "training"]:
        path = CORPUS.parents[1] / f"ModelsTests/Fixtures/torch/{name}.pth"
        with zipfile.ZipFile(path) as archive:
            write("pickle", f"{name}.pkl", archive.read(f"{name}/data.pkl"))
    # What nests, and what holds itself.
    write("pickle", "deep.pkl", b"\x80\x02N" + b"\x85" * 4000 + b".")
    write("pickle", "own.pkl", b"\x80\x02}q\0X\5\0\0\0modelh\0s.")

    vit = {
        "model_type": "vit", "architectures": ["ViTForImageClassification"], "image_size": 8,
        "patch_size": 4, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2,
        "intermediate_size": 16, "hidden_act": "gelu", "layer_norm_eps": 1e-12, "qkv_bias": True,
        "num_channels": 3, "id2label": {"0": "cat", "1": "dog"}, "label2id": {"cat": 0, "dog": 1},
    }
    processor = {
        "image_processor_type": "ViTImageProcessor", "do_resize": True, "do_rescale": True,
        "do_normalize": True, "do_center_crop": True, "crop_size": {"height": 8, "width": 8},
        "size": {"shortest_edge": 9}, "resample": 3, "rescale_factor": 0.00392156862745098,
        "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5],
    }
    text, _ = header(vit_tensors(8, 1, 16, 5, 2, 4))
    write("folder", "vit", folder(config=vit, processor=processor, safetensors=text))
    write("folder", "vit_bad_shape", folder(
        config=vit, processor=processor, safetensors=header(vit_tensors(8, 1, 15, 5, 3, 4))[0]))
    write("folder", "vit_sharded", folder(
        config=vit, processor=processor, safetensors=text, index={
            "metadata": {"total_size": 1}, "weight_map": {"classifier.bias": "model.safetensors"}}))
    write("folder", "deit", folder(config=dict(
        vit, model_type="deit", architectures=["DeiTForImageClassificationWithTeacher"])))
    for name in ["dinov2", "dinov2_with_registers"]:
        write("folder", name, folder(config=dict(
            vit, model_type=name, architectures=["Dinov2ForImageClassification"], mlp_ratio=4,
            num_register_tokens=2, use_swiglu_ffn=True, layerscale_value=1.0, image_size=28,
            patch_size=14), processor=dict(processor, size={"height": 8, "width": 8})))
    write("folder", "timm", folder(config={
        "architecture": "vit_tiny_patch16_224", "num_classes": 2, "global_pool": "token",
        "num_features": 8, "label_names": ["cat", "dog"],
        "label_descriptions": {"cat": "a cat", "dog": "a dog"},
        "model_args": {
            "img_size": [32, 32], "patch_size": 16, "embed_dim": 24, "depth": 1, "num_heads": 3,
            "mlp_ratio": 2.0, "reg_tokens": 1, "no_embed_class": True, "pre_norm": True,
            "init_values": 1e-5, "act_layer": "gelu_tanh", "fc_norm": False, "qkv_bias": False},
        "pretrained_cfg": {
            "input_size": [3, 32, 32], "interpolation": "bicubic", "crop_pct": 0.9,
            "crop_mode": "center", "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5],
            "num_classes": 2, "first_conv": "patch_embed.proj", "classifier": "head"}}))

    # What once overflowed, before numbers had bounds.
    write("folder", "huge_registers", folder(config={
        "architecture": "vit_tiny_patch16_224", "model_args": {"reg_tokens": 2**63 - 1}}))
    write("folder", "huge_input", folder(config={
        "architecture": "vit_tiny_patch16_224",
        "pretrained_cfg": {"input_size": [3, 2**62, 2**62], "crop_pct": 0.02}}))
    write("folder", "huge_image", folder(
        config=dict(vit, image_size=2**62), processor=dict(processor, size=16384)))
    write("folder", "infinite_scale", b"\x1ec" + json.dumps(vit).encode() + b"\x1ep" + json.dumps(
        processor).replace("0.00392156862745098", "1e999").encode())

    weights = struct.pack("<Q", 0x3154485743544956) + struct.pack("<II", 1, 0)
    weights += struct.pack("<QQQ", 240, 0x1111, 0x2222)
    whole = weights.ljust(4096, b"\0") + struct.pack("<60f", *range(60))
    write("weights", "right.weights", whole)
    write("weights", "cut.weights", whole[:4200])
    write("weights", "header.weights", weights)

    # The least that LibraryFile reads: an ELF header and a program header.
    elf = b"\x7fELF\x02\x01\x01".ljust(16, b"\0") + struct.pack(
        "<HHIQQQIHHHHHH", 3, 62, 1, 0, 64, 0, 0, 64, 56, 1, 64, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, 0, 0, 120, 120, 4096)
    write("library", "smallest.elf", elf + segment)
    write("library", "cut.elf", (elf + segment)[:100])

    # A library that proves itself: code that is empty, the record, golden values, and 60 weights in
    # the last segment or in a file.
    numbers = struct.pack("<60f", *range(60))
    hashed = 0x1337D82E0E09A7EF, 0xD6FA16244B6C21C6  # XXH3-128 of them, low and high

    def proving(name=b"", limit=1e-4, rms=None, weights=numbers):
        record = struct.pack("<QQQQQ", 0x466F6F7250435456, 0x9D1EA70C5B38F246, 240, *hashed)
        record += name.ljust(80, b"\0") + struct.pack("<IIfI", 2, 1, limit, 0)
        for values in golden_values():
            record += struct.pack("<65f", rms or values[0], *values[1:])
        elf = b"\x7fELF\x02\x01\x01".ljust(16, b"\0") + struct.pack(
            "<HHIQQQIHHHHHH", 3, 62, 1, 0, 64, 0, 0, 64, 56, 2, 64, 0, 0)
        start = 64 + 2 * 56 + len(record)
        elf += struct.pack("<IIQQQQQQ", 1, 5, 0, 0, 0, start, start, 4096)
        elf += struct.pack("<IIQQQQQQ", 1, 4, start, 4096, 4096, 240, 240, 4096)
        return elf + record + weights

    own_hash = struct.pack("<QIIQQQ", 0x3154485743544956, 1, 0, 240, *hashed)
    beside = own_hash.ljust(4096, b"\0") + numbers
    write("proof", "embedded", proving())
    write("proof", "damaged_weights", proving(weights=bytes(240)))
    write("proof", "cut", proving()[:500])
    write("proof", "in_file", proving(name=b"fuzz.weights", weights=b"") + beside)
    write("proof", "cut_file", proving(name=b"fuzz.weights", weights=b"") + beside[:4200])
    write("proof", "elsewhere", proving(name=b"../fuzz.weights", weights=b"") + beside)
    # What a self-test printed as a number once, and could not.
    write("proof", "negative_limit", proving(limit=-1.0))
    write("proof", "huge_limit", proving(limit=1e30, rms=float("nan")))
    write("proof", "wrong_values", proving(rms=1.0))

    pixels = bytes(i * 37 % 256 for i in range(400))
    for name, fields in {
        "rgb": (0, 1), "bgr_upside_down": (1, 1, 6, 5, 4), "rgba_on_white": (2, 3, 7, 4, 2),
        "bgra_turned": (3, 6, 5, 9, 0), "grey_transposed": (4, 5, 9, 3, 5),
        "nv12_odd": (5, 8, 5, 7, 0), "nv12_flipped": (5, 2, 6, 6, 20), "no_format": (6, 1),
        "no_width": (0, 1, 0), "no_pixels": (0, 1, 5, 4, 0x40), "no_chroma": (5, 1, 4, 4, 0x80),
        "any_rows": (2, 1, 5, 4, 8), "any_chroma_rows": (5, 1, 5, 4, 32),
    }.items():
        form, turn, width, height, flags = fields + (0, 0, 5, 4, 0)[len(fields):]
        write("picture", name, struct.pack(
            "<bbbbhhBBqBB", form, turn, 0, 0, width, height, flags, 0, -2**63, 3, 2) + pixels)


def golden_values():
    """The golden values of the small model that the fuzzer runs: for its two outputs the root mean
    square and 64 values each, in f32."""
    f32 = lambda x: struct.unpack("<f", struct.pack("<f", x))[0]
    image = []
    for index in range(60):
        z = (index + 1) * 0x9E3779B97F4A7C15 % 2**64
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ z >> 27) * 0x94D049BB133111EB % 2**64
        z ^= z >> 31
        image.append((z >> 40) / 2**22 - 2)
    products = [f32(x * i) for i, x in enumerate(image)]
    tokens = [f32(products[i] + products[59 - i]) for i in range(60)]
    total = 0.0
    for token in tokens:
        total = f32(total + token)
    for output in [total], tokens:
        rms = f32((sum(x * x for x in output) / len(output)) ** 0.5)
        yield [rms] + output + [0.0] * (64 - len(output))


main()

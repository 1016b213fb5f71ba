"""Writes the seeds of Tests/FuzzTests/Corpus that no other test has as files.

Run from the repository's root: python3 Tests/FuzzTests/make_corpus.py. Only the standard library.
"""

import base64
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

    tokenizers()
    texts()

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


def charsmap(changes):
    """SentencePiece's precompiled table: a double array of the keys, then the texts."""
    trie, texts = {}, b""
    for key, text in changes.items():
        node = trie
        for byte in key.encode():
            node = node.setdefault(byte, {})
        node[0] = len(texts)
        texts += text.encode() + b"\0"
    units = {0: 0}

    def place(node, at, unit):
        base = 1
        while any(base ^ byte in units for byte in node):
            base += 1
        units[at] = unit | (at ^ base) << 10 | (0 in node) << 8
        for byte in node:
            units[base ^ byte] = node[0] | 1 << 31 if byte == 0 else byte
        for byte, child in node.items():
            if byte:
                place(child, base ^ byte, byte)

    place(trie, 0, 0)
    count = max(units) + 1
    array = struct.pack(f"<{count}I", *(units.get(i, 0xFF) for i in range(count)))
    return struct.pack("<I", len(array)) + array + texts


def field(number, value):
    """A field of Protocol Buffers: an integer, a float, or bytes."""
    def varint(n):
        return bytes([n]) if n < 128 else bytes([n & 127 | 128]) + varint(n >> 7)

    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def sentencepiece(pieces, changes, falls_back=False):
    """A model of pieces with their types, by the numbers of sentencepiece_model.proto."""
    model = b"".join(
        field(1, field(1, text.encode()) + field(2, -1.0 - min(i, 32) / 8) + field(3, kind))
        for i, (text, kind) in enumerate(pieces))
    normalizer = field(1, b"own") + (field(2, charsmap(changes)) if changes else b"")
    trainer = field(3, 1) + field(35, int(falls_back))
    return model + field(2, trainer) + field(3, normalizer + field(4, 1))


def tokenizer(kind, length=77, **files):
    letters = {"json": b"t", "config": b"c", "map": b"x", "vocab": b"v", "merges": b"m",
               "model": b"s", "text": b"e"}
    parts = b"\x1ek" + str(kind).encode() + bytes([length - 1])
    for key, value in files.items():
        if not isinstance(value, bytes):
            value = value.encode() if isinstance(value, str) else json.dumps(value).encode()
        parts += b"\x1e" + letters[key] + value
    return parts


def tokenizers():
    letters = list("abcefhoptd012',.")
    merges = ["a t</w>", "o f</w>", "c a", "ca t</w>", "p h"]
    pieces = letters + [f"{x}</w>" for x in letters] + ["Ã", "©</w>", "at</w>", "of</w>", "ca"]
    pieces += ["cat</w>", "ph", "<|startoftext|>", "<|endoftext|>"]
    vocabulary = {piece: i for i, piece in enumerate(pieces)}
    clip = dict(vocab=vocabulary, merges="#version: 0.2\n" + "\n".join(merges) + "\n")
    text = "A photo of a CAT, cafe\u0301's  12 <|endoftext|> of"
    write("tokenizer", "clip", tokenizer(0, text=text, **clip))
    write("tokenizer", "open_clip", tokenizer(5, text=text + " caf&amp;e &lt;b&gt;", **clip))
    write("tokenizer", "left", tokenizer(
        0, 5, config={"padding_side": "left", "truncation_side": "left"}, text=text * 3, **clip))
    added = [{"id": i, "content": c, "special": s, "normalized": not s, "lstrip": s,
              "single_word": not s} for i, c, s in [(44, "<|endoftext|>", True), (50, "tAP", False)]]
    words = r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
    written = {
        "added_tokens": added,
        "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "NFC"}, {"type": "Replace", "pattern": {"Regex": r"\s+"}, "content": " "},
            {"type": "Lowercase"}, {"type": "Strip"},
            {"type": "Replace", "pattern": {"String": "x"}, "content": "ab"}]},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": words}, "behavior": "Removed", "invert": True},
            {"type": "ByteLevel", "add_prefix_space": False}]},
        "post_processor": {"type": "RobertaProcessing", "sep": ["<|endoftext|>", 44],
                           "cls": ["<|startoftext|>", 43]},
        "model": {"type": "BPE", "unk_token": "<|endoftext|>", "end_of_word_suffix": "</w>",
                  "vocab": vocabulary, "merges": merges}}
    whole = {"tokenizer_class": "TokenizersBackend", "pad_token": "<|endoftext|>"}
    write("tokenizer", "as_written", tokenizer(4, json=written, config=whole, text=text + " tap"))
    write("tokenizer", "early_merges", tokenizer(
        0, json={"model": dict(reversed(written["model"].items()))}, text=text))

    scored = [["<s>", 0.0], ["<pad>", 0.0], ["</s>", 0.0], ["<unk>", 0.0]]
    scored += [[p, -2.0 - i / 4] for i, p in enumerate(
        ["\u2581", "\u2581a", "a", "cat", "c", "t", "\u2581ph", "o", "to", "\u2581of", "f", "fi"])]
    changes = {"\ufb01": "fi", "A": "a", "C": "c", "\u00a0": " ", "e\u0301": "\u00e9"}
    unigram = {
        "normalizer": {"type": "Precompiled", "precompiled_charsmap":
                       base64.b64encode(charsmap(changes)).decode()},
        "pre_tokenizer": {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "first"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}},
                       {"SpecialToken": {"id": "</s>"}}],
            "special_tokens": {"<s>": {"ids": [0]}, "</s>": {"ids": [2]}}},
        "model": {"type": "Unigram", "unk_id": 3, "vocab": scored}}
    text = "A photo of\u00a0a Cat e\u0301 \ufb01sh \u2581 zzz</s> of"
    write("tokenizer", "metaclip2", tokenizer(3, json=unigram, text=text))
    write("tokenizer", "unigram", tokenizer(
        4, json=unigram, config=dict(whole, pad_token="<pad>"), text=text))
    write("tokenizer", "t5", tokenizer(
        4, json=dict(unigram, model=dict(unigram["model"], vocab=[
            ["<pad>", 0], ["</s>", 0], ["<unk>", 0]] + scored[4:])),
        config={"tokenizer_class": "T5TokenizerFast"}, text=text))

    gemma = ["<pad>", "<eos>", "<bos>", "<unk>"] + [f"<0x{i:02X}>" for i in range(0, 256, 3)]
    gemma += ["\u2581", "a", "c", "t", "at", "cat", "o", "of", "\u2581a", "\u2581o"]
    model = {"type": "BPE", "unk_token": "<unk>", "fuse_unk": True, "byte_fallback": True,
             "vocab": {p: i for i, p in enumerate(gemma)},
             "merges": [["a", "t"], ["c", "at"], ["\u2581", "a"]]}
    write("tokenizer", "siglip2", tokenizer(
        2, 64, json={"normalizer": {"type": "Lowercase"}, "model": model},
        config={"add_eos_token": True}, map={"pad_token": {"content": "<pad>"}}, text=text))

    pieces = [("<unk>", 2), ("</s>", 3), ("\u2581", 1), ("\u2581a", 1), ("a", 1), ("cat", 1),
              ("c", 1), ("t", 1), ("o", 1), ("<user>", 4), ("\u2581ph", 1), ("</s", 5)]
    siglip = sentencepiece(pieces, changes)
    write("tokenizer", "siglip", tokenizer(1, 64, model=siglip, text=text + "<user>"))
    write("tokenizer", "bytes", tokenizer(
        1, 16, model=sentencepiece(
            pieces + [(f"<0x{i:02X}>", 6) for i in range(256)], {}, falls_back=True), text=text))
    write("tokenizer", "canonical", tokenizer(
        6, 64, json={"model": model}, config={"tokenizer_class": "GemmaTokenizer"}, text=text))

    # What asked for memory, or for words beyond a table, before there were bounds.
    huge = dict(written, model=dict(written["model"], vocab=dict(vocabulary, z=999999998),
                                    merges=["a t</w>"]))
    write("tokenizer", "huge_number", tokenizer(4, json=huge, config=whole))
    twice = json.dumps(unigram).replace('"unk_id": 3', '"unk_id": 3, "vocab": {"q": 99}')
    twice = twice[:-2] + ', "vocab": {"cat": 700000}}}'
    write("tokenizer", "two_vocabularies", tokenizer(
        4, json=twice, config=dict(whole, pad_token="<pad>"), text=text))
    write("tokenizer", "negative_padding", tokenizer(
        4, json=dict(written, padding={"pad_id": -7}), config={"tokenizer_class": "TokenizersBackend"}))
    write("tokenizer", "negative_token", tokenizer(
        4, json=dict(written, added_tokens=[dict(added[1], id=-3)]), config=whole, text="a tap"))
    write("tokenizer", "no_room", tokenizer(0, 1, text="a", **clip))
    doubling = {"type": "Replace", "pattern": {"String": "a"}, "content": "aa"}
    write("tokenizer", "doubling", tokenizer(
        4, json=dict(written, normalizer={"type": "Sequence", "normalizers": [doubling] * 64}),
        config=whole, text="a"))
    write("tokenizer", "many_steps", tokenizer(
        4, json=dict(written, pre_tokenizer={
            "type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}] * 100}),
        config=whole, text="a"))


def texts():
    lines = [
        "a photo of a cat, it's 12 o'clock", "NA\u00cfVE cafe\u0301 \u03a3\u03a3 \u0130\u017f",
        "\u0915\u094d\u0937 \ud55c\uad6d \u1112\u1161\u11ab \u65e5\u672c\u8a9e \U0001f1e9\U0001f1ea",
        "\U0001f468\u200d\U0001f469\u200d\U0001f466 \ufb01 \u2581\u2581 \u00a0\u3000 &amp;amp; &lt;",
        "<|endoftext|></s><unk><start_of_text> <eos>", "a" + "\u0301\u0323" * 200, "\0\x1f\x7f\u0085",
        "sch\u00c3\u00b6n caf&eacute;",
    ]
    for index, line in enumerate(lines):
        for kind in range(7):
            write("text", f"{index}_{kind}", bytes([kind, 0]) + line.encode())
    write("text", "long", bytes([0, 0xF7]) + b"aaaa bbbb " * 80)
    write("text", "long_marks", bytes([1, 0xF5]) + "a\u0301\u0323".encode() * 100)
    write("text", "long_word", bytes([4, 0xF6]) + "\u0e2a".encode() * 200)
    for index, wrong in enumerate([
            b"a cat\xff", b"\xed\xa0\x80", b"caf\xc3", b"\xc0\x80", b"\xf4\x90\x80\x80", b"\x80"]):
        write("text", f"wrong_{index}", bytes([index, 0]) + wrong)


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

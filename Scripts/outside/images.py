"""PNG and JPEG, held to PIL's `Image.open(path).convert("RGB")`.

What is decoded has PIL's pixels, every one. What PIL decodes may be refused only where the file was
damaged: cut, changed at random, or changed in a way that alters PIL's pixels.
"""

import io
import os
import struct
import zlib

import numpy as np
from PIL import Image, ImageFile

from readers import Refusal

KIND = "images"


def photo(random, channels, largest=64):
    """Something smooth with edges and noise."""
    height, width = random.integers(1, largest, 2)
    y, x = np.mgrid[0:height, 0:width]
    planes = [127 + 120 * np.sin(x / random.uniform(2, 20) + y / random.uniform(2, 20) + i)
              for i in range(channels)]
    a = np.stack(planes, -1) + random.normal(0, random.choice([0, 5, 40]), (height, width, channels))
    a[height // 3:height // 2, width // 4:width // 2] = random.integers(0, 256, channels)
    return np.clip(a, 0, 255).astype(np.uint8)


def segments(data):
    """The segments before the first scan, each with its marker, and the rest."""
    parts, at = [data[:2]], 2
    while data[at + 1] != 0xDA:
        end = at + 2 + struct.unpack(">H", data[at + 2:at + 4])[0]
        parts.append(data[at:end])
        at = end
    return parts, data[at:]


def segment(marker, body):
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def jpeg(random):
    """A JPEG, and whether its pixels are as PIL wrote them."""
    channels = int(random.choice([3, 3, 3, 1, 4]))
    options = {"quality": int(random.integers(20, 100))}
    if channels == 3:
        options["subsampling"] = int(random.integers(0, 3))
    progressive = bool(random.random() < 0.25)
    if progressive:
        options["progressive"] = True
    if random.random() < 0.4:
        options["restart_marker_blocks"] = int(random.integers(1, 5))
    if random.random() < 0.2:
        options["comment"] = b"a comment"
    if random.random() < 0.2:
        exif = Image.Exif()
        exif[0x0112] = int(random.integers(1, 9))
        options["exif"] = exif.tobytes()
    array = photo(random, channels)
    image = Image.fromarray(array[..., 0] if channels == 1 else array,
                            {1: "L", 3: "RGB", 4: "CMYK"}[channels])
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", **options)
    data = buffer.getvalue()
    parts, scan = segments(data)
    changes = []
    for change in random.permutation(12)[:random.integers(0, 4)]:
        changes.append(int(change))
        if change == 0:
            # An unknown revision of JFIF.
            parts = [bytes([*p[:9], int(random.integers(256)), int(random.integers(256)), *p[11:]])
                     if p[1:2] == b"\xe0" and p[4:8] == b"JFIF" else p for p in parts]
        elif change == 1 and not progressive:
            # Fields of the scan that only progressive ones use.
            at = 4 + 1 + 2 * scan[4]
            scan = scan[:at] + bytes(random.integers(0, 256, 3, dtype=np.uint8)) + scan[at + 3:]
        elif change == 2:
            # Bytes that belong to no segment.
            at = int(random.integers(2, len(parts) + 1))
            stray = bytes(random.integers(0, 255, random.integers(1, 9), dtype=np.uint8))
            parts = parts[:at] + [stray] + parts[at:]
        elif change == 3:
            # Adobe's segment, known and unknown transforms: what it says of colour is obeyed by both.
            body = b"Adobe\0\x64\0\0\0\0" + bytes([int(random.choice([0, 1, 2, 3, 77, 255]))])
            parts.insert(int(random.integers(1, len(parts) + 1)), segment(0xEE, body))
        elif change == 4:
            # Fill bytes before a marker.
            at = int(random.integers(1, len(parts)))
            parts[at] = b"\xff" * int(random.integers(1, 5)) + parts[at]
        elif change == 5:
            parts = [p for p in parts if p[1:2] != b"\xe0"]
        elif change == 6:
            scan += bytes(random.integers(0, 256, random.integers(1, 30), dtype=np.uint8))
        elif change == 7:
            end = scan.rindex(b"\xff\xd9")
            scan = scan[:end] + b"\0" * int(random.integers(1, 6)) + scan[end:]
        elif change == 8:
            # A restart marker with another number.
            at = [i for i in range(len(scan) - 1) if scan[i] == 0xFF and 0xD0 <= scan[i + 1] <= 0xD7]
            if at:
                i = at[random.integers(len(at))] + 1
                scan = scan[:i] + bytes([0xD0 | (scan[i] + int(random.integers(1, 8))) & 7]) + scan[i + 1:]
        elif change == 9:
            at = int(random.integers(1, len(parts) + 1))
            kind = int(random.choice([0xE1, 0xE2, 0xE5, 0xED, 0xFE]))
            parts.insert(at, segment(kind, bytes(random.integers(0, 256, random.integers(0, 40),
                                                                 dtype=np.uint8))))
        elif change == 10 and not progressive and "optimize" not in options:
            # Without the usual tables, as the frames of a film are.
            parts = [p for p in parts if p[1:2] != b"\xc4"]
        elif change == 11 and channels == 3 and not progressive and "optimize" not in options:
            # Components that are named R, G, B, which libjpeg takes as colours.
            names = dict(zip((1, 2, 3), b"RGB"))
            parts = [b"".join([p[:10], *(bytes([names[p[i]]]) + p[i + 1:i + 3] for i in (10, 13, 16))])
                     if p[1:2] == b"\xc0" else p for p in parts if p[1:2] != b"\xe0"]
            scan = scan[:5] + b"".join(bytes([names[scan[i]], scan[i + 1]]) for i in (5, 7, 9)) + scan[11:]
    data = b"".join(parts) + scan
    return data, changes


def chunk(kind, data, wrong=0):
    return struct.pack(">I", len(data)) + kind + data \
        + struct.pack(">I", (zlib.crc32(kind + data) + wrong) & 0xFFFFFFFF)


def filtered(random, rows, step):
    """Rows with a random filter each."""
    out, previous = [], bytes(len(rows[0]))
    for row in rows:
        kind = int(random.integers(5))
        line = bytearray()
        for i, value in enumerate(row):
            a = row[i - step] if i >= step else 0
            b = previous[i]
            c = previous[i - step] if i >= step else 0
            p = a + b - c
            nearest = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
            line.append((value - [0, a, b, (a + b) // 2, nearest][kind]) & 255)
        out.append(bytes([kind]) + bytes(line))
        previous = row
    return b"".join(out)


ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
         (0, 1, 1, 2)]


def png(random):
    """A PNG of any kind, with chunks that do not change its pixels, and some that are odd."""
    color, depth = [(0, 1), (0, 2), (0, 4), (0, 8), (0, 16), (2, 8), (2, 16), (3, 1), (3, 2), (3, 4),
                    (3, 8), (4, 8), (4, 16), (6, 8), (6, 16)][random.integers(15)]
    samples = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[color]
    width, height = (int(e) for e in random.integers(1, 40, 2))
    colors = 1 << depth
    entries = int(random.integers(1, colors + 1)) if color == 3 else 0
    limit = entries if color == 3 else colors
    odd_index = color == 3 and random.random() < 0.1
    pixels = random.integers(0, colors if odd_index else limit, (height, width, samples))
    interlaced = bool(random.random() < 0.3)

    def rows(part):
        if depth == 16:
            return [row.astype(">u2").tobytes() for row in part]
        if depth == 8:
            return [row.astype(np.uint8).tobytes() for row in part]
        bits = (part.reshape(len(part), -1, 1) >> np.arange(depth - 1, -1, -1)) & 1
        return [np.packbits(row).tobytes() for row in bits.reshape(len(part), -1)]

    step = max(1, samples * depth // 8)
    if interlaced:
        parts = [pixels[y::dy, x::dx] for x, y, dx, dy in ADAM7]
        raw = b"".join(filtered(random, rows(part), step) for part in parts if part.size)
    else:
        raw = filtered(random, rows(pixels), step)
    packed = zlib.compress(raw, int(random.integers(0, 10)))
    before, after, end = [], [], []
    for _ in range(random.integers(0, 5)):
        place = [before, after, end][random.integers(3)]
        kind = random.integers(14)
        if kind == 0:
            place.append(chunk(b"tEXt", b"Comment\0" + b"x" * int(random.integers(0, 50))))
        elif kind == 1:
            place.append(chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"x" * 99)))
        elif kind == 2:
            place.append(chunk(b"gAMA", struct.pack(">I", int(random.choice([0, 1, 45455, 10**6])))))
        elif kind == 3:
            place.append(chunk(b"vpAg", bytes(random.integers(0, 256, 9, dtype=np.uint8))))
        elif kind == 4:
            place.append(chunk(b"pHYs", struct.pack(">IIB", 2835, 2835, 1)))
        elif kind == 5:
            place.append(chunk(b"sRGB", bytes([int(random.integers(4))])))
        elif kind == 6:
            place.append(chunk(b"tIME", struct.pack(">HBBBBB", 2024, 1, 2, 3, 4, 5)))
        elif kind == 7 and color == 2:
            after.append(chunk(b"tRNS", struct.pack(">HHH", 1, 2, 3)))
        elif kind == 8 and color == 0:
            after.append(chunk(b"tRNS", struct.pack(">H", 1)))
        elif kind == 9 and color == 3:
            after.append(chunk(b"tRNS", bytes(random.integers(0, 256, random.integers(1, entries + 1),
                                                              dtype=np.uint8))))
        elif kind == 10:
            before.append(chunk(b"iCCP", b"profile\0\0" + zlib.compress(b"not a profile" * 9)))
        elif kind == 11:
            place.append(chunk(b"eXIf", b"II*\0\x08\0\0\0\0\0\0\0\0\0"))
        elif kind == 12 and random.random() < 0.2:
            # Longer than libpng keeps.
            before.append(chunk(b"prIv", bytes(8_200_000)))
        elif kind == 13:
            place.append(chunk(b"cICP", bytes([1, 13, 0, 1])))
    cuts = sorted(int(c) for c in random.integers(0, len(packed) + 1, random.integers(0, 4)))
    idat = [chunk(b"IDAT", packed[a:b]) for a, b in zip([0, *cuts], [*cuts, len(packed)])]
    palette = [chunk(b"PLTE", random.integers(0, 256, 3 * entries, dtype=np.uint8).tobytes())] \
        if color == 3 else []
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, int(interlaced))
    trailing = bytes(int(random.integers(1, 20))) if random.random() < 0.1 else b""
    data = b"\x89PNG\r\n\x1a\n" + b"".join(
        [chunk(b"IHDR", header), *before, *palette, *after, *idat, *end, chunk(b"IEND", b"")]) + trailing
    return data, ["odd index"] if odd_index else []


def pil(path):
    """PIL's pixels; None where it gives none."""
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    try:
        with Image.open(path) as image:
            return np.asarray(image.convert("RGB"))
    except Exception:
        return None


def compare(seed, folder, readers):
    random = np.random.default_rng(seed)
    is_jpeg = bool(random.random() < 0.5)
    path = os.path.join(folder, "image")
    data, changes = jpeg(random) if is_jpeg else png(random)
    what = f"{'JPEG' if is_jpeg else 'PNG'} {changes}"
    damaged = bool(random.random() < 0.2)
    original = None
    if damaged:
        bad = bytearray(data)
        if random.random() < 0.4:
            bad = bad[:random.integers(3, len(bad))]
        else:
            for _ in range(random.integers(1, 4)):
                bad[random.integers(3, len(bad))] = random.integers(256)
        data = bytes(bad)
    elif 8 in changes:
        # A restart marker may cost pixels: then PIL's differ from those with the right number.
        again = np.random.default_rng(seed)
        again.random()
        with open(path, "wb") as file:
            file.write(renumbered(data))
        original = pil(path)
    with open(path, "wb") as file:
        file.write(data)
    theirs = pil(path)
    try:
        ours = readers.image(path)
    except Refusal as refusal:
        if theirs is None or damaged or "odd index" in changes:
            return "refused", None
        if original is not None and not np.array_equal(theirs, original):
            return "refused", None
        return "differs", f"{what}: refused: {refusal}"
    if theirs is None:
        return ("damaged", None) if damaged else ("differs", f"{what}: decoded, though PIL does not")
    if ours.shape != theirs.shape or not np.array_equal(ours, theirs):
        return "differs", f"{what}: {int((ours != theirs).sum()) if ours.shape == theirs.shape else 'all'} " \
                          f"of {theirs.size} bytes differ from PIL's{', damaged' if damaged else ''}"
    return "damaged, decoded" if damaged else "decoded", None


def renumbered(data):
    """The restart markers of every scan with the numbers 0 to 7 in order."""
    out, number = bytearray(data), 0
    start = data.index(b"\xff\xda")
    for i in range(start, len(out) - 1):
        if out[i] == 0xFF and out[i + 1] == 0xDA:
            number = 0
        if out[i] == 0xFF and 0xD0 <= out[i + 1] <= 0xD7:
            out[i + 1] = 0xD0 | number & 7
            number += 1
    return bytes(out)

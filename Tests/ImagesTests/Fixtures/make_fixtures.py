"""Makes the images beside this file and what PIL reads from them (NAME.rgb: raw bytes).

Run: python make_fixtures.py   (needs pillow, numpy, transformers and the libturbojpeg library)
"""

import ctypes
import ctypes.util
import io
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
from transformers.image_transforms import convert_to_rgb

HERE = Path(__file__).parent
rng = np.random.default_rng(7)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, depth, color, rows, extra=b""):
    """A PNG of these rows of bytes, unfiltered."""
    raw = b"".join(b"\0" + bytes(row) for row in rows)
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra
            + chunk(b"IDAT", zlib.compress(raw, 9)) + chunk(b"IEND", b""))


def packed(width, height, bits_per_pixel):
    return [rng.integers(0, 256, (width * bits_per_pixel + 7) // 8, dtype=np.uint8).tobytes()
            for _ in range(height)]


def photo(width, height):
    """Something smooth with edges and a little noise, so that JPEG has work to do."""
    y, x = np.mgrid[0:height, 0:width]
    a = np.stack([127 + 120 * np.sin(x / 5), 127 + 120 * np.cos(y / 7), (x * 5 + y * 3) % 256], -1)
    a[height // 3:height // 2, width // 4:width // 2] = (250, 10, 40)
    return np.clip(a + rng.normal(0, 6, a.shape), 0, 255).astype(np.uint8)


def saved(array, mode=None, **options):
    buffer = io.BytesIO()
    Image.fromarray(array, mode).save(buffer, **options)
    return buffer.getvalue()


files = {}
palette = chunk(b"PLTE", rng.integers(0, 256, 48, dtype=np.uint8).tobytes())
for depth in (1, 2, 4):
    files[f"grey{depth}.png"] = png(13, 6, depth, 0, packed(13, 6, depth))
    files[f"palette{depth}.png"] = png(
        13, 6, depth, 3, packed(13, 6, depth),
        chunk(b"PLTE", palette[8:8 + 3 * (1 << depth)]))
files["grey8_gamma.png"] = png(
    9, 5, 8, 0, packed(9, 5, 8), chunk(b"gAMA", struct.pack(">I", 100000)))
files["grey8_transparent.png"] = png(
    9, 5, 8, 0, packed(9, 5, 8), chunk(b"tRNS", b"\0\1"))
edge = np.array([0, 1, 127, 128, 255, 256, 257, 0x7FFF, 0x8000, 0xFF00, 0xFFFF], ">u2")
files["grey16.png"] = png(11, 1, 16, 0, [edge.tobytes()])
files["rgb16.png"] = png(11, 1, 16, 2, [np.repeat(edge, 3).tobytes()])
files["grey_alpha8.png"] = png(7, 4, 8, 4, packed(7, 4, 16))
files["grey_alpha16.png"] = png(7, 4, 16, 4, packed(7, 4, 32))
files["rgba8.png"] = png(7, 4, 8, 6, packed(7, 4, 32))
files["rgba16.png"] = png(7, 4, 16, 6, packed(7, 4, 64))
files["palette8_transparent.png"] = png(
    9, 5, 8, 3, [rng.integers(0, 16, 9, dtype=np.uint8).tobytes() for _ in range(5)],
    palette + chunk(b"tRNS", bytes([0, 128, 255])))
files["rgb8.png"] = saved(photo(33, 21), format="PNG")


def adam7(pixels, depth, color):
    """An interlaced PNG of pixels [h, w, bytes]; PIL cannot write one."""
    rows = []
    for x0, y0, dx, dy in [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4),
                           (1, 0, 2, 2), (0, 1, 1, 2)]:
        part = pixels[y0::dy, x0::dx]
        if part.size:
            rows += [b"\0" + row.tobytes() for row in part]
    height, width = pixels.shape[:2]
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 1)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
            + chunk(b"IDAT", zlib.compress(b"".join(rows), 9)) + chunk(b"IEND", b""))


files["rgb8_interlaced.png"] = adam7(photo(19, 17), 8, 2)
files["grey16_interlaced.png"] = adam7(
    rng.integers(0, 2, (9, 11, 2), dtype=np.uint8) * np.uint8([1, 77]), 16, 0)

picture = photo(45, 35)
for name, subsampling in (("444", 0), ("422", 1), ("420", 2)):
    files[f"rgb_{name}.jpg"] = saved(picture, format="JPEG", subsampling=subsampling, quality=85)
files["rgb_progressive.jpg"] = saved(picture, format="JPEG", progressive=True, quality=60)
files["grey.jpg"] = saved(picture[..., 0].copy(), format="JPEG", quality=90)
cmyk = np.concatenate([photo(21, 18), rng.integers(0, 256, (18, 21, 1), dtype=np.uint8)], -1)
files["cmyk.jpg"] = saved(cmyk, "CMYK", format="JPEG", quality=90)
exif = Image.Exif()
exif[0x0112] = 6  # turn by 90 degrees
files["turned.jpg"] = saved(picture, format="JPEG", exif=exif.tobytes(), quality=85)
plain = files["rgb_444.jpg"]
end = plain.rindex(b"\xff\xd9")
files["stray_bytes.jpg"] = plain[:end] + b"\0\0\0" + plain[end:]



def turbojpeg(pixels, subsampling):
    """A JPEG with a chroma subsampling that PIL cannot write: 4 is 4:4:0, 5 is 4:1:1."""
    turbo = ctypes.CDLL(ctypes.util.find_library("turbojpeg"))
    turbo.tjInitCompress.restype = ctypes.c_void_p
    handle = ctypes.c_void_p(turbo.tjInitCompress())
    buffer, size = ctypes.c_void_p(), ctypes.c_ulong()
    height, width = pixels.shape[:2]
    assert turbo.tjCompress2(handle, pixels.tobytes(), width, 0, height, 0, ctypes.byref(buffer),
                             ctypes.byref(size), subsampling, 85, 0) == 0
    return ctypes.string_at(buffer, size.value)


# What libjpeg only warns of, with the pixels of the file that it was made from.
restarts = saved(picture, format="JPEG", quality=85, restart_marker_blocks=2)
scan = plain.index(b"\xff\xda")
tables = plain.index(b"\xff\xdb")
harmless = {
    "scan_fields.jpg": plain[:scan + 11] + b"\0\0\7" + plain[scan + 14:],
    "jfif_2.jpg": plain.replace(b"JFIF\0\1\1", b"JFIF\0\2\1"),
    "stray_segments.jpg": plain[:tables] + b"\1\2\3" + plain[tables:scan] + b"\4" + plain[scan:],
    "adobe_transform.jpg": plain[:tables] + b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0\x4d" + plain[tables:],
    # The second restart marker has a number that is four too high.
    "restart_number.jpg": restarts.replace(b"\xff\xd1", b"\xff\xd5", 1),
}
for name, data in harmless.items():
    source = restarts if name == "restart_number.jpg" else plain
    same = [np.asarray(Image.open(io.BytesIO(each)).convert("RGB")) for each in (data, source)]
    assert data != source and (same[0] == same[1]).all(), name
    files[name] = data
# One too high: libjpeg leaves a part of the picture out.
(HERE / "restart_lost.jpg").write_bytes(restarts.replace(b"\xff\xd1", b"\xff\xd2", 1))

files["rgb_440.jpg"] = turbojpeg(picture, 4)
files["rgb_411.jpg"] = turbojpeg(picture, 5)

# Colours that are transparent by a tRNS chunk, beside those with an alpha channel.
files["grey1_transparent.png"] = png(
    8, 1, 1, 0, [b"\x5a"], chunk(b"tRNS", struct.pack(">H", 1)))
files["grey2_transparent.png"] = png(
    8, 1, 2, 0, [b"\x1b\xe4"], chunk(b"tRNS", struct.pack(">H", 0x155)))
files["grey16_transparent.png"] = png(
    3, 1, 16, 0, [struct.pack(">HHH", 300, 77, 333)], chunk(b"tRNS", struct.pack(">H", 333)))
files["rgb8_transparent.png"] = png(
    2, 1, 8, 2, [bytes([1, 2, 3, 4, 5, 6])], chunk(b"tRNS", struct.pack(">HHH", 4, 5, 6)))
files["rgb16_transparent.png"] = png(
    2, 1, 16, 2, [struct.pack(">6H", 0x1234, 0x5634, 0x7834, 0x3434, 0x1234, 0x1234)],
    chunk(b"tRNS", struct.pack(">HHH", 0x34, 0x12, 0x112)))
# Every alpha and every colour.
steps = np.arange(256, dtype=np.uint8)
files["alphas.png"] = saved(
    np.stack([*np.meshgrid(steps[::3], steps[::3][::-1]), np.full((86, 86), 9, np.uint8),
              np.meshgrid(steps[::3], steps[::3])[1]], -1), "RGBA", format="PNG")

# A picture for each orientation of EXIF, and all of them upright one after the other.
small = photo(13, 9)
upright = b""
for orientation in range(1, 9):
    exif = Image.Exif()
    exif[0x0112] = orientation
    kind = "png" if orientation % 2 else "jpeg"
    name = f"oriented_{orientation}.{'png' if kind == 'png' else 'jpg'}"
    data = saved(small, format=kind.upper(), exif=exif.tobytes())
    (HERE / name).write_bytes(data)
    image = Image.open(io.BytesIO(data))
    upright += np.asarray(ImageOps.exif_transpose(image).convert("RGB")).tobytes()
(HERE / "oriented.rgb").write_bytes(upright)

# WebP: lossy with odd extents, lossless, both with transparency, in the extended container, cut.
webp_photo = photo(61, 43)
films = [Image.fromarray(photo(16, 16)) for _ in range(2)]
see_through = np.dstack([webp_photo, np.arange(61 * 43).reshape(43, 61) % 256]).astype(np.uint8)
files["lossy.webp"] = saved(webp_photo, format="WEBP", quality=70)
files["lossless.webp"] = saved(webp_photo, format="WEBP", lossless=True)
files["lossy_alpha.webp"] = saved(see_through, format="WEBP", quality=80, exact=True)
files["lossless_alpha.webp"] = saved(see_through, format="WEBP", lossless=True, exact=True)
files["grey.webp"] = saved(webp_photo[..., 0], format="WEBP", lossless=True)
files["one.webp"] = saved(webp_photo[:1, :1], format="WEBP", lossless=True)
files["extended.webp"] = saved(
    webp_photo, format="WEBP", quality=90, xmp=b"<x/>", icc_profile=b"not a profile")
buffer = io.BytesIO()
films[0].save(buffer, format="WEBP", save_all=True, append_images=films[1:])
(HERE / "film.webp").write_bytes(buffer.getvalue())
turned = Image.Exif()
turned[0x0112] = 6
data = saved(webp_photo, format="WEBP", lossless=True, exif=turned.tobytes())
(HERE / "turned.webp").write_bytes(data)
(HERE / "turned.webp.upright").write_bytes(
    np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")).tobytes())

for name, data in files.items():
    (HERE / name).write_bytes(data)
    image = Image.open(io.BytesIO(data))
    pixels = np.asarray(image.convert("RGB"))
    (HERE / f"{name}.rgb").write_bytes(pixels.tobytes())
    if "A" in image.getbands() or "transparency" in image.info:
        # On white, as transformers puts it.
        (HERE / f"{name}.white").write_bytes(convert_to_rgb(image, return_numpy=True).tobytes())
    print(name, image.mode, pixels.shape, len(data))

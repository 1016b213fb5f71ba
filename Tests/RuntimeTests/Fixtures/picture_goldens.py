"""Writes pictures.tsv: pictures of each format and orientation, and the upright RGB pixels that PIL
makes of them. Made with Pillow 13.0.0; `python picture_goldens.py`.

NV12 has no mode in PIL: it is BT.601 in its narrow range with 16 fractional bits, as vit_abi.h says,
which is held here against the standard's own numbers.
"""

import pathlib

import numpy
from PIL import Image, ImageOps

random = numpy.random.default_rng(2026)


def upright(image, orientation):
    image = image.copy()
    image.getexif()[0x0112] = orientation
    return ImageOps.exif_transpose(image)


def nv12(height, width):
    luma = random.integers(0, 256, (height, width))
    chroma = random.integers(0, 256, ((height + 1) // 2, (width + 1) // 2, 2))
    wide = chroma.repeat(2, 0).repeat(2, 1)[:height, :width] - 128
    blue, red, y = wide[..., 0], wide[..., 1], luma - 16
    rows = [
        76309 * y + 104597 * red,
        76309 * y - 25675 * blue - 53279 * red,
        76309 * y + 132201 * blue,
    ]
    rgb = numpy.stack([numpy.clip((row + 32768) >> 16, 0, 255) for row in rows], -1)
    # ITU-R BT.601-7, 2.5: Kr = 0.299, Kb = 0.114; 219 steps of luma, 224 of chroma.
    kr, kb = 0.299, 0.114
    scale_y, scale_c = 255 / 219, 255 / 224
    exact_red = scale_y * y + 2 * (1 - kr) * scale_c * red
    exact_blue = scale_y * y + 2 * (1 - kb) * scale_c * blue
    exact_green = (
        scale_y * y
        - 2 * kb * (1 - kb) / (1 - kr - kb) * scale_c * blue
        - 2 * kr * (1 - kr) / (1 - kr - kb) * scale_c * red
    )
    exact = numpy.clip(numpy.stack([exact_red, exact_green, exact_blue], -1), 0, 255)
    assert numpy.abs(rgb - exact).max() < 0.505
    return luma.astype(numpy.uint8), chroma.astype(numpy.uint8), rgb.astype(numpy.uint8)


lines = ["format\twhite\torientation\twidth\theight\tpixels\tchroma\trgb"]
for index, name in enumerate(["rgb", "bgr", "rgba", "bgra", "grey", "nv12"]):
    for orientation in range(1, 9):
        for white in [0, 1] if name in ("rgba", "bgra") else [0]:
            height, width = (5, 7) if orientation % 2 else (6, 3)
            chroma = numpy.zeros(0, numpy.uint8)
            if name == "nv12":
                pixels, chroma, rgb = nv12(height, width)
                image = Image.fromarray(rgb)
            else:
                channels = {"grey": 1, "rgb": 3, "bgr": 3}.get(name, 4)
                pixels = random.integers(0, 256, (height, width, channels), numpy.uint8)
                order = pixels[..., [2, 1, 0, 3][:channels]] if name[0] == "b" else pixels
                image = Image.fromarray(order[..., 0] if channels == 1 else order)
                if white:
                    back = Image.new("RGBA", image.size, (255, 255, 255))
                    image = Image.alpha_composite(back, image)
            found = upright(image.convert("RGB"), orientation)
            fields = [index, white, orientation, width, height]
            fields += [pixels.tobytes().hex(), chroma.tobytes().hex(), found.tobytes().hex()]
            lines.append("\t".join(map(str, fields)))
path = pathlib.Path(__file__).with_name("pictures.tsv")
path.write_text("\n".join(lines) + "\n")

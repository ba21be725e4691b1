"""Small made-up images, compressed by imagecodecs (libjpeg-turbo, CharLS, OpenJPEG, OpenJPH) and decompressed again by it.

    pip install imagecodecs numpy
    python record_codecs.py

Writes ../src/recorded/codecs.json: streams and their samples [row, column, sample], base64 of little-endian bytes.
"""
import base64
import json
from pathlib import Path

import imagecodecs as ic
import numpy as np

HERE = Path(__file__).resolve().parent
rng = np.random.default_rng(11)
ROWS, COLUMNS = 21, 19


def smooth(samples, bits, signed=False):
    y, x = np.mgrid[0:ROWS, 0:COLUMNS]
    planes = [np.sin(x / 5 + k) + np.cos(y / 4 - k) + rng.normal(0, 0.1, x.shape) for k in range(samples)]
    unit = (np.stack(planes, -1) + 2.4) / 4.8
    values = np.clip(unit * (2**bits - 1), 0, 2**bits - 1) - (2 ** (bits - 1) if signed else 0)
    kind = np.dtype("i2" if signed else ("u1" if bits <= 8 else "u2"))
    return values.astype(kind).squeeze()


def pack(array):
    return base64.b64encode(bytes(array) if isinstance(array, bytes) else np.ascontiguousarray(array).tobytes()).decode()


cases = []


def add(name, codec, stream, values):
    samples = 1 if values.ndim == 2 else values.shape[2]
    cases.append(dict(name=name, codec=codec, rows=ROWS, columns=COLUMNS, samples=samples, type=values.dtype.name, stream=pack(stream), values=pack(values)))


def jpeg(name, image, **options):
    stream = ic.jpeg8_encode(image, **options)
    space = dict(colorspace="YCBCR", outcolorspace="YCBCR") if image.ndim == 3 else {}
    add(name, "jpeg", stream, ic.jpeg8_decode(stream, **space))


grey, deep, colour = smooth(1, 8), smooth(1, 12), smooth(3, 8)
jpeg("sequential, 8 bits", grey, level=85)
jpeg("sequential, 12 bits", deep, level=90, bitspersample=12)
jpeg("colour", colour, level=85, colorspace="RGB", outcolorspace="YCBCR", subsampling="444")
jpeg("colour, chrominance halved across", colour, level=85, colorspace="RGB", outcolorspace="YCBCR", subsampling="422")
jpeg("colour, chrominance halved both ways", colour, level=85, colorspace="RGB", outcolorspace="YCBCR", subsampling="420")
for bits in (8, 12, 16):
    image = smooth(1, bits)
    for predictor in range(1, 8):
        stream = ic.jpeg8_encode(image, lossless=True, predictor=predictor, bitspersample=bits)
        add(f"lossless, {bits} bits, predictor {predictor}", "jpeg", stream, image)
stream = ic.jpeg8_encode(colour, lossless=True, predictor=1, colorspace="RGB", outcolorspace="RGB")
add("lossless, colour", "jpeg", stream, colour)
for bits in (8, 12, 16):
    image = smooth(1, bits)
    add(f"JPEG-LS, {bits} bits", "jpeg-ls", ic.jpegls_encode(image), image)
    add(f"JPEG 2000, {bits} bits", "openjpeg", ic.jpeg2k_encode(image, reversible=True, codecformat="J2K"), image)
    add(f"HTJ2K, {bits} bits", "openjph", ic.htj2k_encode(image, reversible=True), image)
signed = smooth(1, 16, signed=True)
add("JPEG 2000, signed", "openjpeg", ic.jpeg2k_encode(signed, reversible=True, codecformat="J2K"), signed)
for near in (1, 3):
    stream = ic.jpegls_encode(deep, level=near)
    add(f"JPEG-LS, off by {near}", "jpeg-ls", stream, ic.jpegls_decode(stream))
add("JPEG-LS, colour", "jpeg-ls", ic.jpegls_encode(colour), colour)
add("JPEG 2000, colour", "openjpeg", ic.jpeg2k_encode(colour, reversible=True, codecformat="J2K"), colour)
add("HTJ2K, colour", "openjph", ic.htj2k_encode(colour, reversible=True), colour)
lines = ",\n".join(json.dumps(case) for case in cases)
text = '{"versions": %s,\n"cases": [\n%s\n]}\n' % (json.dumps(dict(imagecodecs=ic.__version__)), lines)
(HERE.parent / "src" / "recorded" / "codecs.json").write_text(text)
print(len(cases), len(text))

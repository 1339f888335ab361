"""What Pillow makes of synthetic pictures, as hashes: the expected values of pixels.test.ts.

    pip install numpy pillow==13.0.0
    python test/images/pillow.py > test/images/pillow.json

Pillow before 13 makes rows narrower or wider first always; 13 does so unless the height shrinks by more than twice as
many pixels as the width.
"""

import hashlib
import json
import random

import numpy as np
from PIL import Image

SIZES = [  # width, height, side of the square
    (28, 28, 112), (32, 32, 112), (80, 80, 112), (84, 84, 112), (113, 113, 112), (112, 112, 112), (300, 200, 112),
    (2000, 37, 84), (37, 2000, 84), (1, 977, 42), (977, 1, 42), (1, 1, 28), (112, 50, 112), (50, 120, 112),
    (540, 1200, 112), (1200, 540, 112), (640, 480, 1), (457, 123, 42), (9000, 2, 5), (65535, 1, 8), (1, 65535, 8),
]  # fmt: skip
TRANSPARENT = [(84, 84, 112), (256, 256, 256), (300, 200, 112), (50, 300, 112), (7, 5, 112), (1, 1, 3)]
BOXES = 80


def noise(count):
    """The same bytes as `noise` of pixels.test.ts."""
    v = np.arange(count, dtype=np.uint64) * 2654435761 & 0xFFFFFFFF
    v = (v ^ v >> 15) * 2246822519 & 0xFFFFFFFF
    return (v ^ v >> 13).astype(np.uint8)


def picture(width, height, channels=3):
    return Image.fromarray(noise(width * height * channels).reshape(height, width, channels))


def squeezed(image, size, box=None):
    square = image.resize((size, size), Image.Resampling.LANCZOS, box)
    return hashlib.sha256(np.asarray(square).transpose(2, 0, 1).tobytes()).hexdigest()


def on_white(image):
    canvas = Image.new("RGBA", image.size, "white")
    canvas.alpha_composite(image)
    return canvas.convert("RGB")


def boxes():
    draw = random.Random(1)
    for index in range(BOXES):
        width, height, size = (draw.randint(1, 300), draw.randint(1, 300), draw.randint(1, 130))
        left, right = sorted(draw.uniform(0, width) for _ in range(2))
        top, bottom = sorted(draw.uniform(0, height) for _ in range(2))
        box = (left, top, right, bottom)
        if index % 4 == 0:  # whole numbers
            box = (int(left), int(top), int(right) + 1, int(bottom) + 1)
        yield width, height, size, box


def row(*values):
    return "    " + json.dumps(values)


def table(name, rows):
    return f'  "{name}": [\n' + ",\n".join(rows) + "\n  ]"


tables = [
    table("whole", [row(*size, squeezed(picture(*size[:2]), size[2])) for size in SIZES]),
    table("transparent", [row(w, h, s, squeezed(on_white(picture(w, h, 4)), s)) for w, h, s in TRANSPARENT]),
    table("boxes", [row(w, h, s, box, squeezed(picture(w, h), s, box)) for w, h, s, box in boxes()]),
]
print("{\n" + ",\n".join(tables) + "\n}")

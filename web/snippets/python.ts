/**
 * A program of Python, as in README.md, with the probability to belong to one of the classes at all.
 * @param unknown the threshold below which an image is unknown, where the model can tell
 */
export const pythonOf = (file: string, unknown: string | undefined): string => `import json
import numpy as np
import onnxruntime
from PIL import Image, ImageOps

session = onnxruntime.InferenceSession("${file}", providers=["CPUExecutionProvider"])
labels = json.loads(session.get_modelmeta().custom_metadata_map["names"])
size = session.get_inputs()[0].shape[2]

image = ImageOps.exif_transpose(Image.open("new.jpg")).convert("RGBA")
canvas = Image.new("RGBA", image.size, "white")
canvas.alpha_composite(image)
square = canvas.convert("RGB").resize((size, size), Image.Resampling.LANCZOS)
pixels = np.asarray(square, dtype=np.float32).transpose(2, 0, 1)[None] / 255

${
  unknown === undefined
    ? `probabilities = session.run(["probabilities"], {"image": pixels})[0][0]
print(dict(zip(labels, probabilities.tolist())))`
    : `probabilities, known = session.run(["probabilities", "known"], {"image": pixels})
print(dict(zip(labels, probabilities[0].tolist())), "unknown" if known[0, 0] < ${unknown} else "")`
}`;

"""Classifies images with a task's ONNX file, on the CPU or a GPU, without the service.

    curl -o m-nas.onnx http://localhost:8080/v1/tasks/ID/model
    pip install onnxruntime numpy 'pillow>=13'    # with CUDA: onnxruntime-gpu in place of onnxruntime
    python classify.py m-nas.onnx new1.jpg new2.jpg
    python classify.py --provider cuda m-nas.onnx new1.jpg

Prints a JSON object a line: file, label, and the probability of every label.
"""

import argparse
import json
import sys

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}


def load(path, size):
    """An image file as the network's input, float32 [3, size, size] in 0..1."""
    image = ImageOps.exif_transpose(Image.open(path)).convert("RGBA")
    canvas = Image.new("RGBA", image.size, "white")
    canvas.alpha_composite(image)  # transparency on white
    square = canvas.convert("RGB").resize((size, size), Image.Resampling.LANCZOS)  # squeezed, not cropped
    return np.asarray(square, dtype=np.float32).transpose(2, 0, 1) / 255


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--provider", choices=PROVIDERS, help="the GPU where onnxruntime has one, when not given")
    parser.add_argument("model")
    parser.add_argument("images", nargs="+")
    arguments = parser.parse_args()

    available = onnxruntime.get_available_providers()
    wanted = [PROVIDERS[arguments.provider]] if arguments.provider else [PROVIDERS["cuda"], PROVIDERS["cpu"]]
    providers = [provider for provider in wanted if provider in available]
    if not providers:
        sys.exit(f"this onnxruntime has no {wanted[0]}; it has {', '.join(available)}")
    session = onnxruntime.InferenceSession(arguments.model, providers=providers)
    print(f"running on {session.get_providers()[0]}", file=sys.stderr)

    labels = json.loads(session.get_modelmeta().custom_metadata_map["names"])
    size = session.get_inputs()[0].shape[2]
    batch = np.stack([load(path, size) for path in arguments.images])  # [n, 3, size, size]
    (probabilities,) = session.run(["probabilities"], {"image": batch})  # [n, labels]
    for path, row in zip(arguments.images, probabilities.tolist()):
        best = max(range(len(labels)), key=row.__getitem__)
        print(json.dumps({"file": path, "label": labels[best], "probabilities": dict(zip(labels, row))}))


if __name__ == "__main__":
    main()

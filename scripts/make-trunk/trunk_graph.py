"""The ONNX graph of a trunk, node by node, in the form that other runtimes read."""

from __future__ import annotations

import math

import numpy as np
import torch
from onnx import TensorProto, helper, numpy_helper

OPSET, IR_VERSION = 17, 8


class TrunkGraph:
    """Collects nodes and weights; knows each tensor's shape, and weights and multiply-adds up to it."""

    def __init__(self, side: int, mean: float, deviation: float) -> None:
        self.taps: dict[str, dict[str, int]] = {}
        self._side = side
        self._nodes, self._initializers = [], []
        self._shapes: dict[str, tuple[int, ...]] = {"image": (3, side, side)}
        # without branches that leave a tap out, all that was added so far is what a tap needs
        self._weights = self._multiply_adds = 0
        self._constant("pixels.mean", mean)
        self._constant("pixels.scale", 1 / deviation)
        self._constant("relu6.min", 0)
        self._constant("relu6.max", 6)
        centered = self._add("Sub", "pixels.centered", ["image", "pixels.mean"], self._shapes["image"])
        # not folded into the stem: the border that it pads with is zero after, not before, normalization
        self.normalized = self._add("Mul", "pixels.normalized", [centered, "pixels.scale"], self._shapes["image"])

    def _constant(self, name: str, value: float) -> None:
        self._initializers.append(numpy_helper.from_array(np.array(value, np.float32), name))

    def _weight(self, name: str, values: torch.Tensor) -> str:
        """Stored as float16, cast to float32 in the graph."""
        stored = values.detach().numpy().astype(np.float16)
        assert np.array_equal(stored.astype(np.float32), values.detach().numpy()), name
        self._initializers.append(numpy_helper.from_array(stored, f"{name}.float16"))
        self._nodes.append(
            helper.make_node("Cast", [f"{name}.float16"], [name], f"{name}.cast", to=TensorProto.FLOAT)
        )
        self._weights += stored.size
        return name

    def _add(self, operator: str, output: str, inputs: list[str], shape: tuple[int, ...], **attributes) -> str:
        self._nodes.append(helper.make_node(operator, inputs, [output], output, **attributes))
        self._shapes[output] = tuple(shape)
        return output

    def convolution(self, name: str, module: torch.nn.Conv2d, x: str, output: str | None = None) -> str:
        kernel, stride = module.kernel_size[0], module.stride[0]
        height = self._shapes[x][1]
        out = math.ceil(height / stride)
        # TensorFlow's "same": the odd pixel of padding is at the end
        padding = max((out - 1) * stride + kernel - height, 0)
        before, after = padding // 2, padding - padding // 2
        inputs = [x, self._weight(f"{name}.weight", module.weight), self._weight(f"{name}.bias", module.bias)]
        shape = (module.out_channels, out, out)
        self._multiply_adds += math.prod(shape) * module.weight[0].numel()
        return self._add(
            "Conv",
            output or name,
            inputs,
            shape,
            dilations=[1, 1],
            group=module.groups,
            kernel_shape=[kernel, kernel],
            pads=[before, before, after, after],
            strides=[stride, stride],
        )

    def relu6(self, x: str) -> str:
        return self._add("Clip", f"{x}.relu6", [x, "relu6.min", "relu6.max"], self._shapes[x])

    def block(self, index: int, module: torch.nn.Module, x: str, tap: str | None) -> str:
        """An inverted bottleneck: expansion, depthwise convolution, projection, and the input added where it fits."""
        name, inner = f"block.{index}", x
        output = tap or name
        if hasattr(module, "_expand_conv"):
            inner = self.relu6(self.convolution(f"{name}.expand", module._expand_conv, inner))
        inner = self.relu6(self.convolution(f"{name}.depthwise", module._depthwise_conv, inner))
        residual = module.id_skip and module._block_args.stride == 1
        residual = residual and self._shapes[x][0] == module._project_conv.out_channels
        projected = self.convolution(
            f"{name}.project", module._project_conv, inner, None if residual else output
        )
        if residual:
            projected = self._add("Add", output, [projected, x], self._shapes[x])
        if tap:
            self._tap(tap)
        return projected

    def pooled(self, x: str, tap: str) -> str:
        channels = self._shapes[x][0]
        mean = self._add("GlobalAveragePool", f"{x}.mean", [x], (channels, 1, 1))
        self._add("Flatten", tap, [mean], (channels,), axis=1)
        self._tap(tap)
        return tap

    def _tap(self, name: str) -> None:
        shape = self._shapes[name]
        self.taps[name] = {
            "channels": shape[0],
            "side": shape[1] if len(shape) == 3 else 1,
            "weights": self._weights,
            "multiplyAdds": self._multiply_adds,
        }

    def _value(self, name: str):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", *self._shapes[name]])

    def bytes(self, name: str, metadata: dict[str, str]) -> bytes:
        inner = [value for value in self._shapes if value != "image" and value not in self.taps]
        graph = helper.make_graph(
            self._nodes,
            name,
            [self._value("image")],
            [self._value(tap) for tap in self.taps],
            self._initializers,
            value_info=[self._value(value) for value in inner],
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="m-nas"
        )
        helper.set_model_props(model, dict(sorted(metadata.items())))
        return model.SerializeToString(deterministic=True)

"""Runs the exported files of a folder in one runtime, and prints how far its probabilities are from the service's own.

    python runtimes.py RUNTIME FOLDER

FOLDER has tasks.json: {"side", "ways", "count", "tasks": [{"name", "model", "expected"}]}, images.f32 and a file of
probabilities a task. A line of JSON a task is printed: {"task", "difference", "labels"} or {"task", "error"}; before them
{"version"}.
"""

import importlib.metadata
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

PROBABILITIES = "probabilities"


def described(folder):
    return json.loads((folder / "tasks.json").read_text())


def copied(model, folder):
    """Of a runtime's own: some write into the file that they are given."""
    copy = folder / "model.onnx"
    copy.write_bytes(model.read_bytes())
    return copy


def one_by_one(run):
    """For runtimes that take one image a run."""
    return lambda images: np.concatenate([run(images[i : i + 1]).reshape(1, -1) for i in range(len(images))])


def onnxruntime(model, folder):
    import onnxruntime

    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    return lambda images: session.run([PROBABILITIES], {"image": images})[0]


def quantisation(model, folder):
    """onnxruntime's preparation of a file for quantisation: shapes, optimisation."""
    from onnxruntime.quantization.shape_inference import quant_pre_process

    prepared = folder / "prepared.onnx"
    quant_pre_process(str(model), str(prepared))
    return onnxruntime(prepared, folder)


def opencv(model, folder):
    import cv2

    net = cv2.dnn.readNetFromONNX(str(model))
    # OpenCV 4 gives the last output where none is named, 5 the first one
    unnamed = [] if cv2.__version__.startswith("4") else [PROBABILITIES]

    def run(image):
        net.setInput(image)
        return net.forward(*unnamed)

    return one_by_one(run)


def openvino(model, folder):
    import openvino

    compiled = openvino.Core().compile_model(str(model), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return lambda images: compiled({"image": images})[PROBABILITIES]


def tract(model, folder):
    import tract as library

    optimised = library.onnx().load(str(model)).into_model().into_runnable()
    return lambda images: optimised.run([images])[-1].to_numpy()  # in the file's order


def ncnn(model, folder):
    """By pnnx, which asks for the shape of the input and makes a file for one image."""
    import ncnn as library

    side = described(folder.parent)["side"]
    copy = copied(model, folder)
    program = Path(sys.executable).parent / "pnnx"
    command = [str(program), str(copy), f"inputshape=[1,3,{side},{side}]", "fp16=0"]
    subprocess.run(command, check=True, cwd=folder, capture_output=True)
    net = library.Net()
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
    net.opt.num_threads = 1  # its threads wait by spinning, which takes minutes on a busy machine
    net.load_param(str(folder / "model.ncnn.param"))
    net.load_model(str(folder / "model.ncnn.bin"))
    output = max(net.output_names())  # pnnx numbers the outputs in the file's order: out0, out1, out2

    def run(image):
        extractor = net.create_extractor()
        # a Mat of an array has no count of references, which layers that work in place read: a clone has one
        extractor.input(net.input_names()[0], library.Mat(np.ascontiguousarray(image[0])).clone())
        code, answered = extractor.extract(output)
        if code != 0:
            raise RuntimeError(f"extract gives the code {code}")
        return np.array(answered)

    return one_by_one(run)


def onnx2torch(model, folder):
    import torch
    from onnx2torch import convert

    module = convert(str(model)).eval()

    def run(images):
        with torch.no_grad():
            return module(torch.from_numpy(images))[-1].numpy()

    return run


def tflite(model, folder):
    """By onnx2tf; the file has its pixels last and a batch of 1."""
    import onnx2tf
    from ai_edge_litert.interpreter import Interpreter

    side = described(folder.parent)["side"]
    # images that onnx2tf tries its layers with, which it would download
    sample = np.random.default_rng(1).random((20, 128, 128, 3), np.float32)
    np.save(folder / "calibration_image_sample_data_20x128x128x3_float32.npy", sample)
    os.chdir(folder)
    onnx2tf.convert(
        input_onnx_file_path=str(copied(model, folder)),
        output_folder_path=str(folder / "saved"),
        overwrite_input_shape=[f"image:1,3,{side},{side}"],  # a batch_size alone leaves it uncertain of the channels
        disable_strict_mode=True,  # which tries each layer in many orders of its axes: hours for one file
        non_verbose=True,
    )
    (path,) = (folder / "saved").glob("*_float32.tflite")
    interpreter = Interpreter(str(path))
    interpreter.allocate_tensors()
    (given,) = interpreter.get_input_details()
    output = interpreter.get_output_details()[-1]  # renamed, in the file's order

    def run(image):
        interpreter.set_tensor(given["index"], np.ascontiguousarray(image.transpose(0, 2, 3, 1)))
        interpreter.invoke()
        return interpreter.get_tensor(output["index"])

    return one_by_one(run)


RUNTIMES = {
    "onnxruntime": (onnxruntime, ["onnxruntime"]),
    "quant_pre_process": (quantisation, ["onnxruntime"]),
    "opencv": (opencv, ["opencv-python-headless"]),
    "openvino": (openvino, ["openvino"]),
    "tract": (tract, ["tract"]),
    "ncnn": (ncnn, ["ncnn", "pnnx"]),
    "onnx2torch": (onnx2torch, ["onnx2torch", "torch"]),
    "tflite": (tflite, ["onnx2tf", "ai-edge-litert"]),
}


def main(name, folder):
    load, packages = RUNTIMES[name]
    versions = [f"{package} {importlib.metadata.version(package)}" for package in packages]
    print(json.dumps({"version": ", ".join(versions)}), flush=True)
    of_all = described(folder)
    side, ways, count = of_all["side"], of_all["ways"], of_all["count"]
    images = np.fromfile(folder / "images.f32", np.float32).reshape(count, 3, side, side)
    for task in of_all["tasks"]:
        expected = np.fromfile(folder / task["expected"], np.float32).reshape(count, ways)
        print(json.dumps({"task": task["name"], **compared(load, folder / task["model"], images, expected)}), flush=True)


def compared(load, model, images, expected):
    with tempfile.TemporaryDirectory(dir=model.parent) as scratch:
        try:
            answered = load(model, Path(scratch))(images)
            if answered.shape != expected.shape:
                return {"error": f"answers have the shape {list(answered.shape)}"}
        except (Exception, SystemExit) as error:  # whatever a runtime throws is its row of the table
            lines = str(error).strip().splitlines() or [type(error).__name__]
            return {"error": lines[0][:200]}
    return {
        "difference": float(np.abs(answered - expected).max()),
        "labels": int((answered.argmax(1) != expected.argmax(1)).sum()),
    }


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]).resolve())

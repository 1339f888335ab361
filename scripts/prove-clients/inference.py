"""Asks a running service for inference with the clients of Triton and KServe.

    python inference.py URL TASK SIDE

The task is one of images of SIDE px. Exits with an error where an answer is not as the service promises it.
"""

import asyncio
import sys

import numpy as np
import tritonclient.http as triton
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig
from tritonclient.utils import InferenceServerException


def with_triton(url, task, side):
    client = triton.InferenceServerClient(url.removeprefix("http://"), network_timeout=300, connection_timeout=300)
    assert client.is_server_live() and client.is_server_ready()
    for version in ("", "1"):
        assert client.is_model_ready(task, version)
        assert client.get_model_metadata(task, version)["versions"] == ["1"]
    assert "classification" in client.get_server_metadata()["extensions"]

    def asked(images, outputs, binary=True, **options):
        given = triton.InferInput("image", list(images.shape), "FP32")
        given.set_data_from_numpy(images, binary_data=binary)
        return client.infer(task, [given], outputs=outputs, **options)

    images = np.linspace(0, 1, 2 * 3 * side * side, dtype=np.float32).reshape(2, 3, side, side)
    plain = asked(images, None, model_version="1").as_numpy("probabilities")
    as_json = asked(images, [triton.InferRequestedOutput("probabilities", binary_data=False)], binary=False)
    assert np.array_equal(plain, as_json.as_numpy("probabilities"))
    for encoding in ("gzip", "deflate"):
        packed = asked(images, None, request_compression_algorithm=encoding)
        assert np.array_equal(plain, packed.as_numpy("probabilities")), encoding

    for binary in (True, False):
        best = asked(images, [triton.InferRequestedOutput("probabilities", binary_data=binary, class_count=1)])
        for row, text in zip(plain, best.as_numpy("probabilities").reshape(-1)):
            value, index, label = (text.decode() if isinstance(text, bytes) else text).split(":")
            assert int(index) == row.argmax() and np.float32(value) == row.max() and label

    hundred = np.zeros((100, 3, side, side), np.float32)
    assert asked(hundred, [triton.InferRequestedOutput("known")]).as_numpy("known").shape == (100, 1)

    shared = triton.InferInput("image", [1, 3, side, side], "FP32")
    shared.set_shared_memory("region", 12 * side * side)
    for call in (lambda: client.infer(task, [shared]), lambda: client.register_system_shared_memory("r", "/r", 4)):
        try:
            call()
        except InferenceServerException as error:
            assert "hared memory" in str(error), error
        else:
            raise AssertionError("shared memory was passed over")
    return plain, images


async def with_kserve(url, task, images):
    client = InferenceRESTClient(RESTConfig(protocol="v2", timeout=300))
    assert await client.is_server_live(url) and await client.is_model_ready(url, task)
    given = InferInput("image", list(images.shape), "FP32")
    given.set_data_from_numpy(images, binary_data=False)
    answer = await client.infer(url, InferRequest(task, [given]), model_name=task)
    output = next(each for each in answer.outputs if each.name == "probabilities")
    return output.as_numpy()


if __name__ == "__main__":
    address, name, size = sys.argv[1], sys.argv[2], int(sys.argv[3])
    expected, pixels = with_triton(address, name, size)
    print("tritonclient: versions, classes, gzip, deflate, 100 images, no shared memory")
    found = asyncio.run(with_kserve(address, name, pixels))
    assert np.abs(found.reshape(expected.shape) - expected).max() < 1e-6
    print("KServe's client: the same probabilities")

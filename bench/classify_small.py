"""PyTorch: steps of `npm run bench -- classify --network small`, the same network, augmentation and descent.

The network: two 3x3 convolutions of stride 2 (3 -> 16 -> 32), each with batch normalisation and ReLU (84 px -> 21 x 21); a
normal cell of 16 channels and a reduction cell of 32, nodes and operations as the genotype key says, every convolution
normalised, without affine parameters; ReLU and the mean over the plane; a cosine classifier with a learned scale.

usage: classify_small.py [--threads 2] [--steps 40] [--batch 96] [--classes 640] [--genotype KEY] [--compile]
Prints one JSON line: {"images_per_second": ..., "weights": ...}. Needs torch.
"""
import argparse, json, re, time
import torch
import torch.nn.functional as F

parser = argparse.ArgumentParser()
for name, default in dict(threads=2, steps=40, batch=96, classes=640, size=84, channels=16).items():
    parser.add_argument(f"--{name}", type=int, default=default)
parser.add_argument("--genotype", default="0s1s.0s2s.2s3s.3s4s/0a1s.1s2s.0d2s.1d4i")
parser.add_argument("--compile", action="store_true", help="torch.compile the step (needs a C++ compiler)")
a = parser.parse_args()
torch.manual_seed(0)
torch.set_num_threads(a.threads)
parameters = []


def declare(*shape):
    fan_in = 1
    for size in shape[1:]:
        fan_in *= size
    parameters.append((torch.randn(*shape) * fan_in ** -0.5).requires_grad_(True))
    return parameters[-1]


norm = lambda x: F.batch_norm(x, None, None, training=True)
stem = [declare(16, 3, 3, 3), declare(32, 16, 3, 3)]
KINDS = {"s": (3, 1, 2), "S": (5, 1, 2), "d": (3, 2, 1), "D": (5, 2, 1)}


class Edge:
    def __init__(self, code, c, stride):
        self.code, self.c, self.stride = code, c, stride
        if code in KINDS:
            kernel, _, times = KINDS[code]
            self.weights = [(declare(c, 1, kernel, kernel), declare(c, c, 1, 1)) for _ in range(times)]
        elif code == "i" and stride == 2:
            self.skip = declare(c, c, 1, 1)

    def __call__(self, h):
        if self.code == "m":
            return norm(F.max_pool2d(h, 3, self.stride, 1))
        if self.code == "a":
            return norm(F.avg_pool2d(h, 3, self.stride, 1, count_include_pad=False))
        if self.code == "i":
            return h if self.stride == 1 else norm(F.conv2d(F.relu(h), self.skip, stride=2))
        kernel, dilation, _ = KINDS[self.code]
        for i, (depthwise, pointwise) in enumerate(self.weights):
            stride = self.stride if i == 0 else 1
            padding = dilation * (kernel - 1) // 2
            h = F.conv2d(F.relu(h), depthwise, stride=stride, padding=padding, dilation=dilation, groups=self.c)
            h = norm(F.conv2d(h, pointwise))
        return h


class Cell:
    def __init__(self, key, c, inputs, strides):
        self.project = [declare(c, width, 1, 1) for width in inputs]
        self.nodes = [
            [(int(source), Edge(code, c, strides.get(int(source), 1))) for source, code in re.findall(r"(\d+)([a-zA-Z])", node)]
            for node in key.split(".")
        ]

    def __call__(self, first, second):
        known = [norm(F.conv2d(x, w)) for x, w in zip((first, second), self.project)]
        for node in self.nodes:
            known.append(sum(edge(known[source]) for source, edge in node))
        return torch.cat(known[2:], 1)


normal_key, reduction_key = a.genotype.split("/")[:2]
c = a.channels
normal = Cell(normal_key, c, (32, 32), {})
reduction = Cell(reduction_key, 2 * c, (32, c * len(normal_key.split("."))), {1: 2})
body = len(parameters)
features = 2 * c * len(reduction_key.split("."))
classifier = declare(a.classes, features)
scale = torch.tensor(2.3, requires_grad=True)
parameters.append(scale)


def loss_of(images, targets):
    x = 2 * images - 1
    for w in stem:
        x = F.relu(norm(F.conv2d(x, w, stride=2, padding=1)))
    first = F.relu(normal(x, x))
    coarse = F.avg_pool2d(x, 3, 2, 1, count_include_pad=False)
    f = F.relu(reduction(coarse, first)).mean((2, 3))
    logits = scale.exp() * F.normalize(f) @ F.normalize(classifier).T
    return F.cross_entropy(logits, targets, label_smoothing=0.1)


def augmented(images):
    """Random resized crops of 30 to 100 % of the area, mirrored half the time, contrast, brightness and gains by channel."""
    n, s = images.shape[0], images.shape[-1]
    height, width = 1 - 0.45 * torch.rand(2, n)
    mirror = torch.where(torch.rand(n) < 0.5, -1.0, 1.0)
    zero = torch.zeros(n)
    x0, y0 = (1 - width) * (2 * torch.rand(n) - 1), (1 - height) * (2 * torch.rand(n) - 1)
    theta = torch.stack([torch.stack([width * mirror, zero, x0], 1), torch.stack([zero, height, y0], 1)], 1)
    grid = F.affine_grid(theta, (n, 3, s, s), align_corners=False)
    seen = F.grid_sample(images.float() / 255, grid, align_corners=False, padding_mode="border")
    about = lambda *shape: 0.3 * (torch.rand(*shape) - 0.5)
    slope = (1 + 2 * about(n, 1, 1, 1)) * (1 + about(n, 3, 1, 1))
    return ((seen - 0.5) * slope + 0.5 + about(n, 1, 1, 1)).clamp(0, 1)


data = torch.randint(0, 256, (2048, 3, a.size, a.size), dtype=torch.uint8)
labels = torch.randint(0, a.classes, (2048,))
descent = torch.optim.SGD(parameters, lr=0.15, momentum=0.9, nesterov=True, weight_decay=5e-4)
forward = torch.compile(loss_of) if a.compile else loss_of


def step():
    chosen = torch.randint(0, len(data), (a.batch,))
    descent.zero_grad()
    forward(augmented(data[chosen]), labels[chosen]).backward()
    descent.step()


for _ in range(4):
    step()
started = time.perf_counter()
for _ in range(a.steps):
    step()
elapsed = time.perf_counter() - started
print(json.dumps({"images_per_second": a.steps * a.batch / elapsed, "weights": sum(p.numel() for p in parameters[:body])}))

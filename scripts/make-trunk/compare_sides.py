"""Few-shot accuracy of a trunk's plain features on validation classes: which side is worth its time (ADR 16).

usage: python3 compare_sides.py TRUNK.onnx [TRUNK.onnx ...] --data ../shared/data --domains caltech101,grocery
For each trunk and number of shots: 5-way tasks, ridge regression (lambda 1) on the pooled last block `b15`, centred and
of unit length, averaged over the whole image and its mirror image. At most 40 images a class. The same seed gives the
same tasks for every trunk.
"""
import argparse
import io
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image

parser = argparse.ArgumentParser()
parser.add_argument("trunks", nargs="+")
parser.add_argument("--data", default="../shared/data")
parser.add_argument("--domains", default="caltech101,grocery,cards,bird")
parser.add_argument("--tap", default="b15")
parser.add_argument("--shots", default="1,5,20")
parser.add_argument("--tasks", type=int, default=150)
parser.add_argument("--images", type=int, default=40, help="most images a class")
parser.add_argument("--seed", type=int, default=1)
args = parser.parse_args()


def images_of(domain):
    """The validation classes of a pack: lists of images, a list a class."""
    rows = [line.split("\t") for line in Path(args.data, f"{domain}.tsv").read_text().splitlines()]
    chosen = {}
    for split, name, _, offset, length in rows:
        if split == "val":
            chosen.setdefault(name, []).append((int(offset), int(length)))
    data = Path(args.data, f"{domain}.bin").read_bytes()
    random = np.random.RandomState(0)
    for _, places in sorted(chosen.items()):
        kept = [places[i] for i in random.permutation(len(places))[: args.images]]
        yield [Image.open(io.BytesIO(data[at : at + length])).convert("RGB") for at, length in kept]


def features_of(session, images):
    """Pooled features [n, c] of images, averaged with those of their mirror images."""
    side = session.get_inputs()[0].shape[2]
    views = np.stack([np.asarray(image.resize((side, side), Image.Resampling.LANCZOS)) for image in images])
    pixels = np.concatenate([views, views[:, :, ::-1]]).transpose(0, 3, 1, 2).astype(np.float32) / 255
    planes = [session.run([args.tap], {"image": pixels[at : at + 16]})[0] for at in range(0, len(pixels), 16)]
    pooled = np.concatenate(planes).mean((2, 3))
    return pooled.reshape(2, len(images), -1).mean(0)


def accuracies(classes, shot):
    """Accuracy in percent of every task, or None where too few classes have images enough."""
    random = np.random.RandomState(args.seed)
    able = [own for own in classes if len(own) >= shot + 5]
    if len(able) < 5:
        return None
    results = []
    for _ in range(args.tasks):
        support, query, labels = [], [], []
        for label, index in enumerate(random.choice(len(able), 5, replace=False)):
            order = random.permutation(len(able[index]))
            support.append(able[index][order[:shot]])
            query.append(able[index][order[shot : shot + 15]])
            labels += [label] * len(query[-1])
        made, asked = np.concatenate(support), np.concatenate(query)
        centre = made.mean(0)
        made, asked = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (made - centre, asked - centre))
        weights = np.linalg.solve(made @ made.T + np.eye(len(made)), np.repeat(np.eye(5), shot, 0))
        results.append(100 * np.mean(np.argmax(asked @ made.T @ weights, 1) == labels))
    return np.array(results)


domains = {name: list(images_of(name)) for name in args.domains.split(",")}
print("| trunk | shots | " + " | ".join(domains) + " | mean |")
print("| --- | --- |" + " --- |" * (len(domains) + 1))
for path in args.trunks:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    features = {name: [features_of(session, own) for own in classes] for name, classes in domains.items()}
    for shot in map(int, args.shots.split(",")):
        found = [accuracies(classes, shot) for classes in features.values()]
        means = [np.nan if own is None else own.mean() for own in found]
        cells = ["–" if np.isnan(mean) else f"{mean:.1f}" for mean in [*means, np.nanmean(means)]]
        print(f"| {Path(path).stem} | {shot} | " + " | ".join(cells) + " |", flush=True)

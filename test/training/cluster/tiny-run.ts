import { writeFile } from 'node:fs/promises';
import { stringify } from 'yaml';

/** Writes a configuration of small images in `folder`, of all stages; gives its path. */
export async function writeTinyRun(
  path: string,
  {
    name,
    images,
    iterations,
    size = 16,
  }: { name: string; images: string; iterations: number; size?: number },
): Promise<string> {
  const shapes = [
    { way: 2, shot: 1, query: 3 },
    { way: 3, shot: 2, query: 2 },
  ];
  const configuration = {
    name,
    seed: 5,
    model: {
      image: { size },
      supernet: { channels: 2, nodes: 1, stem: [3, 4] },
      encoder: { kind: 'set', features: 4, state: 5 },
      controller: { hidden: 4 },
      innerLoop: { steps: 1 },
    },
    domains: [
      {
        source: { kind: 'folder', name: 'colours', path: images },
        augmentation: { flip: true, crop: 0.1, colour: 0.1 },
      },
    ],
    stages: [
      { stage: 'search', iterations, shapes: shapes.slice(0, 1) }, // a supernet takes longest to compile
      { stage: 'retrain', iterations, shapes },
    ],
    metaBatch: 7,
    averaging: 0.9,
    maximumGenotypes: 2,
    workers: 1,
    validation: { every: 100, tasks: 1, query: 2 },
  };
  await writeFile(path, stringify(configuration));
  return path;
}

/** Folders of the tiny run's images, and how many there are. */
export const tinyImages = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`c${i}`, 6]));

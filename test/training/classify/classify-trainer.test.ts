import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readTrunk } from '../../../engine/trunk/file.ts';
import { decodeCheckpoint } from '../../../model/checkpoint/checkpoint.ts';
import { keyFrom, uniform } from '../../../model/random.ts';
import { ClassifyTrainer } from '../../../training/classify/classify-trainer.ts';
import { classifyRunSchema } from '../../../training/classify/configuration.ts';
import type { ClassifyConfiguration } from '../../../training/classify/configuration.ts';
import type { ClassifiedDomain } from '../../../training/classify/samples.ts';
import { RunFolder } from '../../../training/run/run-folder.ts';

const size = 16;
const images = 12;

const domain: ClassifiedDomain = {
  kind: 'images',
  augmentation: { flip: true, crop: 0.3, colour: 0.2, rotateClasses: false },
  taught: null,
  domain: {
    name: 'noise',
    size,
    pixels: Uint8Array.from(uniform(keyFrom(1), images * 3 * size ** 2), (x) => 256 * x),
    fingerprint: 'noise',
    classes: [0, 1, 2].map((i) => ({ name: `class ${i}`, split: 'train', first: 4 * i, count: 4 })),
  },
};

const architecture = '0s1s.0s2i/0s1s.1i2d/stem,stem,stem+';

const configuration: ClassifyConfiguration = classifyRunSchema.parse({
  name: 'tiny',
  seed: 1,
  model: {
    image: { size },
    trunk: {
      name: 'tiny-stem',
      sha256: '0'.repeat(64),
      taps: [{ name: 'stem', channels: 6, side: size / 4 }],
    },
    supernet: { channels: 4, nodes: 2, side: size / 4, rectified: true },
    encoder: { kind: 'set', features: 4, state: 4 },
    controller: { hidden: 4 },
    head: { kind: 'ridge' },
    innerLoop: { steps: 0 },
  },
  stem: { channels: [4, 6], licence: 'none' },
  classify: { iterations: 6, batch: 8, learningRate: 0.05, architectures: [architecture, architecture] },
  domains: [
    {
      source: { kind: 'pack', name: 'noise', path: 'nowhere' },
      augmentation: domain.augmentation,
      classified: 0.9,
    },
  ],
});

let folder: string;
beforeAll(async () => (folder = await mkdtemp(join(tmpdir(), 'm-nas-classify-'))));
afterAll(() => rm(folder, { recursive: true }));

/** Trains to the end, or until `stop` iterations are done. */
async function train(name: string, from: 'new' | 'saved', stop = Infinity): Promise<number[]> {
  const trainer = await ClassifyTrainer.start(
    configuration,
    [domain],
    new RunFolder(join(folder, name)),
    from,
  );
  const losses: number[] = [];
  const end = new AbortController();
  try {
    await trainer.run(({ iteration, loss }) => {
      losses.push(loss);
      if (iteration === stop) end.abort();
    }, end.signal);
  } finally {
    await trainer.close();
  }
  return losses;
}

it('a stem is trained with its cells, is their trunk in the end, and a run that was stopped goes on exactly', async () => {
  const whole = await train('whole', 'new');
  expect(whole).toHaveLength(6);
  const parts = [...(await train('parts', 'new', 3)), ...(await train('parts', 'saved'))];
  expect(parts).toEqual(whole);
  const file = (run: string, name: string) => readFile(join(folder, run, name));
  expect(await file('parts', 'tiny-stem.onnx')).toEqual(await file('whole', 'tiny-stem.onnx'));

  const { card } = await readTrunk(join(folder, 'whole', 'tiny-stem.json'));
  expect(card.taps['stem']).toMatchObject({ channels: 6, side: 4 });
  const checkpoint = decodeCheckpoint(await file('whole', 'classified.safetensors'));
  expect(checkpoint.configuration.trunk!.sha256).toBe(card.sha256);
  expect(checkpoint.genotypes).toHaveLength(1);
  expect(checkpoint.training['classified']).toBe(6);

  const other = { ...configuration, seed: 2 };
  const resumed = ClassifyTrainer.start(other, [domain], new RunFolder(join(folder, 'whole')), 'saved');
  await expect(resumed).rejects.toThrow('another configuration or of other images');
});

import { afterAll, describe, expect, it } from 'vitest';
import { createOnnxExecutor } from '../../../engine/onnxruntime.ts';
import { adaptChildOnTrunk, noiseTrunkSupport } from '../../../model/adaptation/adapt-on-trunk.ts';
import type { TrunkSupport } from '../../../model/adaptation/adapt-on-trunk.ts';
import { genotypeKey } from '../../../model/search-space/genotype.ts';
import { rowLength } from '../../../model/search-space/taps.ts';
import { genotypesByDepth, randomTrunkCheckpoint, trunkConfiguration } from '../../support/random-trunk.ts';

const checkpoint = randomTrunkCheckpoint(trunkConfiguration(), {
  mirrored: false,
  genotypes: genotypesByDepth,
});
const executor = createOnnxExecutor({ provider: 'cpu', threads: 1, cacheSize: 100 });
afterAll(() => executor.dispose());

const { taps } = checkpoint.configuration.trunk!;
const keys = genotypesByDepth.map(genotypeKey);
/** Floats of tap `a` in a row, which come first. */
const area = taps[0]!.side ** 2;
const first = taps[0]!.channels * area;

/** Noise of `shot` images of each of two classes; those of a class have a mark in tap `a` of this size. */
function supportOf(shot: number, mark: number): TrunkSupport {
  const support = noiseTrunkSupport(checkpoint, { way: 2, shot });
  const length = rowLength(taps);
  const all = support.rows.all.slice();
  for (let row = 0; row < all.length / length; row++) {
    const sign = support.labels[row % support.labels.length] === '0' ? 1 : -1;
    for (let i = 0; i < first; i++) all[row * length + i]! += (i < area ? sign : -sign) * mark;
    // what the deeper taps say is the louder the less it means
    for (let i = first; i < length; i++) all[row * length + i]! *= 5;
  }
  return { ...support, rows: { ...support.rows, all } };
}

/** The images of these positions, in every view. */
function picked({ labels, rows }: TrunkSupport, positions: readonly number[]): TrunkSupport {
  const length = rowLength(taps);
  const views = rows.all.length / length / labels.length;
  const all = new Float32Array(views * positions.length * length);
  for (let view = 0; view < views; view++)
    positions.forEach((from, to) => {
      const start = (view * labels.length + from) * length;
      all.set(rows.all.subarray(start, start + length), (view * positions.length + to) * length);
    });
  return { labels: positions.map((i) => labels[i]!), rows: { ...rows, all } };
}

const genotypeOf = async (
  support: TrunkSupport,
  options: Partial<Parameters<typeof adaptChildOnTrunk>[2]> = {},
): Promise<string> =>
  genotypeKey((await adaptChildOnTrunk(checkpoint, support, { steps: 0, ...options }, executor)).genotype);

describe('the architecture of a task', () => {
  it('is the one that the support set speaks for, where it tells its images apart far better', async () => {
    const decoded = await genotypeOf(supportOf(1, 0));
    const [shallow] = keys;
    expect(decoded).not.toBe(shallow); // or the test would tell nothing
    expect(await genotypeOf(supportOf(6, 2))).toBe(shallow);
  });

  it('is the controller’s, where no image can be left out or nothing tells the classes apart', async () => {
    const decoded = await genotypeOf(supportOf(1, 0));
    expect(await genotypeOf(supportOf(1, 3))).toBe(decoded);
    expect(await genotypeOf(supportOf(6, 0))).toBe(decoded);
  });

  it('is among what a budget leaves, and the one that is asked for', async () => {
    const [shallow, middle, deep] = genotypesByDepth;
    const allowed = [middle!, deep!].map((genotype) => ({ genotype, mirrored: true }));
    expect(await genotypeOf(supportOf(6, 3), { allowed })).not.toBe(keys[0]);
    expect(await genotypeOf(supportOf(6, 3), { allowed: [allowed[1]!] })).toBe(keys[2]);
    expect(await genotypeOf(supportOf(6, 0), { genotype: shallow! })).toBe(keys[0]);
  });

  it('is looked for among 200 images, and is the controller’s for one more', async () => {
    const support = supportOf(101, 2);
    const among = (count: number) => genotypeOf(picked(support, [...support.labels.keys()].slice(0, count)));
    expect(await among(200)).toBe(keys[0]);
    expect(await among(201)).toBe(await genotypeOf(supportOf(1, 0)));
  });

  it('does not depend on the order of the images', async () => {
    const support = supportOf(6, 3);
    const turned = picked(support, [...support.labels.keys()].reverse());
    expect(await genotypeOf(turned)).toBe(await genotypeOf(supportOf(6, 3)));
  });
});

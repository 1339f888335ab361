import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { createOnnxExecutor } from '../../../engine/onnxruntime.ts';
import { adaptChildOnTrunk, adaptOnTrunk } from '../../../model/adaptation/adapt-on-trunk.ts';
import { inOneGraph, stepByStep } from '../../../model/inner-loop/solved-steps.ts';
import type { TrunkSupport } from '../../../model/adaptation/adapt-on-trunk.ts';
import { exportTrunkChild } from '../../../model/adaptation/export-trunk-child.ts';
import { temperatureOf } from '../../../model/adaptation/calibration.ts';
import { rowsOfView, viewsNeeded } from '../../../model/adaptation/support-rows.ts';
import { viewPlan, viewsTaken } from '../../../model/adaptation/support-views.ts';
import type { Checkpoint } from '../../../model/checkpoint/checkpoint.ts';
import { decodeModel, encodeModel } from '../../../model/graph/onnx/encode.ts';
import { startValues } from '../../../model/inner-loop/solved-network.ts';
import { TaskRunner } from '../../../model/inner-loop/task-runner.ts';
import { withFloat32Weights } from '../../../model/trunk/float32.ts';
import { rowsOf } from '../../../model/trunk/rows.ts';
import { squeeze } from '../../../images/pixels/resize.ts';
import type { Picture } from '../../../images/pixels/resize.ts';
import { contentHash, servedViews } from '../../../model/task/views.ts';
import { toFloat } from '../../../model/task/pixels.ts';
import { joined, oneHotTargets } from '../../../model/task/labelled-set.ts';
import { byCodePoint } from '../../../model/task/canonical-support.ts';
import {
  randomTrunkCheckpoint,
  randomTrunkGraph as trunk,
  trunkConfiguration,
  trunkSide,
} from '../../support/random-trunk.ts';
import { smallTrunkConfiguration } from '../../support/trunk-task.ts';
import { testRandom } from '../../support/random.ts';
import { runFile } from '../../support/run-file.ts';

const executor = createOnnxExecutor({ provider: 'cpu', threads: 1, cacheSize: 200 });
afterAll(() => executor.dispose());

interface Labelled {
  readonly label: string;
  readonly picture: Picture;
}

function picture(seed: number): Picture {
  const next = testRandom(seed);
  const [width, height] = [30 + (seed % 5), 26];
  return { width, height, data: Uint8Array.from({ length: 3 * width * height }, () => 127 * (next() + 1)) };
}

const supportOf = (shots: Readonly<Record<string, number>>): Labelled[] =>
  Object.entries(shots).flatMap(([label, count], c) =>
    Array.from({ length: count }, (_, i) => ({ label, picture: picture(100 * c + i) })),
  );

const pixelsOf = (pictures: readonly Picture[], view: number): Float32Array =>
  pictures
    .map((own) => {
      const whole = squeeze(own, trunkSide);
      const views = servedViews(contentHash(whole, own), own, { mirror: true, crops: 2 });
      return toFloat(squeeze(own, trunkSide, views[view]));
    })
    .reduce(joined);

const rowsOfPictures = ({ configuration }: Checkpoint, pictures: readonly Picture[], view: number) =>
  rowsOf(executor, trunk, configuration.trunk!.taps, {
    data: pixelsOf(pictures, view),
    shape: [pictures.length, 3, trunkSide, trunkSide],
  });

async function supportRows(checkpoint: Checkpoint, images: readonly Labelled[]): Promise<TrunkSupport> {
  const way = new Set(images.map(({ label }) => label)).size;
  const views = viewsNeeded(viewPlan(checkpoint.configuration, { way, support: images.length }));
  const pictures = images.map((image) => image.picture);
  const parts: Float32Array[] = [];
  for (const view of views) parts.push(await rowsOfPictures(checkpoint, pictures, view));
  const labels = images.map(({ label }) => label);
  return { labels, rows: { views, all: Float32Array.from(parts.reduce(joined)) } };
}

async function run(
  model: Uint8Array,
  images: Float32Array,
): Promise<Record<'logits' | 'probabilities' | 'known', Float32Array>> {
  const count = images.length / (3 * trunkSide ** 2);
  const results = await runFile(model, {
    image: { data: images, dims: [count, 3, trunkSide, trunkSide] },
  });
  expect(Object.keys(results).at(-1)).toBe('probabilities');
  const { logits, probabilities, known } = results;
  return { logits: logits!.data, probabilities: probabilities!.data, known: known!.data };
}

const queries = Array.from({ length: 7 }, (_, i) => picture(1000 + i));
const largest = (a: Float32Array, b: ArrayLike<number>): number =>
  Math.max(...a.map((value, i) => Math.abs(value - b[i]!)));

/** Calibrated logits of the query set by the graph that training answers by. */
async function trainedLogits(checkpoint: Checkpoint, images: readonly Labelled[]): Promise<number[]> {
  const { configuration, parameters } = checkpoint;
  const support = await supportRows(checkpoint, images);
  const { child, genotype, mirrored, labels } = await adaptChildOnTrunk(
    checkpoint,
    await supportRows(checkpoint, images), // taken over
    { steps: 2 },
    executor,
  );
  const way = labels.length;
  const size = { way, support: images.length };
  const runner = new TaskRunner(configuration, executor, []);
  const targets = oneHotTargets(
    images.map(({ label }) => labels.indexOf(label)),
    way,
  );
  const whole = rowsOfView(support.rows, 0);
  const embedded = await runner.embed(parameters, { images: whole, targets, count: images.length }, size);
  const network = runner.solved(genotype);
  const views = viewsTaken(viewPlan(configuration, size), mirrored);
  const asked = { images: queries.length, views: mirrored ? 2 : 1 };
  const rows: Float32Array[] = [];
  for (const view of views) rows.push(rowsOfView(support.rows, view));
  for (let view = 0; view < asked.views; view++) rows.push(await rowsOfPictures(checkpoint, queries, view));
  const { logits } = await runner.programs.run(
    `query ${way} ${images.length} ${views.length} ${asked.views}`,
    () => network.graphs.query({ ...size, views: views.length }, asked),
    startValues(network, parameters, embedded.modulated),
    child.weights,
    { 'both.images': rows.reduce(joined), 'support.targets': targets },
  );
  return Array.from(logits!, (x) => x / temperatureOf(parameters, size));
}

const twoSteps = trunkConfiguration({ innerLoop: smallTrunkConfiguration().innerLoop });

describe('adaptOnTrunk', () => {
  it.each([
    { mirrored: true, shots: { cat: 1, dog: 1, emu: 1 }, views: [0, 1, 2, 3] },
    { mirrored: false, shots: { cat: 1, dog: 1, emu: 1 }, views: [0, 2, 3] },
    { mirrored: true, shots: { cat: 2, dog: 1, emu: 2 }, views: [0, 1] },
    { mirrored: false, shots: { cat: 3, dog: 5, emu: 2 }, views: [0] },
    { mirrored: true, shots: { cat: 3, dog: 5, emu: 2 }, views: [0] },
  ])('the file answers as training does: mirrored $mirrored, $shots', async ({ mirrored, shots, views }) => {
    const checkpoint = randomTrunkCheckpoint(twoSteps, { mirrored });
    const images = supportOf(shots);
    const task = await adaptOnTrunk(
      checkpoint,
      trunk,
      await supportRows(checkpoint, images),
      { steps: 2 },
      executor,
    );
    const size = { way: 3, support: images.length };
    expect(viewsTaken(viewPlan(checkpoint.configuration, size), task.mirrored)).toEqual(views);
    expect(task.mirrored).toBe(mirrored);
    const { logits, probabilities, known } = await run(task.model, pixelsOf(queries, 0));
    expect(largest(logits, await trainedLogits(checkpoint, images))).toBeLessThan(1e-4);
    // the classes are told apart, or the comparison would say nothing
    expect(Math.max(...probabilities) - Math.min(...probabilities)).toBeGreaterThan(0.05);
    expect(known.every((value) => value > 0 && value < 1)).toBe(true);
    if (mirrored) {
      const turned = await run(task.model, pixelsOf(queries, 1));
      expect(largest(turned.logits, logits)).toBeLessThan(1e-4);
    }
  });

  it('gives the same bytes for any order of the images', async () => {
    const checkpoint = randomTrunkCheckpoint(twoSteps);
    const support = supportOf({ cat: 2, dog: 1, emu: 1 });
    const adapt = async (images: readonly Labelled[]) =>
      adaptOnTrunk(checkpoint, trunk, await supportRows(checkpoint, images), { steps: 2 }, executor);
    const expected = await adapt(support);
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray(support, { minLength: support.length }), async (shuffled) => {
        const { model, embedding, leftOut } = await adapt(shuffled);
        expect(embedding).toEqual(expected.embedding);
        const withPlaces = (all: typeof leftOut, own: readonly Labelled[]) =>
          all!.map(({ place, ...judged }) => ({ ...judged, image: support.indexOf(own[place!]!) }));
        expect(withPlaces(leftOut, shuffled)).toEqual(withPlaces(expected.leftOut, support));
        expect(Buffer.from(model).equals(Buffer.from(expected.model))).toBe(true);
      }),
      { numRuns: 4 },
    );
  });

  it('permutes its answer when classes are renamed, and changes nothing else', async () => {
    const checkpoint = randomTrunkCheckpoint(twoSteps);
    const names = ['cat', 'dog', 'emu'];
    const others = ['zoé', '__proto__', 'bee'];
    const images = supportOf({ cat: 2, dog: 1, emu: 2 });
    const adapt = async (support: readonly Labelled[]) =>
      adaptOnTrunk(checkpoint, trunk, await supportRows(checkpoint, support), { steps: 2 }, executor);
    const given = await adapt(images);
    const renamed = await adapt(
      images.map((image) => ({ ...image, label: others[names.indexOf(image.label)]! })),
    );
    expect(renamed.genotype).toEqual(given.genotype);
    const pixels = pixelsOf(queries, 0);
    const [before, after] = [await run(given.model, pixels), await run(renamed.model, pixels)];
    const order = [...others].sort(byCodePoint);
    expect(renamed.labels).toEqual(order);
    const permuted = before.logits.map((_, i) => {
      const own = names[others.indexOf(order[i % 3]!)]!;
      return before.logits[3 * Math.floor(i / 3) + names.indexOf(own)]!;
    });
    expect(after.logits).toEqual(permuted);
    expect(after.known).toEqual(before.known);
  });

  it('answers for an image alone as in a batch', async () => {
    const checkpoint = randomTrunkCheckpoint(twoSteps);
    const support = await supportRows(checkpoint, supportOf({ cat: 2, dog: 1 }));
    const { model } = await adaptOnTrunk(checkpoint, trunk, support, { steps: 2 }, executor);
    const together = await run(model, pixelsOf(queries, 0));
    const alone = await run(model, pixelsOf(queries.slice(3, 4), 0));
    expect(largest(alone.logits, together.logits.subarray(6, 8))).toBeLessThan(1e-5);
  });

  it('takes the same steps in one graph and one by one', async () => {
    const checkpoint = randomTrunkCheckpoint(twoSteps);
    const { configuration, parameters } = checkpoint;
    const support = await supportRows(checkpoint, supportOf({ cat: 2, dog: 2 }));
    const runner = new TaskRunner(configuration, executor, []);
    const targets = oneHotTargets([0, 0, 1, 1], 2);
    const images = rowsOfView(support.rows, 0);
    const set = { images, targets, count: 4 };
    const embedded = await runner.embed(parameters, set, { way: 2, support: 4 });
    const network = runner.solved(runner.decode(embedded));
    const start = startValues(network, parameters, embedded.modulated);
    const seen: number[] = [];
    const given = { set, size: { way: 2, support: 4, views: 1 }, steps: 4 };
    const one = await inOneGraph(runner, network, start, { ...given, onFit: () => undefined });
    const each = await stepByStep(runner, network, start, { ...given, onFit: ({ loss }) => seen.push(loss) });
    expect(seen).toHaveLength(4);
    one.fits.forEach(({ loss }, k) => expect(loss).toBeCloseTo(seen[k]!, 5));
    expect(one.fits[3]!.loss).not.toBeCloseTo(one.fits[0]!.loss, 4);
    for (const [name, values] of Object.entries(one.weights))
      expect(largest(values, each.weights[name]!)).toBeLessThan(1e-5);
  });

  it('cuts the trunk to what is read, counts it, and holds the same numbers in float32', async () => {
    const checkpoint = randomTrunkCheckpoint(twoSteps, { mirrored: false });
    const support = () => supportRows(checkpoint, supportOf({ cat: 2, dog: 2 }));
    const { genotype: decoded } = await adaptChildOnTrunk(
      checkpoint,
      await support(),
      { steps: 1 },
      executor,
    );
    const reading = async (fine: string, coarse: string, mirrored: boolean) => {
      const genotype = {
        ...decoded,
        taps: { slots: { 'normal.0': fine, 'normal.1': fine, 'reduction.0': coarse }, beside: [] },
      };
      const options = { steps: 1, genotype, mirrored };
      return adaptOnTrunk(checkpoint, trunk, await support(), options, executor);
    };
    const [shallow, deep, both] = [
      await reading('a', 'a', false),
      await reading('a', 'c', false),
      await reading('a', 'c', true),
    ];
    const names = (bytes: Uint8Array) => decodeModel(bytes).nodes.map(({ name = '' }) => name);
    expect(names(shallow.model)).not.toContain('trunk/b.linear');
    expect(names(deep.model)).toContain('trunk/c.linear');
    expect(names(both.model)).toContain('trunk-mirror/c.linear');
    expect(names(both.model).filter((name) => name.includes('c.linear.weight.cast'))).toHaveLength(1);
    const { a, c } = trunk.card.taps;
    expect(deep.multiplyAdds).toBeGreaterThan(c!.multiplyAdds);
    expect(shallow.multiplyAdds).toBeGreaterThan(a!.multiplyAdds);
    expect(both.multiplyAdds).toBeGreaterThan(1.9 * deep.multiplyAdds);
    expect(both.weights).toBe(deep.weights);
    const { metadata, nodes, initializers } = decodeModel(deep.model);
    const halves = initializers.filter(({ data }) => data instanceof Uint16Array).map(({ name }) => name);
    const kernels = nodes.filter(({ operator }) => operator === 'Conv').map(({ inputs }) => inputs[1]!);
    expect(halves).toEqual(expect.arrayContaining(kernels.map((name) => `${name}.float16`)));
    expect(metadata).toMatchObject({ trunk: 'tiny', trunk_licence: 'CC0-1.0', 'trunk/licence': 'CC0-1.0' });
    const wide = encodeModel(withFloat32Weights(decodeModel(both.model)));
    const pixels = pixelsOf(queries, 0);
    expect((await run(wide, pixels)).logits).toEqual((await run(both.model, pixels)).logits);
  });

  it('judges every image by a head without it', async () => {
    const checkpoint = randomTrunkCheckpoint(twoSteps);
    const adapt = async (shots: Record<string, number>) =>
      adaptChildOnTrunk(checkpoint, await supportRows(checkpoint, supportOf(shots)), { steps: 2 }, executor);
    const several = await adapt({ cat: 3, dog: 1, emu: 2 });
    expect(several.leftOut.map(({ truth }) => truth).sort()).toEqual([0, 0, 0, 2, 2]);
    expect((await adapt({ cat: 1, dog: 1 })).leftOut).toEqual([]);
    const { model } = exportTrunkChild(checkpoint, trunk, several.child, several.labels);
    expect(decodeModel(model).inputs.map(({ name }) => name)).toEqual(['image']);
  });
});

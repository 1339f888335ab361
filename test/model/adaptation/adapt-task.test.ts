import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { createOnnxExecutor } from '../../../engine/onnxruntime.ts';
import { adaptTask, labelledSet } from '../../../model/adaptation/adapt-task.ts';
import type { AdaptedTask, LabelledImage } from '../../../model/adaptation/adapt-task.ts';
import { canonicalSupport } from '../../../model/task/canonical-support.ts';
import type { Checkpoint } from '../../../model/checkpoint/checkpoint.ts';
import { parseModelConfiguration } from '../../../model/configuration.ts';
import { operationNames } from '../../../model/search-space/genotype.ts';
import type { Genotype, GenotypeEdge } from '../../../model/search-space/genotype.ts';
import { decodeModel } from '../../../model/graph/onnx/encode.ts';
import type { OnnxModel } from '../../../model/graph/onnx/encode.ts';
import { initialParameters } from '../../../model/parameters.ts';
import { keyFrom } from '../../../model/random.ts';
import { TaskRunner } from '../../../model/inner-loop/task-runner.ts';
import { testRandom } from '../../support/random.ts';
import { runFile } from '../../support/run-file.ts';
import { slowUnless } from '../../support/slow.ts';

const size = 20;
const configuration = parseModelConfiguration({
  image: { size },
  supernet: { channels: 4, nodes: 2, stem: [4, 6] },
  encoder: { features: 6, state: 8 },
  controller: { hidden: 8 },
});
const checkpoint: Checkpoint = {
  id: 'test',
  configuration,
  parameters: initialParameters(configuration, keyFrom(3)),
  genotypes: [],
  training: {},
};
const executor = createOnnxExecutor({ provider: 'cpu', threads: 1, cacheSize: 200 });
afterAll(() => executor.dispose());

function picture(seed: number): Float32Array {
  const next = testRandom(seed);
  return Float32Array.from({ length: 3 * size * size }, () => (next() + 1) / 2);
}

/** Images with every row turned left to right. */
const inMirror = (pixels: Float32Array): Float32Array<ArrayBuffer> =>
  Float32Array.from(pixels, (_, i) => pixels[i - (i % size) + size - 1 - (i % size)]!);

const supportOf = (shots: Readonly<Record<string, number>>): LabelledImage[] =>
  Object.entries(shots).flatMap(([label, count], c) =>
    Array.from({ length: count }, (_, i) => ({ label, pixels: picture(100 * c + i) })),
  );

const adapt = (support: readonly LabelledImage[], from = checkpoint): Promise<AdaptedTask> =>
  adaptTask(from, support, { steps: 5 }, executor);

async function run(
  model: Uint8Array,
  images: Float32Array,
  count: number,
): Promise<Record<'logits' | 'probabilities' | 'known', Float32Array>> {
  const { logits, probabilities, known } = await runFile(model, {
    image: { data: images, dims: [count, 3, size, size] },
  });
  return { logits: logits!.data, probabilities: probabilities!.data, known: known!.data };
}

const queries = Float32Array.from(
  { length: 7 * 3 * size * size },
  (
    (next) => () =>
      (next() + 1) / 2
  )(testRandom(9)),
);

/** What runtimes other than onnxruntime ask of a file (docs/onnx.md). */
function expectPlainForm({ nodes, initializers, outputs }: OnnxModel): void {
  const operators = new Set(nodes.map(({ operator }) => operator));
  const plain = ['Add', 'AveragePool', 'Concat', 'Conv', 'Identity', 'Log', 'MatMul', 'MaxPool', 'Mul'];
  plain.push('ReduceSum', 'Relu', 'Reshape', 'Sigmoid', 'Slice', 'Softmax', 'Sub');
  expect([...operators].filter((operator) => !plain.includes(operator))).toEqual([]);
  expect(new Set(nodes.map(({ name }) => name)).size).toBe(nodes.length);
  expect(nodes.at(-1)!.outputs).toEqual([outputs.at(-1)!.name]);
  const constant = (name: string | undefined) => initializers.find((each) => each.name === name);
  for (const { operator, inputs, attributes } of nodes) {
    if (operator === 'Conv') {
      const kernel = constant(inputs[1])!.shape.slice(2);
      expect(attributes).toMatchObject({ kernel_shape: { kind: 'ints', value: kernel } });
      expect(Object.keys(attributes!)).toEqual(['dilations', 'group', 'kernel_shape', 'pads', 'strides']);
    }
    // the batch is the first axis from end to end, and nothing is read backwards
    if (operator === 'Reshape') expect(constant(inputs[1])!.data[0]).toBe(0n);
    if (operator === 'Slice') expect(inputs).toHaveLength(4);
  }
}

describe('adaptTask', () => {
  it('adapts to mirror images where the embedding allows it and classes have few images, and answers by both', async () => {
    // without a modulator the embedding decides nothing but that
    const plain = parseModelConfiguration({ ...configuration, modulator: { kind: 'none' } });
    const mirrors = parseModelConfiguration({ ...plain, mirroring: { shots: 2 } });
    const parameters = initialParameters(plain, keyFrom(3));
    const genotype = (await adapt(supportOf({ cat: 1, dog: 1 }))).genotype;
    const adapted = (symmetric: number, support: readonly LabelledImage[], given = mirrors) => {
      const mirroring = Float32Array.from({ length: 9 }, (_, i) => (i === 8 ? symmetric : 0));
      const from = { ...checkpoint, configuration: given, parameters: { ...parameters, mirroring } };
      return adaptTask({ ...from, id: `mirrors ${symmetric}` }, support, { steps: 5, genotype }, executor);
    };
    const support = supportOf({ cat: 1, dog: 2 });
    const mirror = ({ label, pixels }: LabelledImage): LabelledImage => ({
      label,
      pixels: inMirror(pixels),
    });
    const turned = inMirror(queries);
    const logitsOf = async ({ model }: AdaptedTask, images = queries) => (await run(model, images, 7)).logits;
    const meanLogits = async (task: AdaptedTask) => {
      const [given, other] = [await logitsOf(task), await logitsOf(task, turned)];
      return given.map((logit, i) => (logit + other[i]!) / 2);
    };
    const near = (actual: Float32Array, expected: Float32Array): void =>
      actual.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 4));
    const both = await adapted(1, support);
    expectPlainForm(decodeModel(both.model));
    const none = await adapted(-1, support);
    const explicit = await adapted(-1, [...support, ...support.map(mirror)], plain);
    expect([both.mirrored, none.mirrored, explicit.mirrored]).toEqual([true, false, false]);
    expect(both.embedding).toEqual(none.embedding);
    const answers = await logitsOf(both);
    near(answers, await meanLogits(explicit));
    near(answers, await logitsOf(both, turned));
    const apart = await logitsOf(none);
    expect(Math.max(...answers.map((logit, i) => Math.abs(logit - apart[i]!)))).toBeGreaterThan(0.01);
    expect(both.multiplyAdds).toBeGreaterThan(1.9 * none.multiplyAdds);

    // 2.5 images a class: the same network, which answers by both all the same
    const many = supportOf({ cat: 2, dog: 3 });
    const [same, plainly] = [await adapted(1, many), await adapted(-1, many)];
    expect(same.support).toEqual(plainly.support);
    near(await logitsOf(same), await meanLogits(plainly));
    const known = async ({ model }: AdaptedTask) => (await run(model, queries, 7)).known;
    near(await known(same), await known(plainly));
  });

  it('gives the same bytes for any order of the images', async () => {
    const support = supportOf({ cat: 3, dog: 1, emu: 2 });
    const expected = await adapt(support);
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray(support, { minLength: support.length }), async (shuffled) => {
        const { model, embedding, labels } = await adapt(shuffled);
        expect(labels).toEqual(['cat', 'dog', 'emu']);
        expect(embedding).toEqual(expected.embedding);
        expect(Buffer.from(model).equals(Buffer.from(expected.model))).toBe(true);
      }),
      { numRuns: 5 },
    );
  });

  it('permutes its answer when classes are renamed, and changes nothing else', async () => {
    const names = ['cat', 'dog', 'emu'];
    const support = supportOf({ cat: 2, dog: 1, emu: 2 });
    const expected = await adapt(support);
    const { logits, known } = await run(expected.model, queries, 7);
    await fc.assert(
      fc.asyncProperty(
        fc.shuffledSubarray(['ant', 'bee', '__proto__', 'zoé'], { minLength: 3, maxLength: 3 }),
        async (others) => {
          const renamed = support.map(({ label, pixels }) => ({
            label: others[names.indexOf(label)]!,
            pixels,
          }));
          const answer = await adapt(renamed);
          expect(answer.genotype).toEqual(expected.genotype);
          expect(answer.embedding).toEqual(expected.embedding);
          expect(answer.support).toEqual(expected.support);
          const other = await run(answer.model, queries, 7);
          expect(other.known).toEqual(known);
          for (let i = 0; i < 7; i++) {
            for (const [c, name] of names.entries()) {
              const column = answer.labels.indexOf(others[names.indexOf(name)]!);
              expect(other.logits[i * 3 + column]).toBe(logits[i * 3 + c]);
            }
          }
        },
      ),
      { numRuns: 4 },
    );
  });

  it.each([
    [2, 1],
    [20, 1],
    [3, 50],
  ])('works with %i classes and up to %i images a class', async (way, shot) => {
    const shots = Object.fromEntries(
      Array.from({ length: way }, (_, c) => [`class ${c}`, c === 0 ? shot : 1]),
    );
    const { labels, model, support } = await adapt(supportOf(shots));
    expect(labels).toHaveLength(way);
    const { probabilities, known } = await run(model, queries, 7);
    expect(known).toHaveLength(7);
    expect(known.every((value) => value >= 0 && value <= 1)).toBe(true);
    expect(probabilities).toHaveLength(7 * way);
    expect(probabilities.slice(0, way).reduce((a, b) => a + b)).toBeCloseTo(1, 5);
    expect(Number.isFinite(support.after.loss)).toBe(true);
  });

  it('exports portable operators with metadata, and reports weights and multiply-adds', async () => {
    const task = await adapt(supportOf({ a: 1, b: 1 }));
    const model = decodeModel(task.model);
    expect(model.opset).toBeLessThanOrEqual(17);
    expect(model.domains ?? []).toEqual([]);
    expect(model.metadata).toMatchObject({ names: '["a","b"]', imgsz: '[20,20]', checkpoint: 'test' });
    expect(model.inputs).toEqual([{ name: 'image', shape: ['n', 3, size, size], type: 'float' }]);
    expect(model.outputs.map(({ name }) => name)).toEqual(['logits', 'known', 'probabilities']);
    expectPlainForm(model);
    expect(task.weights).toBeGreaterThan(0);
    const stem = 20 * 20 * 4 * 27 + 10 * 10 * 6 * 4 * 9;
    expect(task.multiplyAdds).toBeGreaterThan(stem);
  });
});

/** Every operation from both kinds of source of both cells. */
const genotypes: Genotype[] = operationNames
  .filter((name): name is GenotypeEdge['operation'] => name !== 'none')
  .map((operation) => {
    const cell = {
      nodes: [
        [
          { operation, input: 0 },
          { operation: 'skip_connect' as const, input: 1 },
        ],
        [
          { operation, input: 1 },
          { operation, input: 2 },
        ],
      ],
    };
    return { normal: cell, reduction: cell };
  });

/** Of 20 px, whose first convolution gives planes of 20 px or of 10. */
const strided = parseModelConfiguration({ ...configuration, image: { size, stride: 2 } });
const stridedCheckpoint: Checkpoint = {
  ...checkpoint,
  id: 'strided',
  configuration: strided,
  parameters: initialParameters(strided, keyFrom(3)),
};

/** The same parameters, but the average is of positive parts. */
const rectifiedCheckpoint: Checkpoint = {
  ...checkpoint,
  id: 'rectified',
  configuration: parseModelConfiguration({
    ...configuration,
    supernet: { ...configuration.supernet, rectified: true },
  }),
};

const exported: readonly [string, Genotype, Checkpoint][] = [
  ...genotypes.map((genotype): [string, Genotype, Checkpoint] => [
    genotype.normal.nodes[1]![0]!.operation,
    genotype,
    checkpoint,
  ]),
  ['a first convolution of stride 2', genotypes[4]!, stridedCheckpoint],
  ['rectified features', genotypes[4]!, rectifiedCheckpoint],
];
const daily = ['max_pool_3x3', 'dil_conv_5x5', 'a first convolution of stride 2', 'rectified features'];

describe("the exported child has the server's logits to 1e-4", () => {
  for (const [name, genotype, of] of exported)
    it(`with ${name}`, slowUnless(daily.includes(name)), async () => {
      const own: Checkpoint = { ...of, genotypes: [genotype] };
      const support = supportOf({ cat: 2, dog: 2, emu: 1 });
      const { model } = await adapt(support, own);
      const runner = new TaskRunner(own.configuration, executor, [genotype]);
      const { classes, images } = canonicalSupport(support);
      const taskSize = { way: 3, support: images.length };
      const set = labelledSet(images, classes);
      const query = { images: queries, targets: new Float32Array(21), count: 7 };
      const embedded = await runner.embed(own.parameters, set, taskSize);
      const network = runner.child(genotype);
      const task = { network, mixes: {}, support: set, size: taskSize };
      let weights = await runner.initialWeights(task, own.parameters, embedded.modulated);
      for (let k = 0; k < 5; k++) weights = (await runner.innerStep(task, weights)).weights;
      const expected = await runner.queryLogits(task, weights, query, 'support');
      const { logits } = await run(model, queries, 7);
      const order = ['cat', 'dog', 'emu'].map((label) => classes.indexOf(label));
      for (let i = 0; i < 7; i++) {
        order.forEach((row, column) =>
          expect(Math.abs(logits[i * 3 + column]! - expected[i * 3 + row]!)).toBeLessThan(1e-4),
        );
      }
    });
});

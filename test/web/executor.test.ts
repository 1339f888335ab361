import * as onnxruntime from 'onnxruntime-web/wasm';
import { afterAll, describe, expect, it } from 'vitest';
import { createOnnxExecutor } from '../../engine/onnxruntime.ts';
import { adaptTask, noiseSupport } from '../../model/adaptation/adapt-task.ts';
import { decodeModel } from '../../model/graph/onnx/encode.ts';
import type { OnnxInitializer } from '../../model/graph/onnx/encode.ts';
import { Graph, inputsOf } from '../../model/graph/graph.ts';
import { gradient } from '../../model/graph/gradient.ts';
import { evaluate } from '../../model/graph/reference/interpreter.ts';
import { parseGenotypeKey } from '../../model/search-space/genotype.ts';
import { WebExecutor } from '../../web/device/executor.ts';
import { randomPoint, randomSum } from '../support/check-gradients.ts';
import { largestDifference } from '../support/differences.ts';
import { samples } from '../support/samples.ts';
import { tinyImages } from '../support/tiny-images.ts';

/** One from pixels, which takes inner steps in one graph. */
const checkpoint = { ...tinyImages, genotypes: [parseGenotypeKey('0m1S/0s1a')] };
const native = createOnnxExecutor({ provider: 'cpu', threads: 1, cacheSize: 10 });
afterAll(() => native.dispose());

onnxruntime.env.wasm.numThreads = 1;
const web = new WebExecutor(onnxruntime);

/** Weights of an ONNX file by name. */
const weightsOf = (model: Uint8Array) =>
  new Map(decodeModel(model).initializers.map(({ name, data }) => [name, data]));

const floats = (data: OnnxInitializer['data']): Float32Array => Float32Array.from(data, Number);

describe('a task that is made by onnxruntime-web', () => {
  it('is the one that the service makes: architecture, weights within 1e-3, probabilities', async () => {
    const support = noiseSupport(checkpoint, { way: 3, shot: 2 });
    const options = { steps: checkpoint.configuration.innerLoop.steps };
    const served = await adaptTask(checkpoint, support, options, native);
    const made = await adaptTask(checkpoint, support, options, web);

    expect(made.genotype).toEqual(served.genotype);
    expect(made.labels).toEqual(served.labels);
    expect(largestDifference(made.embedding, served.embedding)).toBeLessThan(1e-5);
    const [weights, expected] = [weightsOf(made.model), weightsOf(served.model)];
    expect([...weights.keys()]).toEqual([...expected.keys()]);
    for (const [name, values] of weights)
      expect(largestDifference(floats(values), floats(expected.get(name)!)), name).toBeLessThan(1e-3);

    const { size } = checkpoint.configuration.image;
    const image = { data: support[0]!.pixels, shape: [1, 3, size, size] };
    const here = await (await web.model('made', () => made.model)).run({ image });
    const there = await (await native.model('served', () => served.model)).run({ image });
    for (const output of ['probabilities', 'known'])
      expect(largestDifference(here[output]!.data, there[output]!.data), output).toBeLessThan(1e-3);
  });

  it('has the operators of onnxruntime that are not standard: an inverse, its gradient and transposed products', async () => {
    const outputs = samples.inverse(new Graph());
    const all = [
      ...outputs,
      ...outputs.flatMap((y) => gradient(randomSum(y, 1), Object.values(inputsOf([y])))),
    ];
    const named = Object.fromEntries(all.map((tensor, i) => [`out${i}`, tensor]));
    const point = randomPoint(all, 7);
    const program = await web.program('inverse', () => ({ name: 'inverse', outputs: named }));
    const given = Object.entries(inputsOf(all)).map(
      ([name, { shape }]) => [name, { data: Float32Array.from(point[name]!), shape }] as const,
    );
    const results = await program.run(Object.fromEntries(given));
    evaluate(all, point).forEach((expected, i) =>
      expect(largestDifference(results[`out${i}`]!.data, expected)).toBeLessThan(2e-5),
    );
  });

  it('says which input is missing', async () => {
    const { model } = await adaptTask(
      checkpoint,
      noiseSupport(checkpoint, { way: 2, shot: 1 }),
      { steps: 0 },
      native,
    );
    const program = await web.model('other', () => model);
    await expect(program.run({})).rejects.toThrow('input image is missing');
    await expect(program.time({})).rejects.toThrow('input image is missing');
  });

  it('is timed without what it waits for, and can be let go of', async () => {
    const { model } = await adaptTask(
      checkpoint,
      noiseSupport(checkpoint, { way: 2, shot: 1 }),
      { steps: 0 },
      native,
    );
    const { size } = checkpoint.configuration.image;
    const image = { data: new Float32Array(3 * size * size), shape: [1, 3, size, size] };
    const program = await web.model('timed', () => model);
    const begun = performance.now();
    const times = await Promise.all(Array.from({ length: 8 }, () => program.time({ image })));
    const all = performance.now() - begun;
    expect(times.reduce((sum, time) => sum + time, 0)).toBeLessThanOrEqual(all);
    program.release();
    program.release();
    expect((await program.run({ image }))['probabilities']!.data).toHaveLength(2); // made ready again
  });
});

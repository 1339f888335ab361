import { afterAll, describe, expect, it } from 'vitest';
import { createOnnxExecutor } from '../../../engine/onnxruntime.ts';
import { CheckpointError, formatOf } from '../../../model/checkpoint/checkpoint-file.ts';
import { decodeCheckpoint } from '../../../model/checkpoint/checkpoint.ts';
import { Programs } from '../../../model/graph/programs.ts';
import { drawParameters } from '../../../model/layers/parameter-specification.ts';
import { keyFrom, normal } from '../../../model/random.ts';
import { adaptRegression, NotAdaptableError } from '../../../model/regression/adapt.ts';
import type { Point } from '../../../model/regression/adapt.ts';
import { oneHotRegression } from '../../../model/regression/cell.ts';
import {
  decodeRegressionCheckpoint,
  encodeRegressionCheckpoint,
} from '../../../model/regression/checkpoint.ts';
import type { RegressionCheckpoint } from '../../../model/regression/checkpoint.ts';
import { predictionFunction } from '../../../model/regression/graphs.ts';
import { finalTraining, mnas, mnasSpecifications } from '../../../model/regression/mnas.ts';
import { runFile } from '../../support/run-file.ts';
import { tinyRegression } from '../../support/tiny-regression.ts';

const executor = createOnnxExecutor({ provider: 'cpu', threads: 1, cacheSize: 16 });
afterAll(() => executor.dispose());

const checkpointOf = (
  order: 'drawn' | 'sorted',
  model: Record<string, unknown> = {},
  genotypes: RegressionCheckpoint['genotypes'] = [],
) => tinyRegression({ order, model, genotypes });

const points: readonly Point[] = Array.from(normal(keyFrom(7), 8), (x: number): Point => [x, Math.sin(x)]);
const query = [-1.5, -0.2, 0.4, 2];

async function exported(file: Uint8Array, xs: readonly number[]): Promise<number[]> {
  const { y } = await runFile(file, { x: { data: Float32Array.from(xs), dims: [xs.length, 1] } });
  return Array.from(y!.data);
}

describe('a regression checkpoint', () => {
  it('comes back as it was written and names its format', () => {
    const checkpoint = checkpointOf('sorted');
    const bytes = encodeRegressionCheckpoint(checkpoint);
    expect(decodeRegressionCheckpoint(bytes)).toEqual(checkpoint);
    expect(formatOf(bytes)).toBe('m-nas-regression/1');
    expect(() => decodeCheckpoint(bytes)).toThrow(CheckpointError);
  });

  it('has no normalisation, and genotypes of its own search space', () => {
    const bytes = (changed: unknown) => encodeRegressionCheckpoint(changed as RegressionCheckpoint);
    const checkpoint = checkpointOf('sorted');
    const { configuration } = checkpoint;
    const model = { ...configuration.model, normalization: 'batch' as const };
    const whole = drawParameters(mnasSpecifications(model), keyFrom(1)); // with the affine part
    const batch = { ...checkpoint, configuration: { ...configuration, model }, parameters: whole };
    expect(() => decodeRegressionCheckpoint(bytes(batch))).toThrow(/normalization/);
    const foreign = [[[{ operation: 'linear', input: 2 }], [], []]];
    expect(() => decodeRegressionCheckpoint(bytes({ ...checkpoint, genotypes: foreign }))).toThrow(
      CheckpointError,
    );
  });
});

describe('adaptRegression', () => {
  it.each([
    ['as written', {}],
    [
      'learned rates, unbounded modulation',
      {
        encoder: { kind: 'bidirectional', features: 4, state: 6 },
        modulator: { kind: 'scale' },
        innerLoop: { rates: 'learned' },
      },
    ],
    ['no modulation, shared architecture', { modulator: { kind: 'none' }, controller: { kind: 'shared' } }],
  ])('exports what the prediction graph of the training predicts: %s', async (_, model) => {
    const checkpoint = checkpointOf('drawn', model);
    const { steps } = checkpoint.configuration.model.innerLoop;
    const adapted = await adaptRegression(checkpoint, points, { steps }, executor);
    const method = mnas(checkpoint.configuration.model, finalTraining);
    const size = { tasks: 1, support: points.length, query: query.length };
    const { predictions } = await new Programs(executor, 'test').run(
      JSON.stringify(model),
      () => predictionFunction(method, size),
      checkpoint.parameters,
      {
        'support.x': Float32Array.from(points, ([x]) => x),
        'support.y': Float32Array.from(points, ([, y]) => y),
        'query.x': Float32Array.from(query),
        'query.y': new Float32Array(query.length),
        chosen: oneHotRegression(adapted.genotype),
      },
    );
    const own = await exported(adapted.model, query);
    own.forEach((y, i) => expect(y).toBeCloseTo(predictions![i]!, 4));
    const fitted = await exported(
      adapted.model,
      points.map(([x]) => x),
    );
    const error = points.reduce((sum, [, y], i) => sum + (fitted[i]! - y) ** 2, 0) / points.length;
    expect(adapted.support.after).toBeCloseTo(error, 4);
    expect(adapted.support.after).toBeLessThan(adapted.support.before);
  });

  it('does not depend on the order of the points where the encoder reads them sorted', async () => {
    const sorted = checkpointOf('sorted');
    const [a, b] = await Promise.all(
      [points, [...points].reverse()].map((set) => adaptRegression(sorted, set, { steps: 2 }, executor)),
    );
    expect(b!.model).toEqual(a!.model);
  });

  it('chooses among the architectures of the checkpoint', async () => {
    const edge = (input: number) => ({ operation: 'linear', input }) as const;
    const only = [
      [edge(0), edge(1)],
      [edge(1), edge(2)],
      [edge(2), edge(3)],
    ];
    const checkpoint = checkpointOf('drawn', {}, [only]);
    const { genotype, weights } = await adaptRegression(checkpoint, points, { steps: 1 }, executor);
    expect(genotype).toEqual(only);
    expect(weights).toBe(12 + 6 * (36 + 6) + 7);
  });

  it('takes more steps than it was trained with', async () => {
    const checkpoint = checkpointOf('sorted', { innerLoop: { rates: 'learned', steps: 2 } });
    const run = (steps: number) => adaptRegression(checkpoint, points, { steps }, executor);
    const [two, nine] = [await run(2), await run(9)];
    expect(nine.support.after).toBeLessThan(two.support.after);
  });

  it('refuses a support set on which the inner loop diverges', async () => {
    const far = points.map(([x, y]): Point => [1e6 * x, 1e9 * y]);
    const refused = adaptRegression(checkpointOf('sorted'), far, { steps: 5 }, executor);
    await expect(refused).rejects.toThrow(NotAdaptableError);
  });

  it.each([1e15, 1e20, 1e38])('refuses values around %g in whichever stage they overflow', async (size) => {
    const far = points.map(([x, y]): Point => [size * x, size * y]);
    for (const modulator of ['gate', 'none']) {
      const checkpoint = checkpointOf('sorted', { modulator: { kind: modulator } });
      const refused = adaptRegression(checkpoint, far, { steps: 2 }, executor);
      await expect(refused).rejects.toThrow(NotAdaptableError);
    }
  });
});

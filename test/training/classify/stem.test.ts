import { describe, expect, it } from 'vitest';
import { decodeModel } from '../../../model/graph/onnx/encode.ts';
import { Graph } from '../../../model/graph/graph.ts';
import { evaluate } from '../../../model/graph/reference/interpreter.ts';
import { sizeOf } from '../../../model/graph/shapes.ts';
import { Normalizer } from '../../../model/layers/normalizer.ts';
import { statisticNames } from '../../../model/network/trunk-statistics.ts';
import { checkTrunk } from '../../../model/trunk/trunk.ts';
import { stemParts, stemRows, stemWeights } from '../../../training/classify/stem.ts';
import { stemTrunk } from '../../../training/classify/stem-trunk.ts';
import { checkGradients, randomPoint, randomSum } from '../../support/check-gradients.ts';
import { largestDifference } from '../../support/differences.ts';
import { randomArray } from '../../support/random.ts';
import { runFile } from '../../support/run-file.ts';

const channels = [3, 4] as const;
const [images, side, epsilon] = [2, 8, 1e-5];

/** The rows of a stem by the statistics of its images, and those statistics. */
function stem(graph: Graph) {
  const normalizer = new Normalizer(images, images, epsilon);
  const shapes = new Map(stemWeights(channels).map(({ name, shape }) => [name, shape]));
  const rows = stemRows(
    graph.input('images', [images, 3, side, side]),
    (name) => graph.input(name, shapes.get(name)!),
    normalizer,
  );
  return { rows, statistics: normalizer.statistics };
}

describe('a stem', () => {
  it('has gradients of order 1 and 2 that agree with central differences in float64', () => {
    const loss = randomSum(stem(new Graph()).rows, 1);
    for (const { order, relative } of checkGradients(loss, randomPoint([loss], 5)))
      expect(relative, `order ${order}`).toBeLessThan(1e-5);
  });

  it('becomes a trunk that gives the same planes, but for the rounding of its kernels', async () => {
    const { rows, statistics } = stem(new Graph());
    const point = randomPoint([rows], 3);
    const pixels = randomArray(images * 3 * side ** 2, 9).map((x) => (x + 1) / 2);
    const values = evaluate([rows, ...statistics.flatMap(({ mean, inverse }) => [mean, inverse])], {
      ...point,
      images: pixels,
    });
    const parameters: Record<string, Float32Array> = {};
    stemParts.forEach((part, i) => {
      const [mean, inverse] = [values[1 + 2 * i]!, values[2 + 2 * i]!];
      const names = statisticNames(part);
      parameters[part] = Float32Array.from(point[part]!);
      parameters[names.mean] = Float32Array.from(mean);
      parameters[names.square] = Float32Array.from(mean, (m, c) => inverse[c]! ** -2 - epsilon + m ** 2);
    });
    const { card, bytes } = stemTrunk(parameters, {
      ...{ name: 'tiny', channels, side, epsilon },
      ...{ source: 'a test', licence: 'none' },
    });
    checkTrunk(decodeModel(bytes), card);
    expect(card.taps['stem']).toEqual({
      channels: 4,
      side: 2,
      weights: 3 * 27 + 3 + 4 * 27 + 4,
      multiplyAdds: 3 * 27 * 16 + 4 * 27 * 4,
    });
    const given = { image: { data: Float32Array.from(pixels), dims: [images, 3, side, side] } };
    const planes = (await runFile(bytes, given))['stem']!;
    expect(planes.dims).toEqual([images, 4, 2, 2]);
    expect(planes.data.length).toBe(sizeOf(rows.shape));
    expect(largestDifference(planes.data, values[0]!)).toBeLessThan(5e-3);
  });
});

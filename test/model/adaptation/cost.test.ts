import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import {
  adaptationCost,
  bytesOfViews,
  multiplyAddsOfSteps,
  viewsOf,
} from '../../../model/adaptation/cost.ts';
import { decodeCheckpoint } from '../../../model/checkpoint/checkpoint.ts';
import { multiplyAddsOf } from '../../../model/graph/arithmetic.ts';
import { graphMemory } from '../../../model/graph/memory.ts';
import { solvedNetwork } from '../../../model/inner-loop/solved-network.ts';
import { TaskGraphs } from '../../../model/inner-loop/step-graphs.ts';
import { fittedFunction } from '../../../model/inner-loop/unrolled-graphs.ts';
import { studyImages } from '../../support/tiny-images.ts';

const onTrunk = new URL('../../../checkpoints/photos-lite0.safetensors', import.meta.url);

describe('the cost of an adaptation', () => {
  it('is that of its graphs within a tenth, for any size and architecture', () => {
    const checkpoint = studyImages();
    const { configuration, genotypes } = checkpoint;
    const cost = adaptationCost(checkpoint);
    for (const genotype of genotypes)
      for (const [way, support, steps] of [
        [2, 4, 1],
        [5, 25, 5],
        [20, 1000, 50],
      ] as const) {
        const size = { way, support };
        const graphs = new TaskGraphs(configuration, { kind: 'child', genotype });
        const [step, fitted] = [graphs.step(size), fittedFunction(graphs, size)].map(({ outputs }) =>
          multiplyAddsOf(Object.values(outputs)),
        );
        const ratio = multiplyAddsOfSteps(cost, support, steps) / (steps * step! + fitted!);
        expect(Math.abs(ratio - 1)).toBeLessThan(0.1);
      }
  });

  it('needs as much memory as its largest graph, or a little more, for any size', async () => {
    const { configuration, genotypes, ...other } = decodeCheckpoint(await readFile(onTrunk));
    const cost = adaptationCost({ configuration, genotypes, ...other });
    const { graphs } = solvedNetwork(configuration, genotypes[0]!);
    for (const [way, support] of [
      [2, 2],
      [5, 25],
      [20, 400],
      [20, 1000],
    ] as const) {
      const size = { way, support, views: 2 };
      for (const [steps, largest] of [
        [0, graphs.fitted(size)],
        [5, graphs.step(size)],
      ] as const) {
        const { inputs, peak } = graphMemory(largest);
        const ratio = bytesOfViews(cost, 2 * support, steps) / (inputs + peak);
        expect(ratio).toBeGreaterThan(0.9);
        expect(ratio).toBeLessThan(1.3);
      }
    }
  });

  it('counts the mirror image and the crops of every image where there may be such', () => {
    const views = { mirroring: { shots: 2 }, crops: { shots: 5, count: 3 } };
    expect(viewsOf(views, { way: 2, support: 4 })).toBe(4 * 5);
    expect(viewsOf(views, { way: 2, support: 10 })).toBe(10 * 4);
    expect(viewsOf(views, { way: 2, support: 11 })).toBe(11);
    expect(viewsOf({}, { way: 2, support: 2 })).toBe(2);
  });
});

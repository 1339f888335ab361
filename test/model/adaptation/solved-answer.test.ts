import { afterAll, describe, expect, it } from 'vitest';
import { createOnnxExecutor } from '../../../engine/onnxruntime.ts';
import { solvedAnswer } from '../../../model/adaptation/solved-answer.ts';
import { startValues } from '../../../model/inner-loop/solved-network.ts';
import type { AnswerStatistics } from '../../../model/inner-loop/solved-graphs.ts';
import { TaskRunner } from '../../../model/inner-loop/task-runner.ts';
import { firstViews, viewedSize } from '../../../model/task/viewed-task.ts';
import type { ViewedTask } from '../../../model/task/viewed-task.ts';
import { genotypesByDepth, randomTrunkCheckpoint, trunkConfiguration } from '../../support/random-trunk.ts';
import { noiseRows } from '../../support/trunk-task.ts';

const { configuration, parameters } = randomTrunkCheckpoint(trunkConfiguration(), { mirrored: false });
const executor = createOnnxExecutor({ provider: 'cpu', threads: 1, cacheSize: 100 });
const runner = new TaskRunner(configuration, executor, []);
afterAll(() => executor.dispose());

const support = noiseRows(configuration, { way: 2, count: 6, views: 1, seed: 3 });

async function logitsOf(query: ViewedTask['query'], statistics?: AnswerStatistics): Promise<Float32Array> {
  const task = { way: 2, support, query };
  const network = runner.solved(genotypesByDepth[0]!);
  const { modulated } = await runner.embed(parameters, firstViews(support), viewedSize(task));
  const start = startValues(network, parameters, modulated);
  return (await solvedAnswer(runner, network, start, task, 0, statistics)).logits;
}

/** The images at some places. */
function picked({ images, targets, count, views }: ViewedTask['query'], places: readonly number[]) {
  const [row, way] = [images.length / count, targets.length / count];
  const of = (values: Float32Array, width: number) =>
    Float32Array.from(places.flatMap((place) => [...values.subarray(place * width, (place + 1) * width)]));
  return { images: of(images, row), targets: of(targets, way), count: places.length, views };
}

describe('an answer on a trunk', () => {
  const query = noiseRows(configuration, { way: 2, count: 4, views: 1, seed: 4 });

  /** How far the answer to the first query is from that to it alone. */
  async function off(statistics: AnswerStatistics): Promise<number> {
    const [among, alone] = [
      await logitsOf(query, statistics),
      await logitsOf(picked(query, [0]), statistics),
    ];
    return Math.max(...Array.from(alone, (value, c) => Math.abs(value - among[c]!)));
  }

  it('as served does not depend on the other queries, a transductive one does', async () => {
    expect(await off('support')).toBeLessThan(1e-4);
    expect(await off('both')).toBeGreaterThan(1e-3);
  });

  it('is the same in both ways where the queries are the support set again', async () => {
    const [served, together] = [await logitsOf(support), await logitsOf(support, 'both')];
    served.forEach((value, i) => expect(together[i]).toBeCloseTo(value, 3));
  });
});

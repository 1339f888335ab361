import type { Parameters } from '../layers/parameter-specification.ts';
import { joined, sizeKey, supportInputs } from '../task/labelled-set.ts';
import type { Embedded, TaskRunner } from '../inner-loop/task-runner.ts';
import { startValues } from '../inner-loop/solved-network.ts';
import { stepRateValues } from '../inner-loop/rates.ts';

import { viewedSize } from '../task/viewed-task.ts';
import type { ViewedTask } from '../task/viewed-task.ts';
import { chooseSolved } from './solved-meta-gradient.ts';
import type { Stage } from './meta-gradient.ts';

/**
 * Logits [query, way] of a task's queries on a trunk after `steps` inner steps, a graph a step: what the exported file of
 * the same support set answers, not calibrated.
 */
export async function solvedLogits(
  runner: TaskRunner,
  parameters: Parameters,
  task: ViewedTask,
  { embedded, stage, steps }: { readonly embedded: Embedded; readonly stage: Stage; readonly steps: number },
): Promise<Float32Array> {
  const { support, query } = task;
  const size = viewedSize(task);
  const { network, mixes } = chooseSolved(runner, embedded, stage);
  const { graphs } = network;
  let values = { ...startValues(network, parameters, embedded.modulated), ...mixes };
  for (let k = 0; k < steps; k++) {
    const stepped = await runner.programs.run(
      `solved-step ${graphs.key} ${sizeKey(size)}`,
      () => graphs.step(size),
      values,
      stepRateValues(runner.configuration, values, k),
      supportInputs(support),
    );
    values = { ...values, ...stepped };
  }
  const asked = { images: query.count, views: query.views };
  const { logits } = await runner.programs.run(
    `solved-query ${graphs.key} ${sizeKey(size)} ${asked.images}v${asked.views}`,
    () => graphs.query(size, asked),
    values,
    { 'both.images': joined(support.images, query.images), 'support.targets': support.targets },
  );
  return logits!;
}

import type { Values } from '../graph/programs.ts';
import type { AnswerStatistics } from '../inner-loop/solved-graphs.ts';
import type { SolvedNetwork } from '../inner-loop/solved-network.ts';
import { solvedSteps } from '../inner-loop/solved-steps.ts';
import type { TaskRunner } from '../inner-loop/task-runner.ts';
import { besideName } from '../network/trunk-network.ts';
import { joined, sizeKey } from '../task/labelled-set.ts';
import { viewedSize } from '../task/viewed-task.ts';
import type { ViewedTask } from '../task/viewed-task.ts';
import { roundedToFloat16 } from '../trunk/float16.ts';

/** Whether a weight is a kernel of a convolution: of those on a trunk, a scale of features or a share is none. */
export const isKernel = (name: string): boolean => name !== 'shares' && !name.startsWith(besideName(''));

/** Kernels as they are kept: float16 numbers. What scales features, and the shares, are few numbers and stay as they are. */
export const roundedKernels = (weights: Values): Values =>
  Object.fromEntries(
    Object.entries(weights).map(([name, values]) => [
      name,
      isKernel(name) ? roundedToFloat16(values) : values,
    ]),
  );

/** What an adapted network says of a task. */
export interface SolvedAnswer {
  /** [query, way], not calibrated. */
  readonly logits: Float32Array;
  /** What the head reads of the support set and of the queries, [n, f] each. */
  readonly features: { readonly support: Float32Array; readonly query: Float32Array };
}

/**
 * The answer to a task's queries after `steps` inner steps from `start`: that of the exported file of its support set, or
 * by the statistics of both sets.
 */
export async function solvedAnswer(
  runner: TaskRunner,
  network: SolvedNetwork,
  start: Values,
  task: ViewedTask,
  steps: number,
  statistics: AnswerStatistics = 'support',
): Promise<SolvedAnswer> {
  const { support, query } = task;
  const size = viewedSize(task);
  const { weights } = await solvedSteps(runner, network, start, { set: support, size, steps });
  const asked = { images: query.count, views: query.views };
  const { logits, features } = await runner.programs.run(
    `solved query ${network.graphs.key} ${sizeKey(size)} ${asked.images}v${asked.views} ${statistics}`,
    () => network.graphs.query(size, asked, statistics),
    start,
    roundedKernels(weights),
    { 'both.images': joined(support.images, query.images), 'support.targets': support.targets },
  );
  const part = (features!.length / (support.count + query.count)) * support.count;
  return {
    logits: logits!,
    features: { support: features!.subarray(0, part), query: features!.subarray(part) },
  };
}

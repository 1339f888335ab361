import type { RunHost } from './gradient-host.ts';
import type { GradientResult } from './gradient-job.ts';
import type { ClusterMetrics } from './iteration-metrics.ts';
import { computeGradients } from './meta-batch.ts';
import type { BatchPayload } from './meta-batch.ts';

/**
 * Has the gradients of a meta-batch of `tasks` tasks computed and summed: the sum lies in the host's first vector. Gives
 * what is told of the tasks in their order.
 */
export type Spread = (host: RunHost, payload: BatchPayload, tasks: number) => Promise<SpreadBatch>;

/** What is told of a meta-batch; `cluster` where other machines took part. */
export interface SpreadBatch {
  readonly results: readonly GradientResult[];
  readonly cluster?: ClusterMetrics;
}

/** One machine alone. */
export const thisMachine: Spread = async (host, payload, tasks) => ({
  results: await computeGradients(host, payload, { first: 0, count: tasks }),
});

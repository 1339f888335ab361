import { orderedPoints } from '../../model/regression/adapt.ts';
import type { Point } from '../../model/regression/adapt.ts';
import { memberError } from '../errors/errors.ts';
import { fileOf } from './model-file.ts';
import { regressionTaskId } from './identity.ts';
import type { Asker, RegressionCheckpoint, TaskAdapter, Watcher } from '../ports.ts';
import type { RegressionRecord } from '../storage/record.ts';
import type { StoredTask } from '../storage/storage.ts';
import type { RegressionOrder, Workplace } from './orders.ts';
import { sinceEpoch } from './task-record.ts';
import type { TaskPlan, TaskRequest } from './tasks.ts';

export interface RegressionTaskRequest extends TaskRequest<RegressionCheckpoint> {
  /** in float32 */
  readonly points: readonly Point[];
}

/** Regression tasks: from points to a task, and predictions with it. */
export class RegressionTasks {
  readonly #adapter: TaskAdapter;
  readonly #workplace: Workplace;

  /** @param workplace where tasks are made and evaluated; predictions are the adapter's */
  constructor(adapter: TaskAdapter, workplace: Workplace) {
    this.#adapter = adapter;
    this.#workplace = workplace;
  }

  /** The task of a support set: its id and how to make it. */
  plan(request: RegressionTaskRequest): TaskPlan {
    const spent = { receive: performance.now() - request.startedAt };
    const { checkpoint, steps, requestId } = request;
    const points = orderedPoints(checkpoint.order, request.points);
    const id = regressionTaskId({ checkpoint, steps, toolchain: this.#adapter.toolchain }, points);
    const asked = { checkpoint, steps, requestId, requestedAt: sinceEpoch(request.startedAt) };
    const order: RegressionOrder = { id, kind: 'regression', ...asked, points, spent };
    const make = (watcher: Watcher) => this.#workplace.make(order, watcher);
    return { id, kind: 'regression', steps, requestId, make };
  }

  /**
   * y for every x, by the exported model.
   * @throws ServiceError `not-predictable`, or when the service is overloaded; the signal's reason
   */
  async predict(
    task: StoredTask<RegressionRecord>,
    x: readonly number[],
    asker: Asker,
  ): Promise<Float32Array> {
    const y = await this.#adapter.predictRegression({ ...fileOf(task), x: Float32Array.from(x) }, asker);
    return finite(y, (index) => ['x', index]);
  }

  /**
   * The same for points whose y are known, by x.
   * @throws as `predict` does, and `queue-unavailable`
   */
  async evaluate(
    task: StoredTask<RegressionRecord>,
    query: readonly Point[],
    asker: Asker,
  ): Promise<Float32Array> {
    const x = Float32Array.from(query, ([value]) => value);
    const y = await this.#workplace.evaluatePoints({ kind: 'points-evaluation', task, x }, asker);
    return finite(y, (index) => ['query', index, 0]);
  }
}

/** @param pointerOf where the body has the x of a prediction @throws ServiceError `not-predictable` */
function finite(y: Float32Array, pointerOf: (index: number) => readonly PropertyKey[]): Float32Array {
  const strange = y.findIndex((value) => !Number.isFinite(value));
  if (strange >= 0)
    throw memberError('not-predictable', pointerOf(strange), 'the model gives no finite value for it.');
  return y;
}

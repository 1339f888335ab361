import { foldsOf } from '../../model/accuracy/folds.ts';
import type { CheckpointInfo } from '../ports.ts';
import type { EstimateOrder, TaskOrder } from '../tasks/orders.ts';
import type { StoredTask } from '../storage/storage.ts';
import type { AskedWork } from '../workers/admission.ts';
import { workOfImages, workOfRegression } from '../workers/work.ts';

/** What orders are estimated to cost, in multiply-adds. */
export interface Works {
  readonly ofTask: (order: TaskOrder) => AskedWork;
  readonly ofEstimate: (order: EstimateOrder) => AskedWork;
  /** @param rows images or points that the task's model is run on */
  readonly ofEvaluation: (task: StoredTask, rows: number) => AskedWork;
}

/** @param lanes jobs that a worker process computes a support set's planes by at a time */
export function worksOf(checkpoints: readonly CheckpointInfo[], lanes: number): Works {
  const known = (id: string) => {
    const checkpoint = checkpoints.find((one) => one.id === id);
    if (checkpoint?.kind !== 'images') throw new TypeError(`${id} is no checkpoint of images`);
    return checkpoint;
  };
  return {
    ofTask: (order) =>
      order.kind === 'regression'
        ? workOfRegression(order.steps)
        : workOfImages(known(order.checkpoint.id), order, lanes),
    ofEstimate: ({ checkpoint, steps, images }) => {
      const info = known(checkpoint);
      const { cost, serial, bytes } = workOfImages(info, { support: images, steps }, lanes);
      const times = info.trunk ? 1 : Math.max(1, foldsOf(images).length);
      return { cost: times * cost, serial: times * serial, bytes };
    },
    ofEvaluation: ({ record }, rows) => {
      const cost = record.architecture.multiplyAdds * rows;
      return { cost, serial: cost, bytes: 0 };
    },
  };
}

import type { Task } from './tasks.ts';
import type { MetaTask } from '../../model/task/labelled-set.ts';
import { oneHotTargets } from '../../model/task/labelled-set.ts';

/** A sampled task in the form that the model reads: one-hot labels, sizes. */
export function metaTaskOf({ classes, support, query }: Task): MetaTask {
  const way = classes.length;
  const set = ({ images, labels }: Task['support']): MetaTask['support'] => ({
    images,
    targets: oneHotTargets(labels, way),
    count: labels.length,
  });
  return { size: { way, support: support.labels.length }, support: set(support), query: set(query) };
}

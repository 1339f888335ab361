import { estimateAccuracy } from '../../model/accuracy/estimate.ts';
import type { Estimated } from '../../model/accuracy/estimate.ts';
import { evaluationOf, mistakesOf } from '../../model/accuracy/judgements.ts';
import type { Asker, ImagesCheckpoint, LabelledBytes, TaskAdapter, Watcher } from '../ports.ts';
import { imagesRecordSchema, regressionRecordSchema } from '../storage/record.ts';
import { sha256 } from '../storage/sha256.ts';
import type { StoredTask } from '../storage/storage.ts';
import { keptEstimate } from './kept-estimate.ts';
import type { EstimateOrder, ImagesOrder, RegressionOrder, Workplace } from './orders.ts';
import { fileOf } from './model-file.ts';
import { checkWithin } from './task-budget.ts';
import { commonRecord } from './task-record.ts';

/** The workplace that is this process, with the workers of its adapter. */
export const workplaceHere = (adapter: TaskAdapter): Workplace => ({
  make: (order, watcher) =>
    order.kind === 'images' ? makeOfImages(adapter, order, watcher) : makeOfPoints(adapter, order, watcher),
  estimate: (order, asker) =>
    checkpointOf(adapter, order.checkpoint).trunk
      ? estimateAtOnce(adapter, order, asker)
      : estimateByFolds(adapter, order, asker),
  evaluateImages: ({ task, images }, asker) =>
    adapter.predictImages({ ...fileOf(task), imageSize: task.record.image.size, images }, asker),
  evaluatePoints: ({ task, x }, asker) => adapter.predictRegression({ ...fileOf(task), x }, asker),
});

function checkpointOf({ checkpoints }: TaskAdapter, id: string): ImagesCheckpoint {
  const known = checkpoints.find((checkpoint) => checkpoint.id === id);
  if (known?.kind !== 'images') throw new TypeError(`${id} is no checkpoint of images`);
  return known;
}

async function makeOfImages(adapter: TaskAdapter, order: ImagesOrder, watcher: Watcher): Promise<StoredTask> {
  const { checkpoint, steps, budget, allowed, support, shared } = order;
  const { imageSize, int8 } = checkpointOf(adapter, checkpoint.id);
  // before the adaptation, which empties the support set
  const shots = shotsOf(support);
  const whole = int8 && support.map(({ pixels }) => pixels.subarray(0, 3 * imageSize ** 2));
  const made = await adapter.adaptImages({ checkpoint: checkpoint.id, steps, allowed, support }, watcher);
  const { multiplyAdds } = made;
  const model = whole
    ? await adapter.tellRanges({ model: made.model, multiplyAdds, imageSize, images: whole }, watcher)
    : made.model;
  const adapted = { ...made, model };
  checkWithin(budget, { ...adapted, bytes: model.length });
  // parsed, so that nothing but a whole and finite description is ever kept
  const record = imagesRecordSchema.parse({
    ...commonRecord(order, adapted),
    kind: 'images',
    image: { size: imageSize },
    classes: adapted.labels.map((label) => ({ label, shots: shots.get(label)! })),
    budget,
    support: adapted.support,
    mirrored: adapted.mirrored,
    openSet: adapted.openSet,
    estimate: keptEstimate(adapted.labels, adapted.leftOut),
    sharedImages: shared,
  });
  return { record, model };
}

async function makeOfPoints(
  adapter: TaskAdapter,
  order: RegressionOrder,
  watcher: Watcher,
): Promise<StoredTask> {
  const { checkpoint, steps, points } = order;
  const adapted = await adapter.adaptRegression(
    { checkpoint: checkpoint.id, steps, support: points },
    watcher,
  );
  const { before, after } = adapted.support;
  // parsed, so that nothing but a whole and finite description is ever kept
  const record = regressionRecordSchema.parse({
    ...commonRecord(order, adapted),
    kind: 'regression',
    shots: points.length,
    support: { before: { meanSquaredError: before }, after: { meanSquaredError: after } },
  });
  return { record, model: adapted.model };
}

async function estimateByFolds(
  adapter: TaskAdapter,
  { checkpoint, steps, allowed, images }: EstimateOrder,
  asker: Asker,
): Promise<Estimated | undefined> {
  const { imageSize } = checkpointOf(adapter, checkpoint);
  return estimateAccuracy(images, async (fold) => {
    const { model, multiplyAdds } = await adapter.adaptImages(
      { checkpoint, steps, allowed, support: fold.support.map(pixelsOf) },
      { ...asker, report: () => undefined },
    );
    const left = fold.left.map((image) => image.pixels);
    const asked = { key: sha256(model), model, multiplyAdds, imageSize, images: left };
    return (await adapter.predictImages(asked, asker)).probabilities;
  });
}

/** On a trunk the head is solved in closed form, and so are the heads without an image: one adaptation tells all. */
async function estimateAtOnce(
  adapter: TaskAdapter,
  { checkpoint, steps, allowed, images }: EstimateOrder,
  asker: Asker,
): Promise<Estimated | undefined> {
  // in the order of the files, so that a judgement's place is that of its file; the model has an order of its own
  const { labels, leftOut = [] } = await adapter.adaptImages(
    { checkpoint, steps, allowed, support: images.map(pixelsOf) },
    { ...asker, report: () => undefined },
  );
  if (leftOut.length === 0) return undefined;
  return { folds: 1, evaluation: evaluationOf(labels, leftOut), mistakes: mistakesOf(labels, leftOut) };
}

/** How many images each label has. */
function shotsOf(support: readonly LabelledBytes[]): ReadonlyMap<string, number> {
  const shots = new Map<string, number>();
  for (const { label } of support) shots.set(label, (shots.get(label) ?? 0) + 1);
  return shots;
}

/** Without what the model has no use for. */
const pixelsOf = ({ label, pixels }: LabelledBytes): LabelledBytes => ({ label, pixels });

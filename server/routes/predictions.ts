import type { Request, Response, Router } from 'express';
import * as z from 'zod';
import type { Body, Schema } from '../../contract/schema.ts';
import { byLabel } from '../answers/describe-task.ts';
import { ServiceError } from '../errors/errors.ts';
import { labelLimits } from '../upload/labels.ts';
import type { PredictedImages } from '../ports.ts';
import { isForeign } from '../../model/adaptation/open-set.ts';
import { ranked } from '../../model/accuracy/ranking.ts';
import type { ImagesRecord, RegressionRecord } from '../storage/record.ts';
import { parseX } from '../upload/points.ts';
import type { UploadShape } from '../upload/files.ts';
import { requestedRecord } from '../tasks/requested.ts';
import type { RequestedRecord } from '../tasks/requested.ts';
import { sendJson } from '../http/json.ts';
import { noQuery, parseQuery, route } from '../http/route.ts';
import type { TaskServices } from './tasks.ts';

const shape: UploadShape = { files: 100, member: 'images', split: undefined };

const topExpected = `a whole number from 1 to ${labelLimits.classes.max} is expected`;
const thresholdExpected = 'a number from 0 to 1 is expected';
/** How sure it must be that an image belongs to one of the classes. */
export const threshold = z
  .string()
  .regex(/^(0|1|0?\.\d{1,10}|1\.0{1,10})$/, thresholdExpected)
  .transform(Number)
  .optional();
const predictionQuery = z.strictObject({
  top: z
    .string()
    .regex(/^[1-9]\d?$/, topExpected)
    .transform(Number)
    .pipe(z.number().max(labelLimits.classes.max, topExpected))
    .optional(),
  threshold,
});
type PredictionQuery = z.infer<typeof predictionQuery>;

/** `/v1/tasks/{id}/predictions`: answers in the order of the files, or of the x. */
export function predictionRoutes(router: Router, services: TaskServices): void {
  route(router, '/v1/tasks/:id/predictions', {
    post: async (request, response) => {
      // before the body: an unknown id costs nothing, and the task's kind says what the body must be
      const { record, readModel } = await requestedRecord(services.tasks, request);
      const body: Body<'createPredictions', 200> =
        record.kind === 'images'
          ? await predictImages(services, { record, readModel }, request, response)
          : await predictRegression(services, { record, readModel }, request);
      sendJson(request, response, body);
    },
  });
}

async function predictRegression(
  { regression, readJson }: TaskServices,
  { record, readModel }: RequestedRecord<RegressionRecord>,
  request: Request,
): Promise<Schema<'RegressionPredictions'>> {
  parseQuery(noQuery, request);
  return readJson(request, async (body, asker) => {
    const given = parseX(body);
    const y = await regression.predict({ record, model: await readModel() }, given, asker);
    return { predictions: given.map((x, index) => ({ x, y: y[index]! })) };
  });
}

async function predictImages(
  { images, readUpload }: TaskServices,
  { record, readModel }: RequestedRecord<ImagesRecord>,
  request: Request,
  response: Response,
): Promise<Schema<'ImagesPredictions'>> {
  const query = parseQuery(predictionQuery, request);
  checkOpenSet(record, query.threshold);
  const labels = record.classes.map(({ label }) => label);
  return readUpload(request, response, shape, async (files, asker) => {
    const predicted = await images.predict({ record, model: await readModel() }, files, asker);
    return {
      predictions: files.map(({ part: { file } }, index) => ({
        file,
        ...predictionOf(labels, predicted, index, query),
      })),
    };
  });
}

/** @throws ServiceError `no-open-set` when a threshold is asked for of a model that cannot tell */
export function checkOpenSet(record: ImagesRecord, asked: number | undefined): void {
  if (asked !== undefined && !record.openSet)
    throw new ServiceError('no-open-set', {
      detail: 'The model has no output named known; post the support set again for one that has.',
    });
}

/** Whether an image is taken for unknown. */
export const isUnknown = ({ known }: PredictedImages, index: number, asked: number | undefined): boolean =>
  asked !== undefined && known !== undefined && isForeign(known[index]!, asked);

function predictionOf(
  labels: readonly string[],
  predicted: PredictedImages,
  index: number,
  { top, threshold: asked }: PredictionQuery,
): Omit<Schema<'ImagePrediction'>, 'file'> {
  const probabilities = predicted.probabilities[index]!;
  const order = ranked(probabilities);
  const entryOf = (c: number) => ({ label: labels[c]!, probability: probabilities[c]! });
  const best = entryOf(order[0]!);
  const unknown = isUnknown(predicted, index, asked);
  return {
    label: unknown ? null : best.label,
    probability: best.probability,
    ...(predicted.known && { known: predicted.known[index]! }),
    ...(asked !== undefined && { unknown }),
    ...(top !== undefined && { top: order.slice(0, top).map(entryOf) }),
    probabilities: byLabel(labels.map((label, c) => [label, probabilities[c]!])),
  };
}

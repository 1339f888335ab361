import type { Request, Response, Router } from 'express';
import type { Body, Schema } from '../contract.ts';
import { byLabel } from '../describe.ts';
import { partError } from '../errors.ts';
import type { ImagesRecord, RegressionRecord } from '../record.ts';
import { parseX } from '../regression/points.ts';
import type { StoredTask } from '../storage/storage.ts';
import type { UploadedFile } from '../upload.ts';
import { idOf, noQuery, parseQuery, route } from './route.ts';
import type { TaskServices } from './tasks.ts';

const FIELD = 'images';
const MAX_FILES = 100;

/** `/v1/tasks/{id}/predictions`: answers in the order of the files, or of the x. */
export function predictionRoutes(router: Router, services: TaskServices): void {
  route(router, '/v1/tasks/:id/predictions', {
    post: async (request, response) => {
      parseQuery(noQuery, request);
      // before the body: an unknown id costs nothing, and the task's kind says what the body must be
      const { record, model } = await services.tasks.get(idOf(request));
      const body: Body<'createPredictions', 200> =
        record.kind === 'images'
          ? await predictImages(services, { record, model }, request, response)
          : await predictRegression(services, { record, model }, request);
      response.json(body);
    },
  });
}

async function predictRegression(
  { regression, readJson }: TaskServices,
  task: StoredTask<RegressionRecord>,
  request: Request,
): Promise<Schema<'RegressionPredictions'>> {
  return readJson(request, async (body, signal) => {
    const given = parseX(body);
    const y = await regression.predict(task, given, signal);
    return { predictions: given.map((x, index) => ({ x, y: y[index]! })) };
  });
}

async function predictImages(
  { images, readUpload }: TaskServices,
  task: StoredTask<ImagesRecord>,
  request: Request,
  response: Response,
): Promise<Schema<'ImagesPredictions'>> {
  const labels = task.record.classes.map(({ label }) => label);
  return readUpload(request, response, MAX_FILES, async (files, signal) => {
    const stranger = files.find(({ part }) => part.name !== FIELD);
    if (stranger) throw partError('unexpected-part', stranger.part, `the field name must be ${FIELD}.`);
    const probabilities = await images.predict(task, files, signal);
    return { predictions: files.map((file, index) => predictionOf(file, labels, probabilities[index]!)) };
  });
}

function predictionOf(
  file: UploadedFile,
  labels: readonly string[],
  probabilities: Float32Array,
): Schema<'ImagePrediction'> {
  const best = probabilities.indexOf(Math.max(...probabilities));
  return {
    file: file.part.file,
    label: labels[best]!,
    probability: probabilities[best]!,
    probabilities: byLabel(labels.map((label, index) => [label, probabilities[index]!])),
  };
}

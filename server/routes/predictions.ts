import type { Router } from 'express';
import type { Body, Schema } from '../contract.ts';
import { partError } from '../errors.ts';
import { byLabel } from '../record.ts';
import type { Tasks } from '../tasks.ts';
import type { UploadedFile, UploadReader } from '../upload.ts';
import { idOf, noQuery, parseQuery, route } from './route.ts';

const FIELD = 'images';
const MAX_FILES = 100;

/** `/v1/tasks/{id}/predictions`: answers in the order of the files. */
export function predictionRoutes(router: Router, tasks: Tasks, readUpload: UploadReader): void {
  route(router, '/v1/tasks/:id/predictions', {
    post: async (request, response) => {
      parseQuery(noQuery, request);
      // before the upload: an unknown id costs nothing
      const task = await tasks.get(idOf(request));
      const labels = task.record.classes.map(({ label }) => label);
      const body = await readUpload(
        request,
        response,
        MAX_FILES,
        async (files, signal): Promise<Body<'createPredictions', 200>> => {
          const stranger = files.find(({ part }) => part.name !== FIELD);
          if (stranger) throw partError('unexpected-part', stranger.part, `the field name must be ${FIELD}.`);
          const probabilities = await tasks.predict(task, files, signal);
          return {
            predictions: files.map((file, index) => predictionOf(file, labels, probabilities[index]!)),
          };
        },
      );
      response.json(body);
    },
  });
}

function predictionOf(
  file: UploadedFile,
  labels: readonly string[],
  probabilities: Float32Array,
): Schema<'Prediction'> {
  const best = probabilities.indexOf(Math.max(...probabilities));
  return {
    file: file.part.file,
    label: labels[best]!,
    probability: probabilities[best]!,
    probabilities: byLabel(labels.map((label, index) => [label, probabilities[index]!])),
  };
}

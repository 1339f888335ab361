import type { Router } from 'express';
import type { Body, Schema } from '../contract.ts';
import { partError } from '../errors.ts';
import { byLabel } from '../record.ts';
import type { Tasks } from '../tasks.ts';
import type { UploadedFile, UploadReader } from '../upload.ts';
import { idOf, noQuery, parseQuery, route } from './route.ts';

const FIELD = 'images';
const MAX_FILES = 100;

export function predictionRoutes(router: Router, tasks: Tasks, readUpload: UploadReader): void {
  route(router, '/v1/tasks/:id/predictions', {
    post: async (request, response) => {
      parseQuery(noQuery, request);
      // before the upload: an unknown id costs nothing
      const task = await tasks.get(idOf(request));
      const files = await readUpload(request, response, MAX_FILES);
      const stranger = files.find(({ part }) => part.name !== FIELD);
      if (stranger) throw partError('unexpected-part', stranger.part, `the field name must be ${FIELD}.`);
      const probabilities = await tasks.predict(task, files);
      const labels = task.record.classes.map(({ label }) => label);
      const body: Body<'createPredictions', 200> = {
        predictions: files.map((file, index) => predictionOf(file, labels, probabilities[index]!)),
      };
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

import type { Router } from 'express';
import { z } from 'zod';
import type { Body } from '../contract.ts';
import { ServiceError } from '../errors.ts';
import { LABEL_LIMITS, labelFiles } from '../labels.ts';
import type { CheckpointInfo } from '../ports.ts';
import { describeTask } from '../record.ts';
import type { Tasks } from '../tasks.ts';
import type { UploadReader } from '../upload.ts';
import { idOf, noQuery, parseQuery, route } from './route.ts';

export interface TaskRoutes {
  readonly tasks: Tasks;
  readonly checkpoints: readonly CheckpointInfo[];
  readonly readUpload: UploadReader;
}

const MAX_STEPS = 50;
const MAX_FILES = LABEL_LIMITS.classes.max * LABEL_LIMITS.images.max;

const createQuery = z.strictObject({
  checkpoint: z.string().min(1).max(100).optional(),
  steps: z
    .string()
    .regex(/^[1-9]\d?$/, `a whole number from 1 to ${MAX_STEPS} is expected`)
    .transform(Number)
    .pipe(z.number().max(MAX_STEPS))
    .optional(),
});

/** @throws ServiceError `unknown-checkpoint`, or `not-ready` when there is none at all */
function pickCheckpoint(checkpoints: readonly CheckpointInfo[], id: string | undefined): CheckpointInfo {
  const [first] = checkpoints;
  if (!first) throw new ServiceError('not-ready', { detail: 'The service has no checkpoint.' });
  const picked = id === undefined ? first : checkpoints.find((checkpoint) => checkpoint.id === id);
  if (picked) return picked;
  const known = checkpoints.map((checkpoint) => checkpoint.id).join(', ');
  throw new ServiceError('unknown-checkpoint', {
    detail: `No checkpoint has the id ${JSON.stringify(id)}; there are: ${known}.`,
  });
}

/** `/v1/tasks` and `/v1/tasks/{id}`: makes, describes and removes tasks. */
export function taskRoutes(router: Router, { tasks, checkpoints, readUpload }: TaskRoutes): void {
  route(router, '/v1/tasks', {
    post: async (request, response) => {
      const startedAt = performance.now();
      const query = parseQuery(createQuery, request);
      const checkpoint = pickCheckpoint(checkpoints, query.checkpoint);
      const steps = query.steps ?? checkpoint.steps;
      const { record, created } = await readUpload(request, response, MAX_FILES, (files, signal) =>
        tasks.create({ files: labelFiles(files), checkpoint, steps, startedAt }, signal),
      );
      const body: Body<'createTask', 200 | 201> = describeTask(record);
      response
        .status(created ? 201 : 200)
        .location(`/v1/tasks/${record.id}`)
        .json(body);
    },
  });
  route(router, '/v1/tasks/:id', {
    get: async (request, response) => {
      parseQuery(noQuery, request);
      const { record } = await tasks.get(idOf(request));
      const body: Body<'getTask', 200> = describeTask(record);
      response.json(body);
    },
    delete: async (request, response) => {
      parseQuery(noQuery, request);
      await tasks.remove(idOf(request));
      response.status(204).end();
    },
  });
}

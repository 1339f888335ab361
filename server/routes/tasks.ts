import type { Request, Response, Router } from 'express';
import { ownerOf } from '../access/access.ts';
import { z } from 'zod';
import { mediaTypeOf } from '../upload/body.ts';
import type { Uploader } from '../upload/body.ts';
import type { Body } from '../../contract/schema.ts';
import { describeTask } from '../answers/describe-task.ts';
import type { ImageTasks } from '../tasks/image-tasks.ts';
import { filesOfJson, hasImages } from '../upload/json-images.ts';
import type { JsonReader } from '../upload/json.ts';
import { LABEL_LIMITS, labelFiles } from '../upload/labels.ts';
import type { CheckpointInfo, ImagesCheckpoint, Kind } from '../ports.ts';
import { parsePrefer } from '../http/prefer.ts';
import { TaskProgress } from '../tasks/progress.ts';
import { parseSupport } from '../upload/points.ts';
import type { RegressionTasks } from '../tasks/regression-tasks.ts';
import { requestIdOf } from '../http/requests.ts';
import type { CreatedTask, TaskPlan, TaskRequest, Tasks } from '../tasks/tasks.ts';
import type { UploadedFile, UploadShape } from '../upload/files.ts';
import type { Split } from '../upload/folders.ts';
import { UPLOAD_TYPES } from '../upload/upload.ts';
import type { UploadReader } from '../upload/upload.ts';
import { pickCheckpoint } from './pick-checkpoint.ts';
import { sendAccepted } from './progress.ts';
import { requestedTask } from '../tasks/requested.ts';
import { idOf, noQuery, parseQuery, route } from '../http/route.ts';

/** What the routes of tasks and predictions work with. */
export interface TaskServices {
  readonly tasks: Tasks;
  readonly images: ImageTasks;
  readonly regression: RegressionTasks;
  readonly readUpload: UploadReader;
  readonly readJson: JsonReader;
  /** limit of one image */
  readonly fileBytes: number;
}

const MAX_STEPS = 50;

/** A set of labelled images. */
export const labelledSet = (member: string, split: Split): UploadShape => ({
  files: LABEL_LIMITS.classes.max * LABEL_LIMITS.images.max,
  member,
  split,
});
export const SUPPORT = labelledSet('support', 'train');

/** What a task starts from. */
export const createQuery = z.strictObject({
  checkpoint: z.string().min(1).max(100).optional(),
  steps: z
    .string()
    .regex(/^[1-9]\d?$/, `a whole number from 1 to ${MAX_STEPS} is expected`)
    .transform(Number)
    .pipe(z.number().max(MAX_STEPS))
    .optional(),
});

/** What the client of a POST gets: the task, or how it comes along when it did not want to wait. */
type Outcome = CreatedTask | TaskProgress;

/** Makes a task of images, or of points where the body is JSON that has these. */
async function createTask(
  request: Request,
  response: Response,
  { tasks, images, regression, readUpload, readJson, fileBytes }: TaskServices,
  checkpoints: readonly CheckpointInfo[],
): Promise<Outcome> {
  const startedAt = performance.now();
  const query = parseQuery(createQuery, request);
  const preferences = parsePrefer(request.get('Prefer'));
  const owner = ownerOf(request);
  const pick = <K extends Kind>(kind: K) => {
    const checkpoint = pickCheckpoint(checkpoints, kind, query.checkpoint);
    const requestId = requestIdOf(response);
    return { checkpoint, steps: query.steps ?? checkpoint.steps, startedAt, requestId };
  };
  const make = (plan: TaskPlan, uploader: Uploader): Promise<Outcome> => {
    uploader.leave(); // the plan has all that it needs of the body
    return preferences.respondAsync
      ? tasks.begin(plan, preferences.wait, uploader, owner)
      : tasks.create(plan, uploader, owner);
  };
  const fromFiles = async (
    picked: TaskRequest<ImagesCheckpoint>,
    files: readonly UploadedFile[],
    uploader: Uploader,
  ) => make(await images.plan({ ...picked, files: labelFiles(files) }, uploader), uploader);
  if (mediaTypeOf(request, UPLOAD_TYPES) === 'application/json')
    return readJson(request, (body, uploader) =>
      hasImages(body)
        ? fromFiles(pick('images'), filesOfJson(body, SUPPORT, fileBytes), uploader)
        : make(regression.plan({ ...pick('regression'), points: parseSupport(body) }), uploader),
    );
  const picked = pick('images');
  return readUpload(request, response, SUPPORT, (files, uploader) => fromFiles(picked, files, uploader));
}

/** `/v1/tasks` and `/v1/tasks/{id}`: makes, describes and removes tasks. */
export function taskRoutes(
  router: Router,
  services: TaskServices,
  checkpoints: readonly CheckpointInfo[],
): void {
  const { tasks } = services;
  route(router, '/v1/tasks', {
    post: async (request, response) => {
      const outcome = await createTask(request, response, services, checkpoints);
      if (outcome instanceof TaskProgress) {
        sendAccepted(response, outcome);
        return;
      }
      const { record, created } = outcome;
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
      const { record } = await requestedTask(tasks, request);
      const body: Body<'getTask', 200> = describeTask(record);
      response.json(body);
    },
    delete: async (request, response) => {
      parseQuery(noQuery, request);
      await tasks.remove(idOf(request), ownerOf(request));
      response.status(204).end();
    },
  });
}

import type { Request, Response, Router } from 'express';
import { ownerOf } from '../access/access.ts';
import * as z from 'zod';
import type { Budget } from '../../model/adaptation/budget.ts';
import { mediaTypeOf } from '../upload/body.ts';
import type { Uploader } from '../upload/body.ts';
import type { Body, Schema } from '../../contract/schema.ts';
import { describeImagesTask, describeTask } from '../answers/describe-task.ts';
import { ServiceError } from '../errors/errors.ts';
import type { ImagesRecord, TaskRecord } from '../storage/record.ts';
import { estimateOf } from '../tasks/kept-estimate.ts';
import type { ImageTasks } from '../tasks/image-tasks.ts';
import { filesOfJson, hasImages } from '../upload/json-images.ts';
import type { JsonReader } from '../upload/json.ts';
import { labelLimits, labelFiles } from '../upload/labels.ts';
import type { CheckpointInfo, ImagesCheckpoint, Kind } from '../ports.ts';
import { parsePrefer } from '../http/prefer.ts';
import { TaskProgress } from '../tasks/progress.ts';
import { parseSupport } from '../upload/points.ts';
import type { RegressionTasks } from '../tasks/regression-tasks.ts';
import { refuseBudget } from '../tasks/task-budget.ts';
import { requestIdOf } from '../http/requests.ts';
import type { TaskPlan, TaskRequest, Tasks } from '../tasks/tasks.ts';
import type { UploadedFile, UploadShape } from '../upload/files.ts';
import type { Split } from '../upload/folders.ts';
import { uploadTypes } from '../upload/upload.ts';
import type { UploadReader } from '../upload/upload.ts';
import { pickCheckpoint } from './pick-checkpoint.ts';
import { sendAccepted } from './progress.ts';
import { requestedTask } from '../tasks/requested.ts';
import { sendJson } from '../http/json.ts';
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

const maxSteps = 50;

/** A set of labelled images. */
export const labelledSet = (member: string, split: Split): UploadShape => ({
  files: labelLimits.classes.max * labelLimits.images.max,
  member,
  split,
});
export const support = labelledSet('support', 'train');

/** A limit of a budget; a larger number than JavaScript's whole ones bounds nothing. */
const limit = z
  .string()
  .regex(/^[1-9]\d{0,14}$/, 'a whole number from 1 to 999999999999999 is expected')
  .transform(Number)
  .optional();

/** What a task starts from, and may cost. */
export const createQuery = z.strictObject({
  maxWeights: limit,
  maxMultiplyAdds: limit,
  maxBytes: limit,
  checkpoint: z.string().min(1).max(100).optional(),
  steps: z
    .string()
    .regex(/^(0|[1-9]\d?)$/, `a whole number from 0 to ${maxSteps} is expected`)
    .transform(Number)
    .pipe(z.number().max(maxSteps))
    .optional(),
});

/** The budget of a query; undefined where it has no limit. */
export function budgetOf({
  maxWeights,
  maxMultiplyAdds,
  maxBytes,
}: z.infer<typeof createQuery>): Budget | undefined {
  const budget = {
    ...(maxWeights !== undefined && { maxWeights }),
    ...(maxMultiplyAdds !== undefined && { maxMultiplyAdds }),
    ...(maxBytes !== undefined && { maxBytes }),
  };
  return Object.keys(budget).length > 0 ? budget : undefined;
}

/** What of an estimate the answer has: what costs nothing, what is asked for at any cost, nothing. */
const taskQuery = createQuery.extend({ estimate: z.enum(['auto', 'always', 'none']).default('auto') });

/** What the client of a POST gets: the task, or how it comes along when it did not want to wait. */
type Answer = { readonly created: boolean; readonly body: Schema<'Task'> } | TaskProgress;

/** Makes a task of images, or of points where the body is JSON that has these. */
async function createTask(
  request: Request,
  response: Response,
  { tasks, images, regression, readUpload, readJson, fileBytes }: TaskServices,
  checkpoints: readonly CheckpointInfo[],
): Promise<Answer> {
  const startedAt = performance.now();
  const query = parseQuery(taskQuery, request);
  const budget = budgetOf(query);
  const estimated = query.estimate === 'always';
  const preferences = parsePrefer(request.get('Prefer'));
  const owner = ownerOf(request);
  const pick = <K extends Kind>(kind: K) => {
    const checkpoint = pickCheckpoint(checkpoints, kind, query.checkpoint);
    const requestId = requestIdOf(response);
    return { checkpoint, steps: query.steps ?? checkpoint.steps, budget, startedAt, requestId };
  };
  const make = async (
    plan: TaskPlan,
    uploader: Uploader,
    describe: (record: TaskRecord) => Schema<'Task'> | Promise<Schema<'Task'>>,
  ): Promise<Answer> => {
    uploader.leave(); // the plan has all that it needs of the body
    const outcome = await (preferences.respondAsync && !estimated
      ? tasks.begin(plan, preferences.wait, uploader, owner)
      : tasks.create(plan, uploader, owner));
    if (outcome instanceof TaskProgress) return outcome;
    return { created: outcome.created, body: await describe(outcome.record) };
  };
  const fromFiles = async (
    picked: TaskRequest<ImagesCheckpoint>,
    files: readonly UploadedFile[],
    uploader: Uploader,
  ): Promise<Answer> => {
    const plan = await images.plan({ ...picked, files: labelFiles(files), estimated }, uploader);
    return make(plan, uploader, async (made) => {
      const record = made as ImagesRecord;
      const kept = query.estimate === 'none' ? undefined : estimateOf(record);
      return describeImagesTask(record, kept ?? (await plan.estimate?.(uploader)));
    });
  };
  const fromPoints = async (body: unknown, uploader: Uploader): Promise<Answer> => {
    if (estimated) throw new ServiceError('invalid-query', { detail: noEstimate });
    refuseBudget(budget);
    const plan = regression.plan({ ...pick('regression'), points: parseSupport(body) });
    return make(plan, uploader, describeTask);
  };
  if (mediaTypeOf(request, uploadTypes) === 'application/json')
    return readJson(request, (body, uploader) =>
      hasImages(body)
        ? fromFiles(pick('images'), filesOfJson(body, support, fileBytes), uploader)
        : fromPoints(body, uploader),
    );
  const picked = pick('images');
  return readUpload(request, response, support, (files, uploader) => fromFiles(picked, files, uploader));
}

const noEstimate = 'estimate: it is there for tasks of images only.';

/** `/v1/tasks` and `/v1/tasks/{id}`: makes, describes and removes tasks. */
export function taskRoutes(
  router: Router,
  services: TaskServices,
  checkpoints: readonly CheckpointInfo[],
): void {
  const { tasks } = services;
  route(router, '/v1/tasks', {
    post: async (request, response) => {
      const answer = await createTask(request, response, services, checkpoints);
      if (answer instanceof TaskProgress) {
        sendAccepted(request, response, answer);
        return;
      }
      const body: Body<'createTask', 200 | 201> = answer.body;
      response.status(answer.created ? 201 : 200).location(`/v1/tasks/${body.id}`);
      sendJson(request, response, body);
    },
  });
  route(router, '/v1/tasks/:id', {
    get: async (request, response) => {
      parseQuery(noQuery, request);
      const { record } = await requestedTask(tasks, request);
      const body: Body<'getTask', 200> = describeTask(record);
      sendJson(request, response, body);
    },
    delete: async (request, response) => {
      parseQuery(noQuery, request);
      await tasks.remove(idOf(request), ownerOf(request));
      response.status(204).end();
    },
  });
}

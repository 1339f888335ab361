import type { Request, Response, Router } from 'express';
import type { Body } from '../../contract/schema.ts';
import { describeTask } from '../answers/describe-task.ts';
import { ServiceError } from '../errors/errors.ts';
import { imagesBatch } from '../ports.ts';
import type { TaskAdapter } from '../ports.ts';
import type { TaskRecord } from '../storage/record.ts';
import { pointLimits } from '../upload/points.ts';
import { noQuery, parseQuery, route } from '../http/route.ts';
import { requestedRecord } from '../tasks/requested.ts';
import type { Tasks } from '../tasks/tasks.ts';
import { version } from '../version.ts';
import { jsonLength } from './body.ts';
import type { InferenceReader } from './body.ts';
import { answerOf, metadataOf, modelVersion, parseInference } from './protocol.ts';
import type { InferenceAnswer, InferenceModel } from './protocol.ts';

const maxImages = 100;

export interface InferenceServices {
  readonly tasks: Tasks;
  readonly adapter: Pick<TaskAdapter, 'infer'>;
  readonly read: InferenceReader;
  /** why the service is not ready, if it is not */
  readonly obstacle: () => string | undefined;
}

function modelOf(record: TaskRecord): InferenceModel {
  const { input, outputs } = describeTask(record).model;
  if (record.kind === 'regression') return { input, outputs, labels: {}, maxRows: pointLimits.query };
  const probabilities = record.classes.map(({ label }) => label);
  return { input, outputs, labels: { probabilities }, maxRows: maxImages };
}

/** Of the most rows of the input as binary data. */
const binaryBytesOf = ({ input, maxRows }: InferenceModel): number =>
  input.shape.reduce<number>(
    (bytes, size) => bytes * (typeof size === 'number' ? size : maxRows),
    Float32Array.BYTES_PER_ELEMENT,
  );

/** A model by its name alone, and by its name and version. */
const modelPaths = ['/v2/models/:id', '/v2/models/:id/versions/:version'];

/** The Open Inference Protocol (KServe's v2) over HTTP: every task is a model, named by its id. */
export function inferenceRoutes(router: Router, services: InferenceServices): void {
  healthRoutes(router, services);
  for (const path of modelPaths) modelRoutes(router, path, services);
  router.use(['/v2/systemsharedmemory', '/v2/cudasharedmemory'], () => {
    throw new ServiceError('not-found', {
      detail: 'Shared memory is not offered: data are JSON, or binary after it.',
    });
  });
}

/** @throws ServiceError `invalid-query`, `not-found` for another version, those of `requestedRecord` */
async function modelAskedFor(tasks: Tasks, request: Request) {
  parseQuery(noQuery, request);
  const { version = modelVersion } = request.params;
  if (version !== modelVersion)
    throw new ServiceError('not-found', { detail: `Models have the version ${modelVersion} only.` });
  return requestedRecord(tasks, request);
}

function modelRoutes(router: Router, path: string, { tasks, adapter, read }: InferenceServices): void {
  route(router, path, {
    get: async (request, response) => {
      const { record } = await modelAskedFor(tasks, request);
      const body: Body<'getInferenceModel', 200> = metadataOf(record.id, modelOf(record));
      response.json(body);
    },
  });
  route(router, `${path}/ready`, {
    get: async (request, response) => {
      const { record } = await modelAskedFor(tasks, request);
      const body: Body<'getInferenceModelReady', 200> = { name: record.id, ready: true };
      response.set('Cache-Control', 'no-store').json(body);
    },
  });
  route(router, `${path}/infer`, {
    post: async (request, response) => {
      const { record, readModel } = await modelAskedFor(tasks, request);
      const described = modelOf(record);
      const answer = await read(request, binaryBytesOf(described), async (body, asker) => {
        const inference = parseInference(body, described);
        const batch = record.kind === 'images' ? imagesBatch : pointLimits.query;
        const { multiplyAdds } = record.architecture;
        const file = { key: record.model.sha256, model: await readModel(), multiplyAdds };
        const results = await adapter.infer({ ...file, input: inference.input, batch }, asker);
        return answerOf(record.id, inference, results, described.labels);
      });
      sendAnswer(response, answer);
    },
  });
}

/** JSON, or JSON and the binary data after it. */
function sendAnswer(response: Response, { json, binary }: InferenceAnswer): void {
  const body: Body<'inferModel', 200> = json;
  if (binary.length === 0) {
    response.json(body);
    return;
  }
  const text = Buffer.from(JSON.stringify(body));
  response.set({ 'Content-Type': 'application/octet-stream', [jsonLength]: String(text.length) });
  response.send(Buffer.concat([text, ...binary]));
}

function healthRoutes(router: Router, { obstacle }: Pick<InferenceServices, 'obstacle'>): void {
  route(router, '/v2', {
    get: (request, response) => {
      parseQuery(noQuery, request);
      const body: Body<'getInferenceServer', 200> = {
        name: 'm-nas',
        version,
        extensions: ['binary_tensor_data', 'classification'],
      };
      response.json(body);
    },
  });
  route(router, '/v2/health/live', {
    get: (_request, response) => {
      const body: Body<'getInferenceLive', 200> = { live: true };
      response.set('Cache-Control', 'no-store').json(body);
    },
  });
  route(router, '/v2/health/ready', {
    get: (_request, response) => {
      const detail = obstacle();
      if (detail !== undefined) throw new ServiceError('not-ready', { detail });
      const body: Body<'getInferenceReady', 200> = { ready: true };
      response.set('Cache-Control', 'no-store').json(body);
    },
  });
}

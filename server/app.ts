import express from 'express';
import type { Express } from 'express';
import type { Logger } from 'pino';
import { guard } from './access/access.ts';
import type { AccessOptions } from './access/access.ts';
import { refuseForeign } from './access/origin.ts';
import type { Background } from './concurrency/background.ts';
import { createBodyGate } from './upload/body.ts';
import type { Documentation } from './documentation/build.ts';
import { ServiceError } from './errors/errors.ts';
import { ImageTasks } from './tasks/image-tasks.ts';
import { createUploadDecoder } from './upload/decode-upload.ts';
import type { DecodingLimits } from './upload/decode-upload.ts';
import { createInferenceReader } from './inference/body.ts';
import { inferenceRoutes } from './inference/routes.ts';
import { createJsonReader } from './upload/json.ts';
import type { Metrics } from './metrics.ts';
import type { Page } from './page/build.ts';
import type { CheckpointReader, ImageDecoder, Readiness, TaskAdapter } from './ports.ts';
import { RegressionTasks } from './tasks/regression-tasks.ts';
import { problemHandler, requestLog } from './http/requests.ts';
import { leaveWhileDraining } from './http/server.ts';
import { architectureRoutes } from './routes/architecture.ts';
import { bundleRoutes } from './routes/bundle.ts';
import { checkpointRoutes } from './routes/checkpoints.ts';
import { embeddingRoutes } from './routes/embedding.ts';
import { documentationRoutes } from './routes/documentation.ts';
import { estimateRoutes } from './routes/estimates.ts';
import { evaluationRoutes } from './routes/evaluations.ts';
import { modelRoutes } from './routes/model.ts';
import { obstacleOf, operationRoutes } from './routes/operation.ts';
import { pageRoutes } from './routes/page.ts';
import { predictionRoutes } from './routes/predictions.ts';
import { progressRoutes } from './routes/progress.ts';
import { taskRoutes } from './routes/tasks.ts';
import type { TaskServices } from './routes/tasks.ts';
import type { TaskStorage } from './storage/storage.ts';
import type { TaskRecord } from './storage/record.ts';
import type { Elsewhere } from './tasks/elsewhere.ts';
import { workplaceHere } from './tasks/fulfil.ts';
import type { Workplace } from './tasks/orders.ts';
import { Tasks } from './tasks/tasks.ts';
import { noted } from './tracing/traces.ts';
import type { Traces } from './tracing/traces.ts';
import { createUploadReader } from './upload/upload.ts';

/** Of a JSON body with images: its text stands in memory several times, and is parsed at one go. */
const jsonBytes = 32 * 1024 * 1024;
/** What of it may stand outside of strings, or be escapes in them: many times what the largest set of points needs. */
const mostStructureBytes = 1024 * 1024;
/** Of a tensor as JSON, which the thread that answers requests parses: some images of 84 × 84 pixels. */
const inferenceJsonBytes = 4 * 1024 * 1024;

export interface AppLimits {
  readonly bodyBytes: number;
  readonly fileBytes: number;
  /** until a body must have arrived */
  readonly uploadSeconds: number;
  /** until a request with a body must be answered */
  readonly requestSeconds: number;
  /** bodies in memory at a time */
  readonly uploads: number;
  /** requests that may wait for that */
  readonly waitingUploads: number;
  readonly decoding: DecodingLimits;
}

export interface AppDependencies {
  readonly adapter: TaskAdapter;
  /** where tasks are made; this process with the adapter's workers when absent */
  readonly workplace?: Workplace & Elsewhere;
  readonly storage: TaskStorage;
  readonly decodeImage: ImageDecoder;
  readonly readCheckpoint: CheckpointReader;
  readonly readTrunk: CheckpointReader;
  /** what is shown at `/` */
  readonly page: Page;
  /** what is shown at `/docs` */
  readonly documentation: Documentation;
  /** what goes on after its request was answered */
  readonly background: Background;
  /** read at every request to `/readyz` */
  readonly readiness: Readonly<Readiness>;
  readonly limits: AppLimits;
  readonly access: AccessOptions;
  readonly metrics: Metrics;
  readonly traces: Traces;
  readonly logger: Logger;
}

/** The whole HTTP interface of openapi.yaml; it listens to nothing. */
export function createApp(dependencies: AppDependencies): Express {
  const { adapter, storage, decodeImage, background, readiness, limits, access, metrics, traces, logger } =
    dependencies;
  const { bodyBytes, fileBytes, uploadSeconds: seconds } = limits;
  const { keys } = access;
  const owners = keys && (() => keys.current.map(({ name }) => name));
  const { workplace = workplaceHere(adapter) } = dependencies;
  const onMade = (record: TaskRecord) => metrics.observeTask(record);
  const tasks = new Tasks(storage, background, onMade, owners, dependencies.workplace);
  const gate = createBodyGate({
    parallel: limits.uploads,
    waiting: limits.waitingUploads,
    seconds: limits.requestSeconds,
    waitFor: (client) => adapter.waitFor(client),
    traces,
  });
  const jsonReader = (most: number, structureBytes: number) =>
    createJsonReader({ bodyBytes: Math.min(bodyBytes, most), structureBytes, seconds }, gate);
  const readJson = jsonReader(jsonBytes, mostStructureBytes);
  const services: TaskServices = {
    tasks,
    images: new ImageTasks(
      adapter,
      noted(traces, 'decode images', createUploadDecoder(decodeImage, limits.decoding)),
      workplace,
    ),
    regression: new RegressionTasks(adapter, workplace),
    readUpload: createUploadReader({ bodyBytes, fileBytes, seconds }, gate, readJson),
    readJson,
    fileBytes,
  };
  const app = express();
  app.enable('case sensitive routing'); // as the guards read paths: what they take for a stranger's path no route may answer
  app.disable('x-powered-by');
  app.use(traces.middleware);
  app.use(requestLog(logger));
  app.use(metrics.middleware);
  app.use(leaveWhileDraining(readiness));
  guard(app, access);
  app.use(refuseForeign(access.origins));
  const { page, documentation } = dependencies;
  pageRoutes(app, { ...page, assets: new Map([...page.assets, ...documentation.assets]) });
  documentationRoutes(app, documentation);
  const operation = { adapter, readiness, storage, metrics };
  operationRoutes(app, operation);
  checkpointRoutes(app, adapter.checkpoints, dependencies.readCheckpoint, dependencies.readTrunk);
  taskRoutes(app, services, adapter.checkpoints);
  progressRoutes(app, tasks);
  modelRoutes(app, tasks, adapter);
  embeddingRoutes(app, tasks);
  architectureRoutes(app, tasks, adapter);
  bundleRoutes(app, tasks);
  predictionRoutes(app, services);
  evaluationRoutes(app, services);
  estimateRoutes(app, services, adapter.checkpoints);
  inferenceRoutes(app, {
    tasks,
    adapter,
    read: createInferenceReader({ bodyBytes, jsonBytes: inferenceJsonBytes, seconds }, gate),
    obstacle: () => obstacleOf(operation),
  });
  app.use((request) => {
    throw new ServiceError('not-found', { detail: `There is nothing at ${request.path}.` });
  });
  app.use(problemHandler(logger));
  return app;
}

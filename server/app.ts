import express, { type Express } from 'express';
import type { Logger } from 'pino';
import { ServiceError } from './errors.ts';
import { createUploadDecoder } from './images.ts';
import type { ImageDecoder, Readiness, TaskAdapter } from './ports.ts';
import { problemHandler, requestLog } from './requests.ts';
import { modelRoutes } from './routes/model.ts';
import { operationRoutes } from './routes/operation.ts';
import { predictionRoutes } from './routes/predictions.ts';
import { taskRoutes } from './routes/tasks.ts';
import type { TaskStorage } from './storage.ts';
import { Tasks } from './tasks.ts';
import { createUploadReader } from './upload.ts';

export interface AppLimits {
  readonly bodyBytes: number;
  readonly fileBytes: number;
  /** until a body must have arrived */
  readonly uploadSeconds: number;
  /** uploads in memory at a time */
  readonly uploads: number;
  /** images decoded at a time */
  readonly decoders: number;
}

export interface AppDependencies {
  readonly adapter: TaskAdapter;
  readonly storage: TaskStorage;
  readonly decodeImage: ImageDecoder;
  /** read at every request to `/readyz` */
  readonly readiness: Readonly<Readiness>;
  readonly limits: AppLimits;
  readonly logger: Logger;
}

/** The whole HTTP interface of openapi.yaml; it listens to nothing. */
export function createApp(dependencies: AppDependencies): Express {
  const { adapter, storage, decodeImage, readiness, limits, logger } = dependencies;
  const tasks = new Tasks(adapter, storage, createUploadDecoder(decodeImage, limits.decoders));
  const readUpload = createUploadReader(
    { bodyBytes: limits.bodyBytes, fileBytes: limits.fileBytes, seconds: limits.uploadSeconds },
    limits.uploads,
  );
  const app = express();
  app.disable('x-powered-by');
  app.use(requestLog(logger));
  operationRoutes(app, adapter.checkpoints, readiness);
  taskRoutes(app, { tasks, checkpoints: adapter.checkpoints, readUpload });
  modelRoutes(app, tasks);
  predictionRoutes(app, tasks, readUpload);
  app.use((request) => {
    throw new ServiceError('not-found', { detail: `There is nothing at ${request.path}.` });
  });
  app.use(problemHandler(logger));
  return app;
}

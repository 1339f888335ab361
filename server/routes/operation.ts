import type { Router } from 'express';
import type { Body, Schema } from '../contract.ts';
import { ServiceError } from '../errors.ts';
import type { CheckpointInfo, Readiness } from '../ports.ts';
import { noQuery, parseQuery, route } from './route.ts';

/** What is served, liveness and readiness. */
export function operationRoutes(
  router: Router,
  checkpoints: readonly CheckpointInfo[],
  readiness: Readonly<Readiness>,
): void {
  route(router, '/v1/checkpoints', {
    get: (request, response) => {
      parseQuery(noQuery, request);
      const body: Body<'listCheckpoints', 200> = {
        checkpoints: checkpoints.map(describeCheckpoint),
      };
      response.json(body);
    },
  });
  route(router, '/healthz', {
    get: (_request, response) => {
      const body: Body<'getHealth', 200> = { status: 'ok' };
      response.set('Cache-Control', 'no-store').json(body);
    },
  });
  route(router, '/readyz', {
    get: (_request, response) => {
      const obstacle = obstacleOf(checkpoints, readiness);
      if (obstacle !== undefined) throw new ServiceError('not-ready', { detail: obstacle });
      const body: Body<'getReadiness', 200> = { status: 'ready', checkpoints: checkpoints.length };
      response.set('Cache-Control', 'no-store').json(body);
    },
  });
}

function describeCheckpoint(checkpoint: CheckpointInfo): Schema<'Checkpoint'> {
  const { id, sha256, bytes, steps } = checkpoint;
  const common = { id, default: checkpoint.default, sha256, bytes, steps };
  return checkpoint.kind === 'images'
    ? { kind: checkpoint.kind, ...common, image: { size: checkpoint.imageSize } }
    : { kind: checkpoint.kind, ...common };
}

function obstacleOf(
  checkpoints: readonly CheckpointInfo[],
  readiness: Readonly<Readiness>,
): string | undefined {
  if (readiness.draining) return 'The service is shutting down.';
  if (checkpoints.length === 0) return 'The service has no checkpoint.';
  if (!readiness.workersAnswered) return 'The workers have not answered yet.';
  return undefined;
}

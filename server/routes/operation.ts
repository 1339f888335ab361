import type { Router } from 'express';
import type { Body, Schema } from '../../contract/schema.ts';
import { ServiceError } from '../errors/errors.ts';
import type { Metrics } from '../metrics.ts';
import type { CheckpointInfo, Readiness, ServedTrunk } from '../ports.ts';
import type { TaskStorage } from '../storage/storage.ts';
import { sendJson } from '../http/json.ts';
import { noQuery, parseQuery, route } from '../http/route.ts';

export interface Operation {
  readonly checkpoints: readonly CheckpointInfo[];
  readonly readiness: Readonly<Readiness>;
  readonly storage: Pick<TaskStorage, 'state'>;
  readonly metrics: Metrics;
}

/** What is served, liveness, readiness and metrics. */
export function operationRoutes(router: Router, operation: Operation): void {
  const { checkpoints, metrics } = operation;
  route(router, '/v1/checkpoints', {
    get: (request, response) => {
      parseQuery(noQuery, request);
      const body: Body<'listCheckpoints', 200> = {
        checkpoints: checkpoints.map(describeCheckpoint),
      };
      sendJson(request, response, body);
    },
  });
  route(router, '/healthz', {
    get: (_request, response) => {
      const body: Body<'getHealth', 200> = { status: 'ok' };
      response.set('Cache-Control', 'no-store').json(body);
    },
  });
  route(router, '/readyz', {
    get: async (_request, response) => {
      const obstacle = obstacleOf(operation);
      if (obstacle !== undefined) throw new ServiceError('not-ready', { detail: obstacle });
      const { readable, writable } = await operation.storage.state();
      const body: Body<'getReadiness', 200> = {
        status: 'ready',
        checkpoints: checkpoints.length,
        storage: { readable, writable },
      };
      response.set('Cache-Control', 'no-store').json(body);
    },
  });
  route(router, '/metrics', {
    get: async (_request, response) => {
      const text = await metrics.registry.metrics();
      response.set({ 'Content-Type': metrics.registry.contentType, 'Cache-Control': 'no-store' }).send(text);
    },
  });
}

function describeCheckpoint(checkpoint: CheckpointInfo): Schema<'Checkpoint'> {
  const { id, sha256, bytes, steps } = checkpoint;
  const common = { id, default: checkpoint.default, sha256, bytes, steps };
  return checkpoint.kind === 'images'
    ? {
        kind: checkpoint.kind,
        ...common,
        image: { size: checkpoint.imageSize },
        ...(checkpoint.trunk && { trunk: describeTrunk(checkpoint.trunk) }),
      }
    : { kind: checkpoint.kind, ...common };
}

const describeTrunk = ({ name, licence, side, sha256, bytes }: ServedTrunk): Schema<'Trunk'> => ({
  name,
  licence,
  side,
  url: `/v1/trunks/${sha256}`,
  bytes,
  sha256,
});

/**
 * Why the service should get no traffic at present; undefined when it should. Storage is none of it: replicas share it, so
 * that all would be without traffic at once, and tasks in memory are predicted with while it fails.
 */
export function obstacleOf({
  checkpoints,
  readiness,
}: Pick<Operation, 'checkpoints' | 'readiness'>): string | undefined {
  if (readiness.draining) return 'The service is shutting down.';
  if (checkpoints.length === 0) return 'The service has no checkpoint.';
  if (!readiness.workersReady) return 'The workers are not ready.';
  return undefined;
}

import type { Router } from 'express';
import * as z from 'zod';
import type { Body, Schema } from '../../contract/schema.ts';
import { labelBytes } from '../../model/adaptation/child-cost.ts';
import type { GenotypeCost } from '../../model/adaptation/child-cost.ts';
import { genotypeKey } from '../../model/search-space/genotype.ts';
import { ServiceError } from '../errors/errors.ts';
import { labelLimits } from '../upload/labels.ts';
import type { Metrics } from '../metrics.ts';
import type { CheckpointInfo, Readiness, ServedTrunk, TaskAdapter } from '../ports.ts';
import type { TaskStorage } from '../storage/storage.ts';
import { sendJson } from '../http/json.ts';
import { parseQuery, route } from '../http/route.ts';

export interface Operation {
  readonly adapter: Pick<TaskAdapter, 'checkpoints' | 'genotypeCosts'>;
  readonly readiness: Readonly<Readiness>;
  readonly storage: Pick<TaskStorage, 'state'>;
  readonly metrics: Metrics;
}

/** Number of classes that costs of architectures are told for when nothing is asked. */
const usualWays = 5;

const waysExpected = `a whole number from ${labelLimits.classes.min} to ${labelLimits.classes.max} is expected`;
const checkpointsQuery = z.strictObject({
  ways: z
    .string()
    .regex(/^[1-9]\d?$/, waysExpected)
    .transform(Number)
    .pipe(z.number().min(labelLimits.classes.min, waysExpected).max(labelLimits.classes.max, waysExpected))
    .default(usualWays),
});

/** What is served, liveness, readiness and metrics. */
export function operationRoutes(router: Router, operation: Operation): void {
  const { adapter, metrics } = operation;
  const { checkpoints } = adapter;
  route(router, '/v1/checkpoints', {
    get: async (request, response) => {
      const { ways } = parseQuery(checkpointsQuery, request);
      const described = checkpoints.map((checkpoint) => describeCheckpoint(checkpoint, ways, adapter));
      const body: Body<'listCheckpoints', 200> = { checkpoints: await Promise.all(described) };
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

async function describeCheckpoint(
  checkpoint: CheckpointInfo,
  ways: number,
  adapter: Pick<TaskAdapter, 'genotypeCosts'>,
): Promise<Schema<'Checkpoint'>> {
  const { id, sha256, bytes, steps } = checkpoint;
  const common = { id, default: checkpoint.default, sha256, bytes, steps };
  if (checkpoint.kind === 'regression') return { kind: checkpoint.kind, ...common };
  const costs = await adapter.genotypeCosts(id, ways);
  return {
    kind: checkpoint.kind,
    ...common,
    image: { size: checkpoint.imageSize },
    ...(checkpoint.trunk && { trunk: describeTrunk(checkpoint.trunk) }),
    ...(costs.length > 0 && {
      architectures: { ways, choices: costs.map((cost) => describeChoice(cost, ways)) },
    }),
  };
}

function describeChoice(
  { genotype, plain, mirrored }: GenotypeCost,
  ways: number,
): Schema<'ArchitectureChoice'> {
  const unnamed = labelBytes(Array.from({ length: ways }, () => ''));
  return {
    key: genotypeKey(genotype),
    weights: plain.weights,
    multiplyAdds: plain.multiplyAdds,
    bytes: plain.bytes + unnamed,
    ...(mirrored && {
      mirrored: { multiplyAdds: mirrored.multiplyAdds, bytes: mirrored.bytes + unnamed },
    }),
  };
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
  adapter,
  readiness,
}: Pick<Operation, 'adapter' | 'readiness'>): string | undefined {
  if (readiness.draining) return 'The service is shutting down.';
  if (adapter.checkpoints.length === 0) return 'The service has no checkpoint.';
  if (!readiness.workersReady) return 'The workers are not ready.';
  return undefined;
}

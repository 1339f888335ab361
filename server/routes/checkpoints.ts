import type { Router } from 'express';
import { immutable, revalidate, sendContent } from '../http/content.ts';
import { ServiceError } from '../errors/errors.ts';
import type { CheckpointInfo, CheckpointReader } from '../ports.ts';
import { remembered } from '../concurrency/remembered.ts';
import { servedTrunks } from '../workers/load-trunk.ts';
import { idOf, noQuery, parseQuery, route } from '../http/route.ts';

/**
 * `/v1/checkpoints/{id}/file` and `/v1/trunks/{sha256}`: the files, with which tasks are made elsewhere. What was asked for stays in memory, once
 * for all who read it, however slowly; each worker has as much.
 */
export function checkpointRoutes(
  router: Router,
  checkpoints: readonly CheckpointInfo[],
  read: CheckpointReader,
  readTrunk: CheckpointReader,
): void {
  const contents = new Map<string, Promise<Uint8Array>>();
  route(router, '/v1/checkpoints/:id/file', {
    get: async (request, response) => {
      parseQuery(noQuery, request);
      const id = idOf(request);
      const checkpoint = checkpoints.find((known) => known.id === id);
      if (!checkpoint)
        throw new ServiceError('not-found', { detail: `No checkpoint has the id ${JSON.stringify(id)}.` });
      sendContent(request, response, {
        bytes: await remembered(contents, id, () => read(id)),
        sha256: checkpoint.sha256,
        type: 'application/octet-stream',
        cacheControl: revalidate,
        file: `${id}.safetensors`,
      });
    },
  });
  route(router, '/v1/trunks/:id', {
    get: async (request, response) => {
      parseQuery(noQuery, request);
      const id = idOf(request);
      const trunk = servedTrunks(checkpoints).find(({ sha256 }) => sha256 === id);
      if (!trunk)
        throw new ServiceError('not-found', { detail: `No trunk has the hash ${JSON.stringify(id)}.` });
      sendContent(request, response, {
        bytes: await remembered(contents, id, () => readTrunk(id)),
        sha256: id,
        type: 'application/octet-stream',
        cacheControl: immutable,
        file: `${trunk.name}.onnx`,
      });
    },
  });
}

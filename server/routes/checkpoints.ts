import type { Router } from 'express';
import { REVALIDATE, sendContent } from '../content.ts';
import { ServiceError } from '../errors.ts';
import type { CheckpointInfo, CheckpointReader } from '../ports.ts';
import { idOf, noQuery, parseQuery, route } from './route.ts';

/** `/v1/checkpoints/{id}/file`: the file, with which tasks are made elsewhere. */
export function checkpointRoutes(
  router: Router,
  checkpoints: readonly CheckpointInfo[],
  read: CheckpointReader,
): void {
  route(router, '/v1/checkpoints/:id/file', {
    get: async (request, response) => {
      parseQuery(noQuery, request);
      const id = idOf(request);
      if (!checkpoints.some((checkpoint) => checkpoint.id === id))
        throw new ServiceError('not-found', { detail: `No checkpoint has the id ${JSON.stringify(id)}.` });
      sendContent(request, response, {
        bytes: await read(id),
        type: 'application/octet-stream',
        cacheControl: REVALIDATE,
        file: `${id}.safetensors`,
      });
    },
  });
}

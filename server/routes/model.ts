import type { Router } from 'express';
import * as z from 'zod';
import { callerOf } from '../access/access.ts';
import { ServiceError } from '../errors/errors.ts';
import { immutable, revalidate, sendContent } from '../http/content.ts';
import { storedWeights } from '../ports.ts';
import type { TaskAdapter } from '../ports.ts';
import type { Tasks } from '../tasks/tasks.ts';
import { requestedTask } from '../tasks/requested.ts';
import { parseQuery, route } from '../http/route.ts';

/** How weights are stored: as the file was made, or otherwise. */
const modelQuery = z.strictObject({ weights: z.enum(storedWeights).optional() });

/** `/v1/tasks/{id}/model`: the task's ONNX file. */
export function modelRoutes(router: Router, tasks: Tasks, adapter: Pick<TaskAdapter, 'storedModel'>): void {
  route(router, '/v1/tasks/:id/model', {
    get: async (request, response) => {
      const { weights } = parseQuery(modelQuery, request);
      const { record, model } = await requestedTask(tasks, request);
      const { id, model: kept } = record;
      const type = 'application/octet-stream';
      if (weights === undefined) {
        const { sha256 } = kept;
        const file = `m-nas-${id}.onnx`;
        sendContent(request, response, { bytes: model, sha256, type, cacheControl: immutable, file });
        return;
      }
      const stored = await adapter.storedModel({ key: kept.sha256, model }, weights, callerOf(request));
      if (!stored) throw new ServiceError('no-integer-weights');
      const { model: bytes, sha256 } = stored;
      const file = `m-nas-${id}-${weights}.onnx`;
      sendContent(request, response, { bytes, sha256, type, cacheControl: revalidate, file });
    },
  });
}

import type { Router } from 'express';
import { z } from 'zod';
import { callerOf } from '../access/access.ts';
import { immutable, revalidate, sendContent } from '../http/content.ts';
import type { TaskAdapter } from '../ports.ts';
import type { Tasks } from '../tasks/tasks.ts';
import { requestedTask } from '../tasks/requested.ts';
import { parseQuery, route } from '../http/route.ts';

/** How weights are stored: as the file was made, or as float32 for runtimes that have no float16. */
const modelQuery = z.strictObject({ weights: z.literal('float32').optional() });

/** `/v1/tasks/{id}/model`: the task's ONNX file. */
export function modelRoutes(router: Router, tasks: Tasks, adapter: Pick<TaskAdapter, 'float32Model'>): void {
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
      const wide = await adapter.float32Model({ key: kept.sha256, model }, callerOf(request));
      const { model: bytes, sha256 } = wide;
      const file = `m-nas-${id}-float32.onnx`;
      sendContent(request, response, { bytes, sha256, type, cacheControl: revalidate, file });
    },
  });
}

import type { Router } from 'express';
import { IMMUTABLE, sendContent } from '../http/content.ts';
import type { Tasks } from '../tasks/tasks.ts';
import { requestedTask } from '../tasks/requested.ts';
import { noQuery, parseQuery, route } from '../http/route.ts';

/** `/v1/tasks/{id}/model`: the task's ONNX file. */
export function modelRoutes(router: Router, tasks: Tasks): void {
  route(router, '/v1/tasks/:id/model', {
    get: async (request, response) => {
      parseQuery(noQuery, request);
      const { record, model } = await requestedTask(tasks, request);
      sendContent(request, response, {
        bytes: model,
        sha256: record.model.sha256,
        type: 'application/octet-stream',
        cacheControl: IMMUTABLE,
        file: `m-nas-${record.id}.onnx`,
      });
    },
  });
}

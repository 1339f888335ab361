import type { Router } from 'express';
import { bundleOf } from '../answers/bundle/bundle.ts';
import { revalidate, sendContent } from '../http/content.ts';
import type { Tasks } from '../tasks/tasks.ts';
import { requestedTask } from '../tasks/requested.ts';
import { noQuery, parseQuery, route } from '../http/route.ts';

/** `/v1/tasks/{id}/bundle`: the task as a model repository for Triton or KServe. */
export function bundleRoutes(router: Router, tasks: Tasks): void {
  route(router, '/v1/tasks/:id/bundle', {
    get: async (request, response) => {
      parseQuery(noQuery, request);
      const task = await requestedTask(tasks, request);
      sendContent(request, response, {
        bytes: bundleOf(task),
        type: 'application/zip',
        cacheControl: revalidate,
        file: `m-nas-${task.record.id}.zip`,
      });
    },
  });
}

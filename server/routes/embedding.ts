import type { Router } from 'express';
import { immutable, jsonContent, sendContent } from '../http/content.ts';
import type { Body } from '../../contract/schema.ts';
import type { Tasks } from '../tasks/tasks.ts';
import { requestedTask } from '../tasks/requested.ts';
import { noQuery, parseQuery, route } from '../http/route.ts';

/** `/v1/tasks/{id}/embedding`: z of the task. */
export function embeddingRoutes(router: Router, tasks: Tasks): void {
  route(router, '/v1/tasks/:id/embedding', {
    get: async (request, response) => {
      parseQuery(noQuery, request);
      const { record } = await requestedTask(tasks, request);
      const body: Body<'getEmbedding', 200> = {
        id: record.id,
        checkpoint: record.checkpoint.id,
        embedding: record.embedding,
      };
      sendContent(request, response, jsonContent(body, immutable));
    },
  });
}

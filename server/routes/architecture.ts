import type { Router } from 'express';
import * as z from 'zod';
import { callerOf } from '../access/access.ts';
import { themes } from '../../drawing/draw-cells.ts';
import { describeArchitecture, pictureOf } from '../answers/describe-architecture.ts';
import { whileConnected } from '../http/client.ts';
import { jsonContent, revalidate, sendContent } from '../http/content.ts';
import type { TaskAdapter } from '../ports.ts';
import type { Tasks } from '../tasks/tasks.ts';
import { requestedTask } from '../tasks/requested.ts';
import { noQuery, parseQuery, route } from '../http/route.ts';

const pictureQuery = z.strictObject({ theme: z.enum(themes).default('auto') });

/** The picture has its colours in a style of its own, and nothing else to load or run. */
const picturePolicy = "default-src 'none'; style-src 'unsafe-inline'";

/** `/v1/tasks/{id}/architecture.svg` and `.json`: the cells as a picture and as graphs. */
export function architectureRoutes(
  router: Router,
  tasks: Tasks,
  adapter: Pick<TaskAdapter, 'drawCells'>,
): void {
  route(router, '/v1/tasks/:id/architecture.svg', {
    get: async (request, response) => {
      const { theme } = parseQuery(pictureQuery, request);
      const { record } = await requestedTask(tasks, request);
      const svg = await whileConnected(request, (signal) =>
        adapter.drawCells(pictureOf(record, theme), { client: callerOf(request), signal }),
      );
      response.set('Content-Security-Policy', picturePolicy);
      sendContent(request, response, {
        bytes: Buffer.from(svg),
        type: 'image/svg+xml; charset=utf-8',
        cacheControl: revalidate,
      });
    },
  });
  route(router, '/v1/tasks/:id/architecture.json', {
    get: async (request, response) => {
      parseQuery(noQuery, request);
      const { record } = await requestedTask(tasks, request);
      sendContent(request, response, jsonContent(describeArchitecture(record), revalidate));
    },
  });
}

import type { Router } from 'express';
import type { Tasks } from '../tasks.ts';
import { idOf, noQuery, parseQuery, route } from './route.ts';

/** Private, since a model is made from somebody's photos; immutable (RFC 8246), since an id names its bytes. */
const CACHE_CONTROL = 'private, max-age=31536000, immutable';

/** `/v1/tasks/{id}/model`: the task's ONNX file. */
export function modelRoutes(router: Router, tasks: Tasks): void {
  route(router, '/v1/tasks/:id/model', {
    get: async (request, response) => {
      parseQuery(noQuery, request);
      const { record, model } = await tasks.get(idOf(request));
      response.set({
        'Content-Type': 'application/octet-stream',
        'Content-Disposition': `attachment; filename="m-nas-${record.id}.onnx"`,
        ETag: `"${record.model.sha256}"`,
        'Cache-Control': CACHE_CONTROL,
      });
      // express answers If-None-Match by the ETag that is set
      response.send(Buffer.from(model.buffer, model.byteOffset, model.byteLength));
    },
  });
}

import type { Router } from 'express';
import type { Body } from '../../contract/schema.ts';
import { labelFiles } from '../upload/labels.ts';
import type { CheckpointInfo } from '../ports.ts';
import { pickCheckpoint } from './pick-checkpoint.ts';
import { sendJson } from '../http/json.ts';
import { parseQuery, route } from '../http/route.ts';
import { budgetOf, createQuery, support } from './tasks.ts';
import type { TaskServices } from './tasks.ts';

/** `/v1/estimates`: the accuracy of a support set's task, by leaving out images of it. Nothing is kept. */
export function estimateRoutes(
  router: Router,
  { images, readUpload }: TaskServices,
  checkpoints: readonly CheckpointInfo[],
): void {
  route(router, '/v1/estimates', {
    post: async (request, response) => {
      const query = parseQuery(createQuery, request);
      const checkpoint = pickCheckpoint(checkpoints, 'images', query.checkpoint);
      const steps = query.steps ?? checkpoint.steps;
      const body: Body<'createEstimate', 200> = await readUpload(request, response, support, (files, asker) =>
        images.estimate({ checkpoint, steps, budget: budgetOf(query), files: labelFiles(files) }, asker),
      );
      sendJson(request, response, body);
    },
  });
}

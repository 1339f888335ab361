import type { Request, Response, Router } from 'express';
import * as z from 'zod';
import type { Body, Schema } from '../../contract/schema.ts';
import { evaluationOf, regressionEvaluationOf } from '../../model/accuracy/judgements.ts';
import { truthsOf } from '../upload/labels.ts';
import { bestOf } from '../../model/accuracy/ranking.ts';
import type { ImagesRecord, RegressionRecord } from '../storage/record.ts';
import { parseQuerySet } from '../upload/points.ts';
import { checkOpenSet, isUnknown, threshold } from './predictions.ts';
import { requestedRecord } from '../tasks/requested.ts';
import type { RequestedRecord } from '../tasks/requested.ts';
import { sendJson } from '../http/json.ts';
import { noQuery, parseQuery, route } from '../http/route.ts';
import { labelledSet } from './tasks.ts';
import type { TaskServices } from './tasks.ts';

const query = labelledSet('query', 'test');
const evaluationQuery = z.strictObject({ threshold });

/** `/v1/tasks/{id}/evaluations`: how well the task's model does on a labelled query set, which is not kept. */
export function evaluationRoutes(router: Router, services: TaskServices): void {
  route(router, '/v1/tasks/:id/evaluations', {
    post: async (request, response) => {
      const { record, readModel } = await requestedRecord(services.tasks, request);
      const body: Body<'createEvaluation', 200> =
        record.kind === 'images'
          ? await evaluateImages(services, { record, readModel }, request, response)
          : await evaluateRegression(services, { record, readModel }, request);
      sendJson(request, response, body);
    },
  });
}

async function evaluateImages(
  { images, readUpload }: TaskServices,
  { record, readModel }: RequestedRecord<ImagesRecord>,
  request: Request,
  response: Response,
): Promise<Schema<'ImagesEvaluation'>> {
  const { threshold: asked } = parseQuery(evaluationQuery, request);
  checkOpenSet(record, asked);
  const labels = record.classes.map(({ label }) => label);
  return readUpload(request, response, query, async (files, asker) => {
    const truths = truthsOf(files, labels);
    const predicted = await images.evaluate({ record, model: await readModel() }, files, asker);
    const judgements = truths.map((truth, i) => ({
      truth,
      given: isUnknown(predicted, i, asked) ? undefined : bestOf(predicted.probabilities[i]!),
    }));
    return evaluationOf(labels, judgements);
  });
}

async function evaluateRegression(
  { regression, readJson }: TaskServices,
  { record, readModel }: RequestedRecord<RegressionRecord>,
  request: Request,
): Promise<Schema<'RegressionEvaluation'>> {
  parseQuery(noQuery, request);
  return readJson(request, async (body, asker) => {
    const points = parseQuerySet(body);
    const predicted = await regression.evaluate({ record, model: await readModel() }, points, asker);
    return regressionEvaluationOf(
      points.map(([, y]) => y),
      predicted,
    );
  });
}

import type { Request, Response, Router } from 'express';
import type { Body } from '../contract.ts';
import { dataOf, describeProgress } from '../describe-progress.ts';
import { firstEventFor, openEventStream } from '../events.ts';
import { isLast, type TaskProgress } from '../progress.ts';
import type { Tasks } from '../tasks.ts';
import { idOf, noQuery, parseQuery, route } from './route.ts';

const EVENTS = 'text/event-stream';

/** Seconds after which another look at an unfinished task makes sense. */
const LOOK_AGAIN = { 'Retry-After': '1' };

const pathOf = ({ outline }: TaskProgress) => `/v1/tasks/${outline.id}/progress`;

/** `/v1/tasks/{id}/progress`: how the making of a task comes along, as JSON or as events. */
export function progressRoutes(router: Router, tasks: Tasks): void {
  route(router, '/v1/tasks/:id/progress', {
    get: async (request, response) => {
      parseQuery(noQuery, request);
      const progress = await tasks.progress(idOf(request));
      response.vary('Accept').set('Cache-Control', 'no-store');
      const asksForEvents = request.method === 'GET' && request.accepts(['json', EVENTS]) === EVENTS;
      if (asksForEvents) {
        sendEvents(request, response, progress);
        return;
      }
      const body: Body<'getProgress', 200> = describeProgress(progress, pathOf(progress));
      if (!progress.ended) response.set(LOOK_AGAIN);
      response.json(body);
    },
  });
}

function sendEvents(request: Request, response: Response, progress: TaskProgress): void {
  const first = firstEventFor(request);
  if (progress.ended && first >= progress.events.length) {
    response.status(204).end();
    return;
  }
  let unfollow = () => {};
  const stream = openEventStream(request, response, () => unfollow());
  unfollow = progress.follow(first, (event, id) => {
    stream.send({ id, event: event.kind, data: dataOf(event, progress.outline, pathOf(progress)) });
    if (isLast(event)) stream.end();
  });
}

/** The answer to a request whose task is being made. */
export function sendAccepted(response: Response, progress: TaskProgress): void {
  const body: Body<'createTask', 202> = describeProgress(progress, pathOf(progress));
  response.status(202).location(pathOf(progress));
  response.set({ 'Preference-Applied': 'respond-async', ...LOOK_AGAIN }).json(body);
}

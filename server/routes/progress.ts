import type { Request, Response, Router } from 'express';
import { ownerOf } from '../access/access.ts';
import type { Body } from '../../contract/schema.ts';
import { dataOf, describeProgress } from '../answers/describe-progress.ts';
import { openEventStream } from '../http/events.ts';
import { isLast } from '../tasks/progress.ts';
import type { TaskProgress } from '../tasks/progress.ts';
import type { Tasks } from '../tasks/tasks.ts';
import { sendJson } from '../http/json.ts';
import { idOf, noQuery, parseQuery, route } from '../http/route.ts';

/** The id of the last event, which is the same for every progress: whoever has it has all. */
const end = 'end';

/** The position of the event after one with this id, which is its own position; 0 for none. */
const eventAfter = (id = ''): number => (/^\d{1,9}$/.test(id) ? Number(id) + 1 : 0);

const events = 'text/event-stream';

/** Seconds after which another look at an unfinished task makes sense. */
const lookAgain = { 'Retry-After': '1' };

const pathOf = ({ outline }: TaskProgress) => `/v1/tasks/${outline.id}/progress`;

/** `/v1/tasks/{id}/progress`: how the making of a task comes along, as JSON or as events. */
export function progressRoutes(router: Router, tasks: Tasks): void {
  route(router, '/v1/tasks/:id/progress', {
    get: async (request, response) => {
      parseQuery(noQuery, request);
      const progress = await tasks.progress(idOf(request), ownerOf(request));
      response.vary('Accept').set('Cache-Control', 'no-store');
      const asksForEvents = request.method === 'GET' && request.accepts(['json', events]) === events;
      if (asksForEvents) {
        sendEvents(request, response, progress);
        return;
      }
      const body: Body<'getProgress', 200> = describeProgress(progress, pathOf(progress));
      if (!progress.ended) response.set(lookAgain);
      sendJson(request, response, body);
    },
  });
}

function sendEvents(request: Request, response: Response, progress: TaskProgress): void {
  const lastId = request.get('Last-Event-ID');
  if (lastId === end) {
    response.status(204).end();
    return;
  }
  // of a making that is not remembered there is the end alone, whatever came before it
  const latest = progress.ended ? progress.events.length - 1 : Infinity;
  let unfollow = () => {};
  const stream = openEventStream(request, response, () => unfollow());
  unfollow = progress.follow(Math.min(eventAfter(lastId), latest), (event, position) => {
    const id = isLast(event) ? end : String(position);
    stream.send({ id, event: event.kind, data: dataOf(event, progress.outline, pathOf(progress)) });
    if (isLast(event)) stream.end();
  });
}

/** The answer to a request whose task is being made. */
export function sendAccepted(request: Request, response: Response, progress: TaskProgress): void {
  const body: Body<'createTask', 202> = describeProgress(progress, pathOf(progress));
  response.status(202).location(pathOf(progress));
  response.set({ 'Preference-Applied': 'respond-async', ...lookAgain });
  sendJson(request, response, body);
}

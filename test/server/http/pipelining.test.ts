import { connect } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import request from 'supertest';
import { afterEach, expect, test, vi } from 'vitest';
import { holdAdaptation } from '../support/adapter.ts';
import { harness, listen } from '../support/harness.ts';
import { support, taskOf } from '../support/tasks.ts';

afterEach(() => vi.useRealTimers());

/** The head of a request for a stream of events. */
const watch = (path: string) => `GET ${path} HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n`;

test('requests that wait behind another on a connection that breaks are over: no timer, no count, a line of the log', async () => {
  const running = await harness();
  const { app, adapter, log, post } = running;
  const { port } = await listen(app);
  const made = `/v1/tasks/${taskOf(await post('/v1/tasks', support)).id}/progress`;
  const { started, release } = holdAdaptation(adapter);
  const begun = await post('/v1/tasks', support.slice(0, 2)).set('Prefer', 'respond-async');
  await started;
  const held = begun.headers['location']!;
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  const socket = connect(port, '127.0.0.1');
  // the first is never answered to its end; the streams behind it have no socket, and the last has an end
  const pipelined = [held, ...Array.from({ length: 12 }, () => held), made];
  socket.write(pipelined.map(watch).join(''));
  while (vi.getTimerCount() < pipelined.length - 1) await setTimeout(5);
  await setTimeout(50);
  expect(vi.getTimerCount()).toBe(pipelined.length - 1);
  vi.advanceTimersByTime(60_000); // a comment in each open stream, none in the ended one
  socket.destroy();
  while (vi.getTimerCount() > 0) await setTimeout(5);
  const { text } = await request(app).get('/metrics');
  expect(text).toContain('mnas_http_requests_in_flight 1');
  const lines = log.filter(({ method, path }) => method === 'GET' && [held, made].includes(String(path)));
  expect(lines.map(({ disconnected }) => disconnected)).toEqual(pipelined.map(() => true));
  release();
});

import { once } from 'node:events';
import { connect } from 'node:net';
import express from 'express';
import { expect, onTestFinished, test, vi } from 'vitest';
import { sendContent } from '../../../server/http/content.ts';
import { UnreadAnswers } from '../../../server/http/unread.ts';
import { listen } from '../support/harness.ts';

const mebibyte = 1024 ** 2;
/** So many bytes of a memory of their own. */
const bytes = (mebibytes: number) => new Uint8Array(mebibytes * mebibyte);

/** The code of the refusal of an answer of so many bytes, where it is refused. */
function refusal(unread: UnreadAnswers, client: string, mebibytes: number): string | undefined {
  try {
    unread.add(client, bytes(mebibytes));
  } catch (error) {
    return (error as { code: string }).code;
  }
  return undefined;
}

test('answers that are not read are bounded, of one client and of all', () => {
  const unread = new UnreadAnswers();
  const ends = [unread.add('a', bytes(60)), unread.add('a', bytes(60))];
  expect(refusal(unread, 'a', 10)).toBe('too-much-at-once');
  expect(refusal(unread, 'b', 50)).toBeUndefined();
  expect(refusal(unread, 'c', 50)).toBe('overloaded');
  expect(refusal(unread, 'a', 0.01)).toBeUndefined(); // small ones always go
  ends[0]!();
  expect(refusal(unread, 'a', 10)).toBeUndefined();
});

test('clients that read nothing leave room for others, each for half of what it found', () => {
  const unread = new UnreadAnswers();
  const held = ['a', 'b', 'c', 'd'].map((client) => {
    let answers = 0;
    while (refusal(unread, client, 10) === undefined) answers++;
    return answers;
  });
  expect(held).toEqual([12, 6, 3, 2]);
  expect(refusal(unread, 'e', 10)).toBeUndefined();
});

test('the same bytes count once, however many read them', () => {
  const unread = new UnreadAnswers();
  const shared = bytes(100);
  const ends = Array.from({ length: 50 }, (_, i) => unread.add(`client ${i % 5}`, shared));
  expect(() => unread.add('client 0', bytes(100))).toThrow(/not read yet/);
  ends.slice(1).forEach((end) => end());
  expect(() => unread.add('client 0', bytes(100))).toThrow(/not read yet/); // one of them holds it still
  ends[0]!();
  expect(() => unread.add('client 0', bytes(100))).not.toThrow();
});

/** An app whose every answer has bytes of its own. */
function downloads(mebibytes: number) {
  const app = express();
  app.get('/', (req, response) => {
    const content = { bytes: bytes(mebibytes), sha256: 'ab', type: 'text/plain', cacheControl: 'no-store' };
    sendContent(req, response, content);
  });
  app.use(((error: { code: string }, _request, response, next) => {
    if (response.headersSent) next(error);
    else response.status(429).json({ code: error.code });
  }) as express.ErrorRequestHandler);
  return app;
}

test('a client that does not read its downloads is refused more, until it has gone', async () => {
  const app = downloads(30);
  const { port } = await listen(app);
  const sockets = await Promise.all(
    Array.from({ length: 4 }, async () => {
      const socket = connect(port, '127.0.0.1');
      onTestFinished(() => void socket.destroy());
      socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
      await once(socket, 'readable');
      return socket;
    }),
  );
  const url = `http://127.0.0.1:${port}`;
  const refused = await fetch(url);
  expect([refused.status, await refused.json()]).toEqual([429, { code: 'too-much-at-once' }]);
  expect((await fetch(url, { method: 'HEAD' })).status).toBe(200); // nothing is sent
  sockets.forEach((socket) => socket.destroy());
  const read = async () => {
    const answer = await fetch(url);
    await answer.arrayBuffer();
    return answer.status;
  };
  await vi.waitFor(async () => expect(await read()).toBe(200), { timeout: 20_000, interval: 200 });
  for (let i = 0; i < 6; i++) expect(await read()).toBe(200); // what is read is over
});

test('a client that reads nothing for a minute is cut off', async () => {
  const app = express();
  let timeout: number | undefined;
  let cut: Promise<unknown> | undefined;
  app.get('/', (req, response) => {
    cut = once(response, 'close');
    const given = response.setTimeout.bind(response);
    response.setTimeout = (ms, callback) => {
      timeout = ms;
      return given(300, callback);
    };
    sendContent(req, response, { bytes: bytes(30), sha256: 'ab', type: 'x', cacheControl: 'no-store' });
  });
  const { port } = await listen(app);
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await once(socket, 'readable');
  await cut;
  let received = 0;
  socket.on('data', (chunk: Buffer) => (received += chunk.length));
  await once(socket, 'close');
  expect(timeout).toBe(60_000);
  expect(received).toBeLessThan(30 * mebibyte);
});

import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { Agent, get } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import express from 'express';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createHttpServer, leaveWhileDraining } from '../../../server/http/server.ts';

async function listening(app: RequestListener, connections = 100): Promise<number> {
  const server = createHttpServer(app, { requestSeconds: 10, keepAliveSeconds: 7, connections });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** Sends a text, ends that side of the connection, and reads to the end. */
async function halfClosed(port: number, text: string): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.end(text);
  let answer = '';
  for await (const chunk of socket) answer += (chunk as Buffer).toString();
  return answer;
}

describe('the HTTP server', () => {
  test('keeps a connection for as long as it is told', async () => {
    const port = await listening((_request, response) => response.end('x'));
    const agent = new Agent({ keepAlive: true });
    onTestFinished(() => agent.destroy());
    const [answer] = (await once(get({ port, agent }), 'response')) as [IncomingMessage];
    expect(answer.headers['keep-alive']).toBe('timeout=7');
    answer.resume();
  });

  test('answers a client that has ended its side, also when the answer takes a while', async () => {
    const port = await listening(
      (_request, response) => void setTimeout(200).then(() => response.end('late')),
    );
    const answer = await halfClosed(port, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
    expect(answer).toContain('late');
  });

  test('finds out soon that a client has hung up, of HTTP/1.0 at once', async () => {
    let [open, closed] = [0, 0];
    const port = await listening(({ socket }) => {
      open++;
      socket.once('close', () => closed++);
    });
    for (const [at, version] of ['1.0', '1.1'].entries()) {
      const socket = connect(port, '127.0.0.1');
      socket.write(`GET / HTTP/${version}\r\nHost: x\r\n\r\n`);
      await vi.waitFor(() => expect(open).toBe(at + 1));
      socket.destroy();
    }
    await vi.waitFor(() => expect(closed).toBe(2), { timeout: 1000 });
  });

  test('closes connections above their number at once, and takes others when some have gone', async () => {
    const port = await listening((_request, response) => response.end('x'), 2);
    const [first, second] = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')];
    onTestFinished(() => void second.destroy());
    await Promise.all([once(first, 'connect'), once(second, 'connect')]);
    const request = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';
    const answered = () => halfClosed(port, request).catch(() => '');
    expect(await answered()).toBe('');
    first.destroy();
    await vi.waitFor(async () => expect(await answered()).toContain('200 OK'));
  });

  test('ends connections with their answers while the service drains', async () => {
    const state = { draining: false };
    const app = express().use(leaveWhileDraining(state));
    app.get('/', (_request, response) => response.send('x'));
    const port = await listening(app);
    const connection = async () => (await fetch(`http://127.0.0.1:${port}/`)).headers.get('connection');
    expect(await connection()).toBe('keep-alive');
    state.draining = true;
    expect(await connection()).toBe('close');
  });
});

import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { harness, listen } from './harness.ts';
import type { Harness, HarnessOptions } from './harness.ts';
import { multipartType } from './multipart.ts';

/** Sends bytes as they are; resolves with everything that came back once the server closes or falls silent. */
export async function raw(
  options: HarnessOptions,
  chunks: readonly (Buffer | string)[],
  waitMs: number,
): Promise<[string, Harness]> {
  const running = await harness(options);
  const { port } = await listen(running.app);
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.on('data', (data) => (text += data.toString()));
  socket.on('error', () => undefined); // the server may cut a refused body
  for (const chunk of chunks) socket.write(chunk);
  await Promise.race([once(socket, 'close'), setTimeout(waitMs), answered(() => text)]);
  socket.destroy();
  return [text, running];
}

async function answered(text: () => string): Promise<void> {
  while (!text().includes('}')) await setTimeout(5);
}

/** The head of a POST, with one more header. */
export const head = (extra: string, path = '/v1/tasks', type = multipartType) =>
  `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: ${type}\r\n${extra}\r\n\r\n`;

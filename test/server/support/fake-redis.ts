import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

export interface FakeRedis {
  readonly url: string;
  /** the least recently used first, as Redis sees it */
  readonly values: Map<string, string>;
  /** `full` refuses what takes memory, `silent` answers nothing; to be changed while the server runs */
  readonly mood: { full: boolean; silent: boolean };
  readonly close: () => void;
}

/** As much of Redis as the service uses, with the use of keys as its LRU counts it: EXISTS is none. */
export async function startFakeRedis(): Promise<FakeRedis> {
  const values = new Map<string, string>();
  const mood = { full: false, silent: false };
  const sockets = new Set<Socket>();
  const use = (key: string): string | undefined => {
    const value = values.get(key);
    if (value !== undefined && values.delete(key)) values.set(key, value);
    return value;
  };
  const bulk = (text: string | undefined) => (text === undefined ? '$-1' : `$${text.length}\r\n${text}`);
  const answer = (name: string, [key = '', value = '']: readonly string[]): string => {
    if (name === 'INFO') return bulk('redis_version:7.4.0\r\nloading:0');
    if (name === 'GET') return bulk(use(key));
    if (name === 'TOUCH') return `:${use(key) === undefined ? 0 : 1}`;
    if (name === 'EXISTS') return `:${values.has(key) ? 1 : 0}`;
    if (name === 'UNLINK') return `:${values.delete(key) ? 1 : 0}`;
    if (name === 'SET' && mood.full) return "-OOM command not allowed when used memory > 'maxmemory'.";
    if (name === 'SET') values.delete(key);
    if (name === 'SET') values.set(key, value);
    return '+OK';
  };
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket)).on('error', () => undefined);
    let received = '';
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1');
      for (let parsed = parse(received); parsed; parsed = parse(received)) {
        received = received.slice(parsed.length);
        const [name = '', ...given] = parsed.words;
        if (!mood.silent) socket.write(`${answer(name.toUpperCase(), given)}\r\n`);
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`, values, mood, close };
}

/** The first command of a text in Redis' protocol, an array of bulk strings, if it is there whole. */
function parse(text: string): { readonly words: string[]; readonly length: number } | undefined {
  const [head, count] = /^\*(\d+)\r\n/.exec(text) ?? [];
  if (head === undefined) return undefined;
  let at = head.length;
  const words: string[] = [];
  for (let word = 0; word < Number(count); word++) {
    const [opening, bytes] = /^\$(\d+)\r\n/.exec(text.slice(at, at + 20)) ?? [];
    if (opening === undefined) return undefined;
    at += opening.length;
    if (text.length < at + Number(bytes) + 2) return undefined;
    words.push(text.slice(at, at + Number(bytes)));
    at += Number(bytes) + 2;
  }
  return { words, length: at };
}

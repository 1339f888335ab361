import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { once } from 'node:events';

export interface ObjectStore {
  readonly url: string;
  readonly objects: Map<string, Buffer>;
  /** what the access key may do beside reading and removing objects; to be changed while the store runs */
  readonly rights: { list: boolean; write: boolean };
  /** `silent` answers nothing; to be changed while the store runs */
  readonly mood: { silent: boolean };
  /** `traceparent` of the requests that had one, with their method */
  readonly traced: string[];
  /** connections that are open */
  readonly connections: () => number;
  readonly close: () => void;
}

/** As much of S3 as the service uses: objects of one bucket by path, for requests signed with one access key. */
export async function startObjectStore(bucket: string, accessKey: string): Promise<ObjectStore> {
  const objects = new Map<string, Buffer>();
  const rights = { list: true, write: true };
  const mood = { silent: false };
  const traced: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    if (mood.silent) return;
    const { traceparent } = request.headers;
    if (traceparent !== undefined) traced.push(`${request.method} ${String(traceparent)}`);
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const path = decodeURIComponent(request.url ?? '');
      const signed = request.headers.authorization?.startsWith(`AWS4-HMAC-SHA256 Credential=${accessKey}/`);
      const answer = (status: number, body?: Buffer) => response.writeHead(status).end(body);
      if (!signed) return answer(403);
      if (!path.startsWith(`/${bucket}/`)) return answer(404);
      const object = objects.get(path);
      if (request.method === 'PUT' && !rights.write) return answer(403);
      if (request.method === 'PUT') objects.set(path, Buffer.concat(chunks));
      else if (request.method === 'DELETE') objects.delete(path);
      else return object ? answer(200, object) : answer(rights.list ? 404 : 403); // as AWS does
      return answer(request.method === 'PUT' ? 200 : 204);
    })();
  });
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, objects, rights, mood, traced, connections: () => sockets.size, close };
}

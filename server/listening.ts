import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import type { Configuration } from './configuration.ts';

/** The service cannot listen where it should; thrown at start. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
}

/** Listens where the configuration says. @throws ListenError */
export async function listen(
  server: Server,
  { PORT, HOST }: Pick<Configuration, 'PORT' | 'HOST'>,
): Promise<void> {
  try {
    server.listen(PORT, HOST);
    await once(server, 'listening');
  } catch (error) {
    throw new ListenError(`HOST, PORT: cannot listen there (${String(error)})`, { cause: error });
  }
}

/** Resolves after so many seconds; keeps nothing alive. */
export const elapsed = (seconds: number) => wait(seconds * 1000, undefined, { ref: false });

/** Resolves when every connection has ended; after the given time the rest is cut. */
export async function drain(server: Server, seconds: number): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  const cut = setTimeout(() => server.closeAllConnections(), seconds * 1000);
  // connections that were busy at first stay open for the next request of their client, which must not come
  const sweep = setInterval(() => server.closeIdleConnections(), 100);
  await closed;
  clearTimeout(cut);
  clearInterval(sweep);
}

/** Where a server listens. */
export function urlOf(server: Server): string {
  const { address, family, port } = server.address() as AddressInfo;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}

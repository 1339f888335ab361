import { mkdtemp, rm } from 'node:fs/promises';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Express } from 'express';
import { pino } from 'pino';
import request from 'supertest';
import { expect, onTestFinished, vi } from 'vitest';
import { decodeImage } from '../../../images/decode.ts';
import { createApp } from '../../../server/app.ts';
import type { AppDependencies, AppLimits } from '../../../server/app.ts';
import type { AccessOptions } from '../../../server/access/access.ts';
import { createHttpServer } from '../../../server/http/server.ts';
import type { ImageDecoder } from '../../../server/ports.ts';
import { Metrics } from '../../../server/metrics.ts';
import { Background } from '../../../server/concurrency/background.ts';
import { unavailableWhenFailing } from '../../../server/storage/faults.ts';
import { openDiskStorage } from '../../../server/storage/disk.ts';
import { closedGate } from './gate.ts';
import { createFakeAdapter } from './adapter.ts';
import type { FakeAdapter } from './adapter.ts';
import { expectRequest, templateOf } from './contract.ts';
import { beside, limits, open } from './defaults.ts';
import { multipartType, multipart } from './multipart.ts';
import type { RawPart } from './multipart.ts';

export interface Harness {
  readonly app: Express;
  readonly adapter: FakeAdapter;
  readonly folder: string;
  /** lets go of the folder, so that another service can be started on it */
  readonly close: () => Promise<void>;
  /** lines of the log, parsed */
  readonly log: Record<string, unknown>[];
  readonly post: (path: string, parts: readonly RawPart[]) => request.Test;
  /** posts JSON: a value, or text as it is; what is accepted has to fit the contract */
  readonly postJson: (path: string, body: unknown) => request.Test;
}

export interface HarnessOptions {
  readonly adapter?: FakeAdapter;
  readonly folder?: string;
  readonly limits?: Partial<AppLimits>;
  readonly access?: Partial<AccessOptions>;
  readonly replace?: Partial<AppDependencies>;
}

/** A folder that goes away with the test; what a request still in flight writes into it is removed on another try. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'm-nas-test-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

/** The real app over the fake adapter and a real folder. */
export async function harness(options: HarnessOptions = {}): Promise<Harness> {
  const adapter = options.adapter ?? createFakeAdapter();
  const folder = options.folder ?? (await temporaryFolder());
  const log: Record<string, unknown>[] = [];
  const logger = pino({ level: 'info' }, { write: (line) => log.push(JSON.parse(line) as never) });
  const storage = await openDiskStorage(folder, logger);
  const close = () => storage.close();
  onTestFinished(close);
  const app = createApp({
    adapter,
    storage: unavailableWhenFailing(storage, logger),
    decodeImage: (bytes, size) => decodeImage(bytes, size, { maxPixels: 1_000_000 }),
    ...beside,
    background: new Background(logger),
    readiness: { workersReady: true, draining: false },
    limits: { ...limits, ...options.limits },
    access: { ...open, ...options.access },
    metrics: new Metrics(),
    logger,
    ...options.replace,
  });
  const post = (path: string, parts: readonly RawPart[]) =>
    request(app).post(path).set('Content-Type', multipartType).send(multipart(parts));
  const postJson = (path: string, body: unknown) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    return request(app)
      .post(path)
      .set('Content-Type', 'application/json')
      .send(text)
      .expect(({ status }) => {
        const template = templateOf(path);
        if (status < 300 && template !== undefined) expectRequest('post', template, JSON.parse(text));
      });
  };
  return { app, adapter, folder, close, log, post, postJson };
}

/**
 * A decoder that holds every image: `begun` resolves when it has been given so many, `release` lets all go
 * on.
 */
export function heldDecoding(): {
  readonly decodeImage: ImageDecoder;
  readonly begun: (count: number) => Promise<void>;
  readonly release: () => void;
} {
  const gate = closedGate();
  const decode = vi.fn<ImageDecoder>(async (bytes, size) => {
    await gate.pass();
    return decodeImage(bytes, size);
  });
  const begun = (count: number) =>
    vi.waitFor(() => expect(decode.mock.calls.length).toBeGreaterThanOrEqual(count), {
      timeout: 60_000,
      interval: 5,
    });
  return { decodeImage: decode, begun, release: gate.open };
}

/** The app on a port of its own, for tests that speak HTTP by hand. */
export async function listen(app: Express): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createHttpServer(app, {
    requestSeconds: 300,
    keepAliveSeconds: 5,
    connections: 1000,
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { server, port: (server.address() as AddressInfo).port };
}

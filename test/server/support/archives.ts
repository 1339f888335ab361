import request from 'supertest';
import type { Harness } from './harness.ts';
import { support } from './tasks.ts';
import type { RawEntry } from './zip.ts';

/** The usual support set as an archive with a folder a class. */
export const entries: readonly RawEntry[] = support.map(({ name, file, content }) => ({
  path: `${name!}/${file!}`,
  content,
}));

export const postZip = ({ app }: Harness, path: string, body: Buffer, type = 'application/zip') =>
  request(app).post(path).set('Content-Type', type).send(body);

import { AwsClient } from 'aws4fetch';
import type { ValueStore } from './value-store.ts';

export interface S3Options {
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  /** what keys begin with, before a slash */
  readonly prefix: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** headers of each request that are not signed, since a proxy may change them */
  readonly headers?: (() => Readonly<Record<string, string>>) | undefined;
}

const noHeaders: NonNullable<S3Options['headers']> = () => ({});

/** Of what a server says of a failure. */
const reasonCharacters = 300;

/** S3 does not tell a key that may not list a bucket whether an object is there. */
const hintOf = (method: string, { status }: Response): string =>
  status === 403 && method !== 'PUT' ? ' (reading what is not there takes s3:ListBucket of the bucket)' : '';

/** Values as objects of a bucket of S3. */
export function openS3(options: S3Options): ValueStore {
  const { endpoint, region, bucket, prefix, accessKeyId, secretAccessKey, headers = noHeaders } = options;
  const client = new AwsClient({ service: 's3', region, accessKeyId, secretAccessKey });
  const folder = `${endpoint.replace(/\/$/, '')}/${bucket}/${encodeURI(prefix)}`;

  /** The answer to a request, whose body the caller reads or drops; undefined for 404. */
  async function ask(
    method: string,
    name: string,
    signal: AbortSignal,
    body?: Uint8Array,
  ): Promise<Response | undefined> {
    const signed = await client.sign(`${folder}/${name}`, {
      method,
      ...(body && { body: body as Uint8Array<ArrayBuffer> }),
    });
    for (const [header, value] of Object.entries(headers())) signed.headers.set(header, value);
    const answer = await fetch(signed, { signal });
    if (answer.ok) return answer;
    const reason = (await answer.text()).slice(0, reasonCharacters);
    if (answer.status === 404) return undefined;
    throw new Error(
      `S3 answers ${answer.status} to ${method} of ${name}${hintOf(method, answer)}: ${reason}`,
    );
  }

  const has: ValueStore['has'] = async (name, signal) => (await ask('HEAD', name, signal)) !== undefined;
  return {
    get: async (name, signal) => {
      const answer = await ask('GET', name, signal);
      return answer && new Uint8Array(await answer.arrayBuffer());
    },
    has,
    set: async (name, value, _seconds, signal) => {
      const answer = await ask('PUT', name, signal, value);
      if (!answer) throw new Error(`S3 has no bucket ${bucket}`);
      await answer.body?.cancel();
    },
    remove: async (name, signal) => {
      const had = await has(name, signal);
      const answer = await ask('DELETE', name, signal);
      await answer?.body?.cancel();
      return had;
    },
    close: () => Promise.resolve(),
  };
}

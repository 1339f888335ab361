import { decodeCheckpoint } from '../../model/checkpoint/checkpoint.ts';
import type { Checkpoint } from '../../model/checkpoint/checkpoint.ts';
import { decodeModel } from '../../model/graph/onnx/encode.ts';
import type { OnnxModel } from '../../model/graph/onnx/encode.ts';
import { describeTrunk } from '../../model/trunk/trunk.ts';
import type { TrunkDescription } from '../../model/trunk/trunk.ts';
import type { Sources, TrunkSource } from './messages.ts';

/** Told now and then: bytes that are loaded, of how many. */
export type OnLoaded = (done: number, total: number) => void;

/** A trunk as it was loaded: what is known of it, and its graph. */
export interface LoadedTrunk {
  readonly card: TrunkDescription;
  readonly model: OnnxModel;
}

type Headers = Sources['headers'];

/** Files of the server by their URLs, each loaded once; a failure is not kept, since the next try may find the network again. */
export class ServerFiles {
  readonly #checkpoints = new Map<string, Promise<Checkpoint>>();
  readonly #trunks = new Map<string, Promise<LoadedTrunk>>();

  /** @throws Error with a message for the visitor when it cannot be loaded or read */
  checkpoint({ url, bytes }: Sources['checkpoint'], headers: Headers, told?: OnLoaded): Promise<Checkpoint> {
    return once(this.#checkpoints, url, async () =>
      decodeCheckpoint(await load('checkpoint', { url, bytes }, headers, told)),
    );
  }

  /** @throws Error with a message for the visitor when it cannot be loaded or read, or is another one */
  trunk(source: TrunkSource, headers: Headers, told?: OnLoaded): Promise<LoadedTrunk> {
    return once(this.#trunks, source.url, async () => {
      const { name, licence, sha256 } = source;
      const bytes = await load(`trunk ${name}`, source, headers, told);
      const found = await hashOf(bytes);
      if (found !== undefined && found !== sha256)
        throw new Error(`The trunk ${name} came with the SHA-256 ${found} in place of ${sha256}.`);
      const model = decodeModel(bytes);
      return { model, card: describeTrunk(model, { name, licence, sha256 }) };
    });
  }
}

function once<T>(known: Map<string, Promise<T>>, url: string, make: () => Promise<T>): Promise<T> {
  const made = known.get(url) ?? make();
  known.set(url, made);
  made.catch(() => known.delete(url));
  return made;
}

async function load(
  what: string,
  { url, bytes }: { readonly url: string; readonly bytes: number },
  headers: Headers,
  told: OnLoaded = () => undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const response = await fetch(url, { headers });
    if (!response.ok) throw new Error(String(response.status));
    const parts: Uint8Array<ArrayBuffer>[] = [];
    let done = 0;
    const reader = response.body!.getReader(); // Safari cannot iterate over a stream
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      parts.push(next.value);
      told((done += next.value.length), bytes);
    }
    return new Uint8Array(await new Blob(parts).arrayBuffer());
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`The ${what} could not be loaded (${reason}).`, { cause: error });
  }
}

/** SHA-256, hexadecimal; undefined on pages that are neither of `https://` nor of `localhost`, which have no such function. */
async function hashOf(bytes: Uint8Array<ArrayBuffer>): Promise<string | undefined> {
  const { subtle } = crypto as { readonly subtle?: SubtleCrypto };
  if (!subtle) return undefined;
  const digest = new Uint8Array(await subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

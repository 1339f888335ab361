import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import { decodeModel } from '../../model/graph/onnx/encode.ts';
import type { OnnxModel } from '../../model/graph/onnx/encode.ts';
import { checkTrunk, TrunkError } from '../../model/trunk/trunk.ts';
import type { TrunkCard } from '../../model/trunk/trunk.ts';
import { messageOf } from '../errors.ts';
import { isMissing } from '../files.ts';

/** The bundled trunk's card. */
export const bundledTrunk = new URL('../../checkpoints/trunks/efficientnet-lite0-160.json', import.meta.url);

const count = z.int().positive();

const cardSchema = z.strictObject({
  format: z.literal('m-nas-trunk/1'),
  name: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/),
  // beside the card, in no other folder
  file: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*\.onnx$/),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  side: count,
  pixels: z.string().min(1),
  source: z.string().min(1),
  licence: z.string().min(1),
  taps: z
    .record(
      z.string().min(1),
      z.strictObject({ channels: count, side: count, weights: count, multiplyAdds: count }),
    )
    .refine((taps) => Object.keys(taps).length > 0, 'no tap'),
});

/** A trunk as it was read: its card, its file's bytes and the graph in them. */
export interface TrunkFile {
  readonly card: TrunkCard;
  readonly bytes: Uint8Array;
  readonly model: OnnxModel;
}

/**
 * Reads the trunk that a card names, from the card's folder, and checks hash, input and taps.
 * @throws TrunkError of one line that names the file that is missing, unreadable, or not the card's
 */
export async function readTrunk(cardPath: string): Promise<TrunkFile> {
  const card = await asTrunkError(cardPath, async () => parseCard(await readFile(cardPath, 'utf8')));
  const path = join(dirname(cardPath), card.file);
  return asTrunkError(path, async () => {
    const bytes = new Uint8Array(await readFile(path));
    const found = createHash('sha256').update(bytes).digest('hex');
    if (found !== card.sha256)
      throw new TrunkError(`its SHA-256 is ${found}, its card ${cardPath} says ${card.sha256}`);
    const model = decodeModel(bytes);
    checkTrunk(model, card);
    return { card, bytes, model };
  });
}

function parseCard(text: string): TrunkCard {
  const parsed = cardSchema.safeParse(JSON.parse(text));
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0]!;
  throw new TrunkError(path.length > 0 ? `${path.join('.')}: ${message}` : message);
}

async function asTrunkError<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    const reason = isMissing(error) ? 'there is no such file' : messageOf(error).replaceAll(/\s+/g, ' ');
    throw new TrunkError(`trunk ${path}: ${reason}`, { cause: error });
  }
}

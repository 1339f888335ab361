import { decodingCost } from '../../images/decoding-cost.ts';
import { ImageError } from '../../images/image-error.ts';
import type { ImageErrorCode } from '../../images/image-error.ts';
import type { ErrorCode } from '../errors/errors.ts';
import { Turns } from '../concurrency/turns.ts';
import type { Asker, ImageDecoder } from '../ports.ts';
import { fileError } from './files.ts';
import type { UploadedFile } from './files.ts';

const codes: Readonly<Record<ImageErrorCode, ErrorCode>> = {
  unsupported_format: 'unsupported-image',
  broken_image: 'broken-image',
  image_too_large: 'image-too-large',
};

/** Pixels of every file, in order: planar RGB bytes [1 + crops, 3, size, size] each; no crops unless they are asked for. */
export type UploadDecoder = (
  files: readonly UploadedFile[],
  size: number,
  asker: Pick<Asker, 'client' | 'signal'>,
  crops?: number,
) => Promise<Uint8Array[]>;

export interface DecodingLimits {
  /** images decoded at a time that are not heavy, at least 1 */
  readonly parallel: number;
  /** pixels of heavy images that are decoded at a time, by `decodingCost` */
  readonly heavyPixels: number;
}

/** Pixels of an image, by `decodingCost`, above which it is heavy: more than a phone's photo has. */
export const lightPixels = 16_000_000;

/** Whose turn it is to have an image decoded. */
class DecodingTurns {
  readonly #light: Turns;
  readonly #heavy: Turns;

  constructor({ parallel, heavyPixels }: DecodingLimits) {
    this.#light = new Turns({ capacity: parallel * lightPixels, parallel });
    // one thread at least is left to the others
    this.#heavy = new Turns({ capacity: heavyPixels, parallel: Math.max(1, parallel - 1) });
  }

  /** Resolves when the image may be decoded, to what says that it is. */
  async take({ bytes }: UploadedFile, { client, signal }: Parameters<UploadDecoder>[2]): Promise<() => void> {
    const cost = await decodingCost(bytes);
    const turns = cost > lightPixels ? this.#heavy : this.#light;
    return turns.take(client, cost, signal);
  }
}

/**
 * Decodes uploads, so many images and pixels at a time over all requests, since a large image takes
 * hundreds of MB. The clients take turns by what their images cost. Heavy images have turns of their own,
 * so that small ones pass them. An upload stands in line with `parallel` images at most. After its first
 * failure, or its signal, its other images are not decoded any more.
 */
export function createUploadDecoder(decode: ImageDecoder, limits: DecodingLimits): UploadDecoder {
  const turns = new DecodingTurns(limits);
  return async (files, size, asker, crops) => {
    const pixels = new Array<Uint8Array>(files.length);
    const waiting = files.entries();
    let failed = false;
    const decodeInTurn = async (file: UploadedFile) => {
      const end = await turns.take(file, asker);
      try {
        asker.signal.throwIfAborted();
        return await decode(file.bytes, size, crops);
      } catch (error) {
        failed = true;
        if (!(error instanceof ImageError)) throw error;
        throw fileError(codes[error.code], file, `${error.message}.`, error);
      } finally {
        end();
      }
    };
    const lane = async () => {
      for (const [index, file] of waiting) {
        if (failed) return;
        pixels[index] = await decodeInTurn(file);
      }
    };
    await Promise.all(Array.from({ length: limits.parallel }, lane));
    return pixels;
  };
}

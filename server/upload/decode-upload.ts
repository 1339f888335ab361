import { ImageError, type ImageErrorCode } from '../../images/image-error.ts';
import type { ErrorCode } from '../errors/errors.ts';
import { createLimiter } from '../concurrency/limiter.ts';
import type { ImageDecoder } from '../ports.ts';
import { fileError, type UploadedFile } from './files.ts';

const CODES: Readonly<Record<ImageErrorCode, ErrorCode>> = {
  unsupported_format: 'unsupported-image',
  broken_image: 'broken-image',
  image_too_large: 'image-too-large',
};

/** Pixels of every file, in order: planar RGB bytes [1 + crops, 3, size, size] each; no crops unless they are asked for. */
export type UploadDecoder = (
  files: readonly UploadedFile[],
  size: number,
  signal: AbortSignal,
  crops?: number,
) => Promise<Uint8Array[]>;

/**
 * Decodes uploads, at most `parallel` images at a time over all requests, since a large image takes hundreds of MB. An
 * upload stands in line with as many images at most, so that one of many leaves others their turn. After its first
 * failure, or its signal, its other images are not decoded any more.
 */
export function createUploadDecoder(decode: ImageDecoder, parallel: number): UploadDecoder {
  const limited = createLimiter(parallel);
  return async (files, size, signal, crops) => {
    const pixels = new Array<Uint8Array>(files.length);
    const waiting = files.entries();
    let failed = false;
    const decodeNext = async (file: UploadedFile) => {
      signal.throwIfAborted();
      try {
        return await decode(file.bytes, size, crops);
      } catch (error) {
        failed = true;
        if (!(error instanceof ImageError)) throw error;
        throw fileError(CODES[error.code], file, `${error.message}.`, error);
      }
    };
    const lane = async () => {
      for (const [index, file] of waiting) {
        if (failed) return;
        pixels[index] = await limited(() => decodeNext(file));
      }
    };
    await Promise.all(Array.from({ length: parallel }, lane));
    return pixels;
  };
}

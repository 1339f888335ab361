import { ImageError, type ImageErrorCode } from '../images/decode.ts';
import type { ErrorCode } from './errors.ts';
import { createLimiter } from './limiter.ts';
import type { ImageDecoder } from './ports.ts';
import { fileError, type UploadedFile } from './upload.ts';

const CODES: Readonly<Record<ImageErrorCode, ErrorCode>> = {
  unsupported_format: 'unsupported-image',
  broken_image: 'broken-image',
  image_too_large: 'image-too-large',
};

/** Pixels of every file, in order: planar RGB bytes [3, size, size] each. */
export type UploadDecoder = (
  files: readonly UploadedFile[],
  size: number,
  signal: AbortSignal,
) => Promise<Uint8Array[]>;

/**
 * Decodes uploads, at most `parallel` images at a time over all requests, since a large image takes hundreds of MB.
 * After the first failure of an upload, or its signal, its other images are not decoded any more.
 */
export function createUploadDecoder(decode: ImageDecoder, parallel: number): UploadDecoder {
  const limited = createLimiter(parallel);
  return async (files, size, signal) => {
    let failed = false;
    const pixels = files.map((file) =>
      limited(async () => {
        signal.throwIfAborted();
        if (failed) return new Uint8Array();
        try {
          return await decode(file.bytes, size);
        } catch (error) {
          failed = true;
          if (!(error instanceof ImageError)) throw error;
          throw fileError(CODES[error.code], file, `${error.message}.`, error);
        }
      }),
    );
    return Promise.all(pixels);
  };
}

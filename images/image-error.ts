export type ImageErrorCode = 'unsupported_format' | 'broken_image' | 'image_too_large';

/** An image that cannot be used; the message can be shown to whoever sent it. */
export class ImageError extends Error {
  override readonly name = 'ImageError';
  readonly code: ImageErrorCode;

  constructor(code: ImageErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

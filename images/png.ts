import { isLikeSrgb } from './code-points.ts';
import { ImageError } from './image-error.ts';
import type { Picture } from './pixels/resize.ts';

/** What a PNG file says of its colours before its pixels. */
export interface PngColours {
  /** bits a sample */
  readonly depth: number;
  /** exponent of the encoding; undefined where it is near sRGB's, or a profile takes precedence */
  readonly gamma: number | undefined;
}

/** Relative difference of gammas that nobody sees; libpng's own threshold. */
const near = 0.05;
const srgbGamma = 1 / 2.2;

/**
 * The colours of a PNG file (PNG, third edition, 11.3.2): cICP before iCCP, sRGB and gAMA. cHRM is passed over.
 * @throws ImageError unsupported_format for colours by cICP that are not sRGB's, such as those of HDR or of a narrow range, and for Apple's files
 *   that are called PNG
 */
export function pngColours(bytes: Uint8Array): PngColours {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const chunks = new Map<string, number>();
  if (String.fromCharCode(...bytes.subarray(12, 16)) === 'CgBI')
    throw new ImageError(
      'unsupported_format',
      'the PNG image is of the kind that only apps of iOS read (CgBI); export it as PNG',
    );
  for (let at = 8; at + 12 <= bytes.length; at += 12 + view.getUint32(at)) {
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (type === 'IDAT') break;
    chunks.set(type, at + 8);
  }
  const cicp = chunks.get('cICP');
  if (cicp !== undefined) {
    const [primaries = 0, transfer = 0, matrix = 0, range = 1] = bytes.subarray(cicp, cicp + 4);
    if (!isLikeSrgb(primaries, transfer) || matrix !== 0 || range !== 1)
      throw new ImageError(
        'unsupported_format',
        `the PNG image has colours (cICP ${primaries}, ${transfer}, ${matrix}, ${range}) that are not supported; export it as sRGB`,
      );
  }
  const isTold = cicp !== undefined || chunks.has('iCCP') || chunks.has('sRGB');
  const at = chunks.get('gAMA');
  const gamma = at === undefined || isTold || at + 4 > bytes.length ? 0 : view.getUint32(at) / 100_000;
  const isFar = gamma > 0 && Math.abs(gamma / srgbGamma - 1) > near;
  return { depth: bytes[24] ?? 0, gamma: isFar ? gamma : undefined };
}

/**
 * A picture of another gamma as sRGB, as browsers show it.
 * @param samples colours and maybe alpha, interleaved, of 8 or of 16 bits
 */
export function asSrgb(
  samples: Picture['data'] | Uint16Array,
  { width, height }: { readonly width: number; readonly height: number },
  gamma: number,
): Picture {
  const channels = samples.length / (width * height);
  const shift = 8 * (samples.BYTES_PER_ELEMENT - 1);
  const most = 2 ** (8 * samples.BYTES_PER_ELEMENT) - 1;
  const table = Uint8Array.from({ length: most + 1 }, (_, value) => encode((value / most) ** (1 / gamma)));
  const data = new Uint8Array(samples.length);
  for (let i = 0; i < samples.length; i++)
    data[i] = i % channels === 3 ? samples[i]! >> shift : table[samples[i]!]!;
  return { data, width, height };
}

/** Linear light, 0 to 1, as sRGB (IEC 61966-2-1), 0 to 255. */
const encode = (light: number): number =>
  Math.round(255 * (light <= 0.0031308 ? 12.92 * light : 1.055 * light ** (1 / 2.4) - 0.055));

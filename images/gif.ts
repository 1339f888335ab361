import { ImageError } from './image-error.ts';
import type { Picture } from './pixels/resize.ts';

/** Where the first frame lies, in pixels from the top left corner of the canvas. */
interface Frame {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  /** whether there is a table of colours, its own or that of all frames */
  readonly hasColours: boolean;
}

/**
 * The picture of a GIF file with white around its first frame, where browsers show nothing.
 * @throws ImageError unsupported_format for a file that leaves its colours to the reader
 */
export function whiteAround(picture: Picture, bytes: Uint8Array): Picture {
  const frame = firstFrame(bytes);
  if (frame === undefined) return picture;
  if (!frame.hasColours)
    throw new ImageError('unsupported_format', 'the GIF image has no table of colours; export it as PNG');
  const { data, width, height } = picture;
  const channels = data.length / (width * height);
  for (let y = 0; y < height; y++) {
    const row = data.subarray(y * width * channels, (y + 1) * width * channels);
    const inside = y >= frame.top && y < frame.top + frame.height;
    if (!inside) row.fill(255);
    else row.fill(255, 0, frame.left * channels).fill(255, (frame.left + frame.width) * channels);
  }
  return picture;
}

/** The first image descriptor (GIF89a, 20), after the colour table of all frames and the extensions. */
function firstFrame(bytes: Uint8Array): Frame | undefined {
  const packed = bytes[10] ?? 0;
  let at = 13 + (packed & 0x80 ? 3 * 2 ** ((packed & 7) + 1) : 0);
  while (bytes[at] === 0x21) {
    at += 2;
    while (bytes[at]) at += bytes[at]! + 1;
    at++;
  }
  if (bytes[at] !== 0x2c || at + 9 > bytes.length) return undefined;
  const [left, top, width, height] = [1, 3, 5, 7].map(
    (offset) => bytes[at + offset]! + 256 * bytes[at + offset + 1]!,
  );
  const hasColours = ((packed | (bytes[at + 9] ?? 0)) & 0x80) !== 0;
  return { left: left!, top: top!, width: width!, height: height!, hasColours };
}

import { fileOrder } from '../model/accuracy/folds.ts';
import { imageFormat, refusalOf, startLength } from '../images/format.ts';

/** Bytes of a file that the service takes unless it is told otherwise (docs/configuration.md). */
const mostBytes = 32 * 1024 * 1024;

/** What is found out about a chosen image before it is used. */
export interface Checked {
  /** why it cannot be used, in a sentence */
  readonly problem?: string;
  /** the same for files of the same bytes */
  readonly hash?: string;
  /** a small square of it; undefined where the browser cannot show it */
  readonly picture?: Blob;
}

const pictureSide = 160;
/** Images that are decoded at a time: a photo takes its whole size in memory meanwhile. */
const lanes = 2;

const known = new WeakMap<Blob, Promise<Checked>>();
const waiting: (() => Promise<void>)[] = [];
let busy = 0;

/** Looks at an image once, in turn with others. */
export function checked(file: Blob): Promise<Checked> {
  let found = known.get(file);
  if (!found) {
    found = new Promise((resolve) => {
      waiting.push(async () => resolve(await check(file)));
      void drain();
    });
    known.set(file, found);
  }
  return found;
}

async function drain(): Promise<void> {
  if (busy === lanes) return;
  busy++;
  for (let next = waiting.shift(); next; next = waiting.shift()) await next();
  busy--;
}

async function check(file: Blob): Promise<Checked> {
  try {
    if (file.size === 0) return { problem: 'This file is empty.' };
    if (file.size > mostBytes)
      return { problem: `This file has ${Math.round(file.size / 1e6)} MB; 33 MB are allowed.` };
    const bytes = new Uint8Array(await file.arrayBuffer());
    const hash = fileOrder(bytes);
    const format = imageFormat(bytes.subarray(0, startLength));
    if (format === undefined) {
      const refusal = refusalOf(bytes.subarray(0, startLength));
      return { problem: refusal.startsWith('not ') ? `This is ${refusal}.` : `${refusal}.` };
    }
    const picture = await smallPicture(file);
    // TIFF is read by the service only; what this browser has no decoder for is told when it is needed
    const damaged = picture === undefined && format !== 'TIFF' && format !== 'AVIF';
    return {
      hash,
      ...(picture && { picture }),
      ...(damaged && { problem: 'This image cannot be read; it may be damaged.' }),
    };
  } catch {
    return { problem: 'This file is not there any more, or may not be read.' };
  }
}

/** A square of the middle of an image, as JPEG on white; undefined for what the browser cannot read. */
async function smallPicture(file: Blob): Promise<Blob | undefined> {
  const bitmap = await createImageBitmap(file, { imageOrientation: 'from-image' }).catch(() => undefined);
  if (!bitmap) return undefined;
  const length = Math.min(bitmap.width, bitmap.height);
  const canvas = new OffscreenCanvas(pictureSide, pictureSide);
  const context = canvas.getContext('2d')!;
  context.fillStyle = '#ffffff';
  context.fillRect(0, 0, pictureSide, pictureSide);
  context.imageSmoothingQuality = 'high';
  const [left, top] = [(bitmap.width - length) / 2, (bitmap.height - length) / 2];
  context.drawImage(bitmap, left, top, length, length, 0, 0, pictureSide, pictureSide);
  bitmap.close();
  return canvas.convertToBlob({ type: 'image/jpeg', quality: 0.85 });
}

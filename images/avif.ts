import { isLikeSrgb } from './code-points.ts';
import { ImageError } from './image-error.ts';

/**
 * An AVIF file by its major brand. Sequences have another one, which the decoder does not know, and a still image
 * beside their track (AVIF 1.1, 3), which it reads.
 */
export function asStill(bytes: Uint8Array): Uint8Array {
  const still = Uint8Array.from(bytes);
  still.set(Buffer.from('avif'), 8);
  return still;
}

/**
 * Sees to it that the colours are those of sRGB, or have a profile: the decoder does not convert others.
 * @throws ImageError unsupported_format for code points such as those of Display P3 and HDR
 */
export function checkAvif(bytes: Uint8Array): void {
  const [primaries, transfer] = codePoints(bytes) ?? [2, 2];
  if (!isLikeSrgb(primaries, transfer))
    throw new ImageError(
      'unsupported_format',
      `the AVIF image has colours (nclx ${primaries}, ${transfer}) that are not supported; export it as sRGB`,
    );
}

/** The primaries and the transfer of the first property `colr` (ISO/IEC 14496-12, 12.1.5); undefined beside a profile. */
function codePoints(bytes: Uint8Array): readonly [number, number] | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [properties] = [...within(view, ['meta', 'iprp', 'ipco'], 0, view.byteLength)];
  if (properties === undefined) return undefined;
  const colours = [...boxes(view, ...properties)].filter(([type]) => type === 'colr');
  const kinds = colours.map(([, start]) => text(view, start));
  const told = kinds.indexOf('nclx');
  if (told < 0 || kinds.some((kind) => kind === 'prof' || kind === 'rICC')) return undefined;
  const [, start, end] = colours[told]!;
  return start + 8 <= end ? [view.getUint16(start + 4), view.getUint16(start + 6)] : undefined;
}

/** Start and end of what is in boxes of these types, one in the other. */
function* within(
  view: DataView,
  [type, ...deeper]: readonly string[],
  start: number,
  end: number,
): Generator<readonly [number, number]> {
  for (const [own, from, to] of boxes(view, start, end)) {
    if (own !== type) continue;
    const inside = own === 'meta' ? from + 4 : from; // a version and flags come first
    if (deeper.length === 0) yield [inside, to];
    else yield* within(view, deeper, inside, to);
  }
}

/** Types of the boxes between two places, and where their contents begin and end; ends at what is no box. */
function* boxes(view: DataView, start: number, end: number): Generator<readonly [string, number, number]> {
  for (let at = start; at + 8 <= end;) {
    const size = view.getUint32(at);
    const next = size === 0 ? end : at + size; // 0: to the end
    if ((size < 8 && size !== 0) || next > end) return; // 1: of 64 bits, as only pixels need
    yield [text(view, at + 4), at + 8, next];
    at = next;
  }
}

const text = (view: DataView, at: number): string =>
  at + 4 > view.byteLength
    ? ''
    : String.fromCharCode(...[0, 1, 2, 3].map((offset) => view.getUint8(at + offset)));

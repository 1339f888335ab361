/** Image formats that are decoded. SVG is refused on purpose: it is a program, and may refer to other files. */
export type ImageFormat = 'JPEG' | 'PNG' | 'WebP' | 'AVIF' | 'GIF' | 'TIFF';

/** Each format's test of a file's first bytes (given as latin1 text: one character a byte). */
const signatures: Readonly<Record<ImageFormat, (start: string) => boolean>> = {
  JPEG: (start) => start.startsWith('\xff\xd8\xff'),
  PNG: (start) => start.startsWith('\x89PNG\r\n\x1a\n'),
  WebP: (start) => start.startsWith('RIFF') && start.slice(8, 12) === 'WEBP',
  AVIF: (start) => start.slice(4, 8) === 'ftyp' && brands(start).some((brand) => /^avi[fs]$/.test(brand)),
  GIF: (start) => /^GIF8[79]a/.test(start),
  TIFF: (start) => start.startsWith('II*\0') || start.startsWith('MM\0*'),
};

const startLength = 128; // bytes; enough for every signature and for the brands of an AVIF file

/** The format by the file's magic bytes (never by its name or a client's Content-Type), or undefined. */
export function imageFormat(bytes: Uint8Array): ImageFormat | undefined {
  const start = String.fromCharCode(...bytes.subarray(0, startLength));
  return (Object.keys(signatures) as ImageFormat[]).find((format) => signatures[format](start));
}

/** Formats that people have and that are not decoded, with what to do instead. */
const refusals: readonly { readonly test: (start: string) => boolean; readonly message: string }[] = [
  {
    test: (start) => /^(?:\xef\xbb\xbf)?\s*(?:<\?xml|<!--|<!DOCTYPE svg|<svg)/i.test(start),
    message: 'SVG and other XML is not accepted, since it is a program; export it as PNG',
  },
  {
    test: (start) =>
      start.slice(4, 8) === 'ftyp' && brands(start).some((brand) => /^(hei|hev|mif1)/.test(brand)),
    message: 'HEIC is not accepted; export it as JPEG',
  },
  { test: (start) => start.startsWith('BM'), message: 'BMP is not accepted; export it as PNG' },
  { test: (start) => start.startsWith('%PDF'), message: 'PDF is not an image; export its page as PNG' },
  {
    test: (start) => start.startsWith('\xff\x0a') || start.startsWith('\0\0\0\x0cJXL '),
    message: 'JPEG XL is not accepted; export it as JPEG',
  },
];

/** Why a file of none of the formats is refused. */
export function refusalOf(bytes: Uint8Array): string {
  const start = String.fromCharCode(...bytes.subarray(0, startLength));
  const known = refusals.find(({ test }) => test(start));
  return known?.message ?? 'not a JPEG, PNG, WebP, AVIF, GIF or TIFF image';
}

/** Major and compatible brands of an ISO base media file's first box (ISO/IEC 14496-12, 4.3). */
function brands(start: string): string[] {
  const length = [0, 1, 2, 3].reduce((size, at) => size * 256 + start.charCodeAt(at), 0);
  const all = [start.slice(8, 12)]; // major; the minor version follows it
  for (let at = 16; at + 4 <= Math.min(length, start.length); at += 4) all.push(start.slice(at, at + 4));
  return all;
}

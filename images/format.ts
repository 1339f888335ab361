/** Image formats that are decoded. SVG is refused on purpose: it is a program, and may refer to other files. */
export type ImageFormat = 'JPEG' | 'PNG' | 'WebP' | 'AVIF' | 'GIF' | 'TIFF';

const begins =
  (...signatures: readonly string[]) =>
  (start: string): boolean =>
    signatures.some((signature) => start.startsWith(signature));

/** A file of the ISO base media format, by its first box. */
const isMedia = (start: string): boolean => start.slice(4, 8) === 'ftyp';

/** Each format's test of a file's first bytes (given as latin1 text: one character a byte). */
const signatures: Readonly<Record<ImageFormat, (start: string) => boolean>> = {
  JPEG: (start) => start.startsWith('\xff\xd8\xff'),
  PNG: (start) => start.startsWith('\x89PNG\r\n\x1a\n'),
  WebP: (start) => start.startsWith('RIFF') && start.slice(8, 12) === 'WEBP',
  AVIF: (start) => isMedia(start) && brands(start).some((brand) => /^avi[fs]$/.test(brand)),
  GIF: (start) => /^GIF8[79]a/.test(start),
  TIFF: begins('II*\0', 'MM\0*', 'II+\0', 'MM\0+'), // with +: BigTIFF
};

/** Bytes that are enough for every signature, and for the brands of an AVIF file. */
export const startLength = 264;

/** The format by the file's magic bytes (never by its name or a client's Content-Type), or undefined. */
export function imageFormat(bytes: Uint8Array): ImageFormat | undefined {
  const start = startOf(bytes);
  return (Object.keys(signatures) as ImageFormat[]).find((format) => signatures[format](start));
}

const startOf = (bytes: Uint8Array): string => String.fromCharCode(...bytes.subarray(0, startLength));

/** A file of Truevision without a signature: an identifier's length, the kinds of palette and pixels, their bits. */
const isTga = (start: string): boolean => {
  const [palette = 2, kind = 0, bits = 0] = [1, 2, 16].map((at) => start.charCodeAt(at));
  return palette <= 1 && [1, 2, 3, 9, 10, 11].includes(kind) && [8, 15, 16, 24, 32].includes(bits);
};

/** Formats that people have and that are not decoded, with what to do instead. */
const refusals: readonly { readonly test: (start: string) => boolean; readonly message: string }[] = [
  { test: (start) => start === '', message: 'An empty file is not accepted' },
  {
    // what is no UTF-8 becomes U+FFFD, and ends of lines are made those of the system
    test: begins('\xef\xbf\xbdPNG', '\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd', '\x89PNG\n', '\x89PNG\r\r\n'),
    message: 'An image that was read or sent as text is not accepted, since bytes are lost; send its bytes',
  },
  {
    test: begins('data:image/', '/9j/', 'iVBORw0KGgo', 'UklGR', 'R0lGOD'),
    message: 'Base64 text is not accepted as a file; send the bytes, or JSON',
  },
  {
    test: (start) => /^(?:\xef\xbb\xbf)?\s*<(?:!DOCTYPE )?html/i.test(start),
    message: 'A web page is not accepted; save the image itself',
  },
  {
    test: begins('version https://git-lfs'),
    message: 'A pointer of Git LFS is not accepted; fetch the file that it stands for (git lfs pull)',
  },
  {
    test: (start) =>
      begins('FUJIFILMCCD-RAW', 'IIRO', 'IIRS', 'MMOR', 'IIU\0')(start) ||
      (isMedia(start) && start.slice(8, 12) === 'crx '),
    message: 'A raw file of a camera is not accepted; export it as JPEG',
  },
  {
    test: (start) => /^(?:\xef\xbb\xbf)?\s*(?:<\?xml|<!--|<!DOCTYPE svg|<svg)/i.test(start),
    message: 'SVG and other XML is not accepted, since it is a program; export it as PNG',
  },
  {
    test: (start) =>
      isMedia(start) && brands(start).some((brand) => /^(he[iv][cfmsx]|mif1|msf1)$/.test(brand)),
    message: 'HEIC is not accepted; export it as JPEG',
  },
  {
    test: (start) => isMedia(start) || start.startsWith('\x1a\x45\xdf\xa3') || /^RIFF.{4}AVI /s.test(start),
    message: 'A video is not accepted; export a frame of it as PNG',
  },
  { test: begins('BM'), message: 'BMP is not accepted; export it as PNG' },
  { test: begins('%PDF'), message: 'PDF is not accepted; export its page as PNG' },
  { test: begins('%!PS'), message: 'PostScript is not accepted; export its page as PNG' },
  { test: begins('8BPS'), message: 'PSD is not accepted; export it as PNG' },
  {
    // the number of its images follows, where a TGA without a palette has 0
    test: (start) =>
      begins('\0\0\x01\0', '\0\0\x02\0')(start) && !begins('\0\0\x01\0\0\0', '\0\0\x02\0\0\0')(start),
    message: 'ICO is not accepted; export it as PNG',
  },
  { test: begins('icns'), message: 'ICNS is not accepted; export it as PNG' },
  { test: isTga, message: 'TGA is not accepted; export it as PNG' },
  { test: begins('DDS '), message: 'DDS is not accepted; export it as PNG' },
  { test: begins('qoif'), message: 'QOI is not accepted; export it as PNG' },
  { test: begins('II\xbc'), message: 'JPEG XR is not accepted; export it as PNG' },
  { test: begins('gimp xcf'), message: 'XCF is not accepted; export it as PNG' },
  { test: begins('\x0a\x05\x01\x08'), message: 'PCX is not accepted; export it as PNG' },
  { test: begins('\x01\xda\0', '\x01\xda\x01'), message: 'SGI is not accepted; export it as PNG' },
  { test: begins('#define '), message: 'XBM is not accepted; export it as PNG' },
  { test: begins('AT&TFORM'), message: 'DjVu is not accepted; export its page as PNG' },
  {
    test: (start) => begins('\xd7\xcd\xc6\x9a')(start) || start.slice(40, 44) === ' EMF',
    message: 'WMF and EMF are not accepted; export it as PNG',
  },
  {
    test: begins('\x93NUMPY', '\x89HDF\r\n', 'MATLAB '),
    message: 'A file of arrays (NumPy, HDF5, MATLAB) is not accepted; export its images as PNG',
  },
  {
    test: begins('\0\x05\x16\x07', '\0\0\0\x01Bud1'),
    message: 'A file that macOS keeps beside others (._NAME, .DS_Store) is not accepted; leave it out',
  },
  { test: begins('v/1\x01', '#?RADIANCE', '#?RGBE'), message: 'HDR is not accepted; export it as PNG' },
  { test: begins('SIMPLE  ='), message: 'FITS is not accepted; export it as PNG' },
  { test: (start) => start.slice(128, 132) === 'DICM', message: 'DICOM is not accepted; export it as PNG' },
  { test: (start) => /^P[1-7]\s/.test(start), message: 'Netpbm is not accepted; export it as PNG' },
  {
    test: begins('\xff\x0a', '\0\0\0\x0cJXL '),
    message: 'JPEG XL is not accepted; export it as JPEG',
  },
  {
    test: begins('\xff\x4f\xff\x51', '\0\0\0\x0cjP  '),
    message: 'JPEG 2000 is not accepted; export it as PNG',
  },
  {
    test: begins('PK\x03\x04', 'PK\x05\x06'),
    message: 'A zip archive is not accepted beside other files; send it alone',
  },
  { test: begins('\x1f\x8b'), message: 'A gzip or tar.gz archive is not accepted; pack the files as zip' },
  {
    test: (start) => start.slice(257, 262) === 'ustar',
    message: 'A tar archive is not accepted; pack the files as zip',
  },
  {
    test: begins('BZh', '\xfd7zXZ\0', '\x28\xb5\x2f\xfd', '7z\xbc\xaf\x27\x1c', 'Rar!\x1a\x07'),
    message: 'A 7z, rar, xz, bzip2 or zstd archive is not accepted; pack the files as zip',
  },
];

/** What a file of none of the formats is and what to do, where that is known; without a full stop. */
export function otherFormat(bytes: Uint8Array): string | undefined {
  const start = startOf(bytes);
  return refusals.find(({ test }) => test(start))?.message;
}

/** Why a file of none of the formats is refused, without a full stop. */
export const refusalOf = (bytes: Uint8Array): string =>
  otherFormat(bytes) ?? 'not a JPEG, PNG, WebP, AVIF, GIF or TIFF image';

/** Major and compatible brands of an ISO base media file's first box (ISO/IEC 14496-12, 4.3). */
function brands(start: string): string[] {
  const length = [0, 1, 2, 3].reduce((size, at) => size * 256 + start.charCodeAt(at), 0);
  const all = [start.slice(8, 12)]; // major; the minor version follows it
  for (let at = 16; at + 4 <= Math.min(length, start.length); at += 4) all.push(start.slice(at, at + 4));
  return all;
}

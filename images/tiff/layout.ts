/** How the samples of a TIFF file's first image are laid out. */
export interface TiffLayout {
  /** of each sample */
  readonly bits: readonly number[];
  /** of each sample: 1 unsigned, 2 signed, 3 floating-point, 5 and 6 complex; empty where all are unsigned */
  readonly formats: readonly number[];
  readonly photometric: number | undefined;
  /** 1 none, 7 JPEG, … */
  readonly compression: number;
  readonly samples: number;
  /** of each sample after the colours: 0 unknown, 1 and 2 alpha */
  readonly extra: readonly number[];
  /** whether it is a map: it has GeoTIFF's keys, or GDAL's value for what is not known */
  readonly isGeographic: boolean;
  /** whether it is a smaller copy of another image of the file, as cameras' raw files have one first */
  readonly isPreview: boolean;
  readonly hasProfile: boolean;
}

const tagNumbers = {
  kind: 254,
  bits: 258,
  compression: 259,
  photometric: 262,
  samples: 277,
  extra: 338,
  format: 339,
  profile: 34675,
  geo: 34735,
  noData: 42113,
} as const;

/** Reads numbers of a file in its byte order. @throws RangeError outside of it */
class Reader {
  readonly #view: DataView;
  readonly #little: boolean;
  readonly isBig: boolean;

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#little = bytes[0] === 0x49;
    this.isBig = this.short(2) === 43;
  }

  short = (at: number): number => this.#view.getUint16(at, this.#little);
  long = (at: number): number => this.#view.getUint32(at, this.#little);
  /** an offset or a count: eight bytes in BigTIFF */
  wide = (at: number): number =>
    this.isBig ? Number(this.#view.getBigUint64(at, this.#little)) : this.long(at);
}

/** The layout by the tags of the first directory (TIFF 6.0; BigTIFF); undefined where there is none to read. */
export function tiffLayout(bytes: Uint8Array): TiffLayout | undefined {
  try {
    const tags = readTags(new Reader(bytes));
    return {
      bits: tags.get(tagNumbers.bits) ?? [1],
      formats: tags.get(tagNumbers.format) ?? [],
      photometric: tags.get(tagNumbers.photometric)?.[0],
      compression: tags.get(tagNumbers.compression)?.[0] ?? 1,
      samples: tags.get(tagNumbers.samples)?.[0] ?? 1,
      extra: tags.get(tagNumbers.extra) ?? [],
      isGeographic: tags.has(tagNumbers.geo) || tags.has(tagNumbers.noData),
      isPreview: ((tags.get(tagNumbers.kind)?.[0] ?? 0) & 1) === 1,
      hasProfile: tags.has(tagNumbers.profile),
    };
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** The values of the tags of interest that are numbers of 16 or 32 bits; of others none. */
function readTags(reader: Reader): ReadonlyMap<number, readonly number[]> {
  const [word, entryBytes] = reader.isBig ? [8, 20] : [4, 12];
  const directory = reader.wide(reader.isBig ? 8 : 4);
  const count = reader.isBig ? reader.wide(directory) : reader.short(directory);
  const wanted = new Set<number>(Object.values(tagNumbers));
  const tags = new Map<number, readonly number[]>();
  for (let index = 0; index < count; index++) {
    const at = directory + (reader.isBig ? 8 : 2) + index * entryBytes;
    const tag = reader.short(at);
    if (!wanted.has(tag)) continue;
    const length = Math.min(reader.wide(at + 4), 64);
    const type = reader.short(at + 2);
    const bytes = type === 3 ? 2 : 4;
    const read = type === 3 ? reader.short : reader.long;
    const inPlace = length * bytes <= word;
    const values = at + 4 + word;
    const start = inPlace ? values : reader.wide(values);
    tags.set(tag, type === 3 || type === 4 ? Array.from({ length }, (_, i) => read(start + bytes * i)) : []);
  }
  return tags;
}

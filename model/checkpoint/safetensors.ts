/** A file of named float32 tensors with text metadata (the safetensors format: header length, JSON header, data). */
export interface TensorFile {
  readonly tensors: Readonly<
    Record<string, { readonly shape: readonly number[]; readonly data: Float32Array }>
  >;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Bytes that are no safetensors file of float32 tensors, or one that is cut short. */
export class TensorFileError extends Error {
  override readonly name = 'TensorFileError';
}

interface Entry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

/** The bytes of a safetensors file, all tensors float32; the same content gives the same bytes. */
export function encodeTensors({ tensors, metadata }: TensorFile): Uint8Array {
  let offset = 0;
  const header: Record<string, unknown> = { __metadata__: metadata };
  for (const [name, { shape, data }] of Object.entries(tensors)) {
    header[name] = { dtype: 'F32', shape, data_offsets: [offset, offset + data.byteLength] };
    offset += data.byteLength;
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const padded = Math.ceil(text.length / 8) * 8; // the data starts on a multiple of 8
  const bytes = new Uint8Array(8 + padded + offset).fill(0x20, 8, 8 + padded);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(padded), true);
  bytes.set(text, 8);
  let position = 8 + padded;
  for (const { data } of Object.values(tensors)) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), position);
    position += data.byteLength;
  }
  return bytes;
}

/** The metadata alone, whatever tensors come after it. @throws TensorFileError on anything without a header */
export const decodeMetadata = (bytes: Uint8Array): TensorFile['metadata'] => decodeHeader(bytes).metadata;

/** @throws TensorFileError on anything but a whole file of float32 tensors */
export function decodeTensors(bytes: Uint8Array): TensorFile {
  const { metadata, entries, data } = decodeHeader(bytes);
  const tensors = Object.entries(entries).map(
    ([name, entry]) => [name, tensorOf(name, entry, data)] as const,
  );
  return { tensors: Object.fromEntries(tensors), metadata };
}

/** What stands before the tensors, and the bytes from the first tensor on. */
function decodeHeader(bytes: Uint8Array): {
  readonly metadata: TensorFile['metadata'];
  readonly entries: Readonly<Record<string, Entry>>;
  readonly data: Uint8Array;
} {
  if (bytes.length < 8) throw new TensorFileError('the file is shorter than its header');
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  if (8 + length > bytes.length)
    throw new TensorFileError('the header is cut short or the file has another format');
  const { __metadata__: metadata = {}, ...entries } = parseHeader(bytes.subarray(8, 8 + length));
  return {
    metadata: metadata as Record<string, string>,
    entries: entries as Record<string, Entry>,
    data: bytes.subarray(8 + length),
  };
}

function parseHeader(text: Uint8Array): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(text));
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed))
      return parsed as Record<string, unknown>;
  } catch (cause) {
    throw new TensorFileError('the header is no JSON', { cause });
  }
  throw new TensorFileError('the header is no JSON object');
}

function tensorOf(
  name: string,
  entry: Entry,
  data: Uint8Array,
): { shape: readonly number[]; data: Float32Array } {
  const { dtype, shape, data_offsets: offsets } = entry;
  if (dtype !== 'F32') throw new TensorFileError(`tensor ${name} is ${dtype}, not F32`);
  if (!Array.isArray(shape) || !Array.isArray(offsets))
    throw new TensorFileError(`tensor ${name} has no shape or offsets`);
  const [start, end] = offsets as readonly [number, number];
  const axes = shape as readonly number[];
  const bytes = axes.reduce((product, axis) => product * axis, 4);
  if (!(start >= 0 && end <= data.length && end - start === bytes)) {
    throw new TensorFileError(`tensor ${name} lies outside the file or does not fill [${shape.join(', ')}]`);
  }
  return {
    shape: shape as number[],
    data: new Float32Array(new Uint8Array(data.subarray(start, end)).buffer),
  };
}

import type { TensorValue } from '../../model/graph/executor.ts';

/** The classes of the highest values of every row, as the extension `classification` of Triton tells them. */
export interface Classification {
  /** rows and classes of each */
  readonly shape: readonly [number, number];
  /** `value:index:label`, row-major; `value:index` without labels */
  readonly texts: readonly string[];
}

/**
 * Of an output [rows, columns], the `count` columns of the highest values of every row, or all where it has fewer; of equal
 * values the first one comes first.
 */
export function classificationOf(
  { shape, data }: TensorValue,
  count: number,
  labels: readonly string[] | undefined,
): Classification {
  const [rows = 0, columns = 0] = shape;
  const kept = Math.min(count, columns);
  const texts = Array.from({ length: rows }, (_, row) => {
    const values = data.subarray(row * columns, (row + 1) * columns);
    const order = [...values.keys()].sort((a, b) => values[b]! - values[a]!).slice(0, kept);
    return order.map((column) => textOf(values[column]!, column, labels?.[column]));
  });
  return { shape: [rows, kept], texts: texts.flat() };
}

/** The value in as many digits as float32 needs. */
function textOf(value: number, column: number, label: string | undefined): string {
  const parts = [Number(value.toPrecision(9)), column, ...(label === undefined ? [] : [label])];
  return parts.join(':');
}

/** Texts as binary data of the type BYTES: before each its length in bytes, little-endian uint32. */
export function bytesOf(texts: readonly string[]): Buffer {
  return Buffer.concat(
    texts.flatMap((text) => {
      const encoded = Buffer.from(text);
      const length = Buffer.alloc(4);
      length.writeUInt32LE(encoded.length);
      return [length, encoded];
    }),
  );
}

const matrices = new Map<string, Float64Array>();

/** The matrix of that key, made once: graphs share large constants by the identity of their data. */
export function constantMatrix(key: string, make: () => Float64Array): Float64Array {
  const known = matrices.get(key) ?? make();
  matrices.set(key, known);
  return known;
}

import { InferenceSession, Tensor } from 'onnxruntime-node';

/** Numbers in an order that their shape gives. */
export interface Floats {
  readonly data: Float32Array;
  readonly dims: readonly number[];
}

/** What an ONNX file gives for inputs by name, in a session of its own. */
export async function runFile(
  file: Uint8Array,
  inputs: Readonly<Record<string, Floats>>,
): Promise<Readonly<Record<string, Floats>>> {
  const session = await InferenceSession.create(file, { logSeverityLevel: 3 });
  const feeds = Object.entries(inputs).map(
    ([name, { data, dims }]) => [name, new Tensor('float32', data, dims)] as const,
  );
  const outputs = await session.run(Object.fromEntries(feeds));
  await session.release();
  const given = session.outputNames.map((name) => {
    const { data, dims } = outputs[name]!;
    return [name, { data: data as Float32Array, dims }] as const;
  });
  return Object.fromEntries(given);
}

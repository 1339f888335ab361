import { createHash } from 'node:crypto';
import { createOnnxExecutor } from '../../engine/onnxruntime.ts';
import { Graph } from '../../model/graph/graph.ts';
import type { GraphFunction } from '../../model/graph/graph.ts';
import { conv, exp, log, logSoftmax, matmul, normalize, sum, tanh } from '../../model/graph/operations.ts';
import { fold, keyFrom, normal } from '../../model/random.ts';

/** Shapes of what the sample is computed of: large enough that kernels of every width take part. */
const shapes = { x: [3, 5, 19, 19], w: [11, 5, 3, 3], a: [67, 131], b: [131, 45] } as const;

function sampleGraph(): GraphFunction {
  const graph = new Graph();
  const [x, w, a, b] = [
    graph.input('x', shapes.x),
    graph.input('w', shapes.w),
    graph.input('a', shapes.a),
    graph.input('b', shapes.b),
  ];
  const product = matmul(a, b);
  const outputs = {
    convolution: conv(x, w, { padding: 1 }),
    product,
    rows: normalize(product, 1e-5),
    shares: logSoftmax(product),
    curves: log(exp(tanh(product))),
    total: sum(product),
  };
  return { name: 'sample', outputs };
}

/**
 * A hash of what onnxruntime computes for a fixed sample. Kinds of CPU round otherwise, as do versions of onnxruntime:
 * machines whose hashes are equal give a run the same bits.
 */
export async function arithmeticHash(): Promise<string> {
  const executor = createOnnxExecutor({ provider: 'cpu', threads: 1, cacheSize: 1, memoryPattern: false });
  try {
    const inputs = Object.entries(shapes).map(([name, shape]) => {
      const length = shape.reduce((product, side) => product * side, 1);
      const data = Float32Array.from(normal(fold(keyFrom(1), name), length));
      return [name, { data, shape }] as const;
    });
    const program = await executor.program('sample', sampleGraph);
    const outputs = await program.run(Object.fromEntries(inputs));
    const hash = createHash('sha256');
    for (const name of Object.keys(outputs).sort()) hash.update(bytesOf(outputs[name]!.data));
    return hash.digest('hex');
  } finally {
    await executor.dispose();
  }
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

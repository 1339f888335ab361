import type { Weights } from '../graph/weights.ts';
import {
  add,
  broadcast,
  concat,
  matmul,
  mean,
  multiply,
  relu,
  reshape,
  slice,
  softmax,
  subtract,
  sum,
} from '../graph/operations.ts';
import type { Tensor } from '../graph/primitives.ts';
import { dense } from '../layers/primitive-layers.ts';
import { gatedStep, projectInputs } from '../layers/recurrent.ts';
import { denseSpecifications } from '../layers/parameter-specification.ts';
import type { ParameterSpecification } from '../layers/parameter-specification.ts';
import type { AutoEncoder } from '../configuration.ts';

export interface TaskEmbeddings {
  /** z_i (Eq. 6) of every task, [t, state]. */
  readonly embedding: Tensor;
  /**
   * L_r (Eq. 5) summed over the tasks, each divided by its number of pairs, [1, 1, 1]; asking for it adds the decoder to
   * the graph.
   */
  readonly reconstruction: () => Tensor;
}

/** The auto-encoder's tensors; `decodes` is false where nothing asks for the reconstruction. */
export function autoEncoderSpecifications(
  { kind, features: f, state: d }: AutoEncoder,
  decodes = true,
): ParameterSpecification[] {
  const layer = (name: string, inputs: number, outputs: number): ParameterSpecification[] =>
    denseSpecifications('encoder', `encoder.${name}`, inputs, outputs);
  if (kind === 'set')
    return [
      ...layer('hidden', f, d),
      ...['query', 'key', 'value'].flatMap((name) => layer(name, d, d)),
      ...layer('state', 2 * d, d),
      ...(decodes ? layer('decoder', d, f) : []),
    ];
  const directions = directionsOf(kind);
  const part = d / directions.length;
  return [
    ...directions.flatMap((direction) => [
      ...layer(`${direction}.input`, f, 3 * part),
      ...layer(`${direction}.state`, part, 3 * part),
    ]),
    ...(decodes ? [...layer('backward.input', d, 3 * f), ...layer('backward.state', f, 3 * f)] : []),
  ];
}

/** The encoder's directions share its state; the decoder is `backward` as in Eq. 4. */
const directionsOf = (kind: AutoEncoder['kind']): readonly ('forward' | 'reverse')[] =>
  kind === 'bidirectional' ? ['forward', 'reverse'] : ['forward'];

/** A dense layer of the encoder, applied to [t, n, i]. */
export type EncoderLayer = (input: Tensor, name: string) => Tensor;

export const encoderLayer =
  (weights: Weights): EncoderLayer =>
  (input, name) =>
    rowwise(input, (rows) => dense(rows, weights(`encoder.${name}.weight`), weights(`encoder.${name}.bias`)));

/** A function of rows [t · n, i], applied to [t, n, i]. */
function rowwise(x: Tensor, of: (rows: Tensor) => Tensor): Tensor {
  const [t, n, i] = x.shape as [number, number, number];
  const rows = of(reshape(x, [t * n, i]));
  return reshape(rows, [t, n, rows.shape[1]!]);
}

/** The auto-encoder (Eq. 4-6) over F(x, y) of every task, [t, n, features], in the given order. */
export function encodePairs(kind: AutoEncoder['kind'], pairs: Tensor, weights: Weights): TaskEmbeddings {
  const { states, decode } =
    kind === 'set' ? attended(pairs, encoderLayer(weights)) : recurrent(kind, pairs, weights);
  const [t, n, d] = states.shape as [number, number, number];
  return {
    embedding: reshape(mean(states, [1]), [t, d]),
    reconstruction: () => {
      const error = subtract(decode(), pairs);
      return multiply(sum(multiply(error, error)), 1 / n);
    },
  };
}

interface Encoded {
  /** z_ij, [t, n, state]. */
  readonly states: Tensor;
  /** d_ij, [t, n, features]. */
  readonly decode: () => Tensor;
}

/** States of a GRU over sequences [t, n, f], all tasks in step: [t, n, d] in the order of the sequence. */
function runSequence(x: Tensor, weights: Weights, layer: string, reverse: boolean): Tensor {
  const [t, n] = x.shape as [number, number];
  const inputs = rowwise(x, (rows) => projectInputs(rows, weights, layer));
  const gates = inputs.shape[2]!;
  const states: Tensor[] = [];
  let state = broadcast(x.graph.constant([0], [1, 1]), [t, gates / 3]);
  for (let i = 0; i < n; i++) {
    const j = reverse ? n - 1 - i : i;
    state = gatedStep(reshape(slice(inputs, 1, j, 1), [t, gates]), state, weights, layer);
    states[j] = reshape(state, [t, 1, gates / 3]);
  }
  return concat(states, 1);
}

/** The recurrent auto-encoder (Eq. 4). */
function recurrent(kind: AutoEncoder['kind'], pairs: Tensor, weights: Weights): Encoded {
  const states = concat(
    directionsOf(kind).map((direction) =>
      runSequence(pairs, weights, `encoder.${direction}`, direction === 'reverse'),
    ),
    2,
  );
  return { states, decode: () => runSequence(states, weights, 'encoder.backward', true) };
}

/** Every pair beside what it attends to among the others; the mean of such states has no order. */
function attended(pairs: Tensor, layer: EncoderLayer): Encoded {
  const hidden = relu(layer(pairs, 'hidden'));
  const [query, key, value] = ['query', 'key', 'value'].map((name) => layer(hidden, name)) as [
    Tensor,
    Tensor,
    Tensor,
  ];
  const scores = multiply(matmul(query, key, false, true), query.shape[2]! ** -0.5); // [t, n, n]
  const seen = matmul(softmax(scores), value);
  const states = relu(layer(concat([hidden, seen], 2), 'state'));
  return { states: add(states, hidden), decode: () => layer(states, 'decoder') };
}

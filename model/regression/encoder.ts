import type { Weights } from '../cell.ts';
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
import { dense } from '../layers.ts';
import { denseSpecifications } from '../parameters.ts';
import type { ParameterSpecification } from '../parameters.ts';
import { gatedStep, projectInputs } from '../recurrent.ts';
import type { RegressionConfiguration } from './configuration.ts';

export type EncoderConfiguration = RegressionConfiguration['encoder'];

export interface TaskEmbeddings {
  /** z_i (Eq. 6) of every task, [t, state]. */
  readonly embedding: Tensor;
  /** L_r (Eq. 5) summed over the tasks, each divided by its number of pairs, [1, 1, 1]; runs the decoder. */
  readonly reconstruction: () => Tensor;
}

/** `decodes` is false where nothing asks for the reconstruction. */
export function encoderSpecifications(
  { kind, features: f, state: d }: EncoderConfiguration,
  decodes = true,
): ParameterSpecification[] {
  const layer = (name: string, inputs: number, outputs: number): ParameterSpecification[] =>
    denseSpecifications('encoder', `encoder.${name}`, inputs, outputs);
  const pair = layer('pair', 2, f);
  if (kind === 'set')
    return [
      ...pair,
      ...layer('hidden', f, d),
      ...['query', 'key', 'value'].flatMap((name) => layer(name, d, d)),
      ...layer('state', 2 * d, d),
      ...(decodes ? layer('decoder', d, f) : []),
    ];
  const directions = directionsOf(kind);
  const part = d / directions.length;
  return [
    ...pair,
    ...directions.flatMap((direction) => [
      ...layer(`${direction}.input`, f, 3 * part),
      ...layer(`${direction}.state`, part, 3 * part),
    ]),
    ...(decodes ? [...layer('backward.input', d, 3 * f), ...layer('backward.state', f, 3 * f)] : []),
  ];
}

/** The encoder's directions share its state; the decoder is `backward` as in Eq. 4. */
const directionsOf = (kind: EncoderConfiguration['kind']): readonly ('forward' | 'reverse')[] =>
  kind === 'bidirectional' ? ['forward', 'reverse'] : ['forward'];

/** A function of rows [t · n, i], applied to [t, n, i]. */
function rowwise(x: Tensor, of: (rows: Tensor) => Tensor): Tensor {
  const [t, n, i] = x.shape as [number, number, number];
  const rows = of(reshape(x, [t * n, i]));
  return reshape(rows, [t, n, rows.shape[1]!]);
}

/** Task embeddings of support sets x, y [t, n, 1], in the order of the points. */
export function encodeTasks(
  { kind }: EncoderConfiguration,
  x: Tensor,
  y: Tensor,
  weights: Weights,
): TaskEmbeddings {
  const layer = (input: Tensor, name: string): Tensor =>
    rowwise(input, (rows) => dense(rows, weights(`encoder.${name}.weight`), weights(`encoder.${name}.bias`)));
  const pairs = relu(layer(concat([x, y], 2), 'pair')); // F(x, y): [t, n, f]
  const { states, decode } = kind === 'set' ? attended(pairs, layer) : recurrent(kind, pairs, weights);
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
  /** d_ij, [t, n, f]. */
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
function recurrent(kind: EncoderConfiguration['kind'], pairs: Tensor, weights: Weights): Encoded {
  const states = concat(
    directionsOf(kind).map((direction) =>
      runSequence(pairs, weights, `encoder.${direction}`, direction === 'reverse'),
    ),
    2,
  );
  return { states, decode: () => runSequence(states, weights, 'encoder.backward', true) };
}

/** Every pair beside what it attends to among the others; the mean of such states has no order. */
function attended(pairs: Tensor, layer: (input: Tensor, name: string) => Tensor): Encoded {
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

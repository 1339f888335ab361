import type { ModelConfiguration } from '../configuration.ts';
import {
  cellNames,
  edgeCount,
  firstEdgeOf,
  operationNames,
  sourcesOf,
  targetsOf,
} from '../search-space/genotype.ts';
import {
  add,
  broadcast,
  divide,
  log,
  multiply,
  relu,
  reshape,
  slice,
  softmax,
  sum,
} from '../graph/operations.ts';
import type { Tensor } from '../graph/primitives.ts';
import { tapMixName } from '../search-space/mix-names.ts';
import { tapSlots, sourceNames, slotOutputs } from '../search-space/taps.ts';
import { dense } from '../layers/primitive-layers.ts';
import { mixName } from '../search-space/mix-names.ts';
import type { Weights } from '../graph/weights.ts';
import type { Values } from '../graph/programs.ts';
import type { RelaxedTaps, RelaxedArchitecture } from '../search-space/genotype.ts';
import type { ParameterSpecification } from '../layers/parameter-specification.ts';
import { denseSpecifications } from '../layers/parameter-specification.ts';

/** Weights of a relaxed architecture, rows that sum to one. */
export interface ArchitectureTensors {
  /** [2 · edges, 8] */
  readonly alpha: Tensor;
  /** α before path dropout. */
  readonly probabilities: Tensor;
  /** [1, taps] by the names of the supernet's inputs; none without a trunk. */
  readonly slots: Readonly<Record<string, Tensor>>;
}

/**
 * α_i = A(z_i): architecture weights [2 · edges, 8], rows that sum to one; edges source-major, normal cell first; on a
 * trunk also the weights of every slot's taps.
 * `mask` is the path dropout: 0 drops a candidate operation, and the others of its edge share its weight. Below 1 the
 * `alphaTemperature` [1, 1] sharpens the softmax: annealed towards 0, α becomes one-hot by itself (MetaNAS).
 */
export function architecture(
  configuration: ModelConfiguration,
  embedding: Tensor,
  { mask, alphaTemperature }: { readonly mask: Tensor | null; readonly alphaTemperature: Tensor },
  weights: Weights,
): ArchitectureTensors {
  const { controller, supernet } = configuration;
  const rows = cellNames.length * edgeCount(supernet.nodes);
  const hidden =
    controller.kind === 'shared'
      ? null
      : relu(dense(embedding, weights('controller.hidden.weight'), weights('controller.hidden.bias')));
  const logits = hidden
    ? dense(hidden, weights('controller.alpha.weight'), weights('controller.alpha.bias'))
    : weights('controller.alpha');
  const sharpened = divide(logits, broadcast(alphaTemperature, logits.shape));
  const operations = rows * operationNames.length;
  const slots = slotWeights(configuration, sharpened, operations);
  const probabilities = softmax(reshape(slice(sharpened, 1, 0, operations), [rows, operationNames.length]));
  if (!mask) return { alpha: probabilities, probabilities, slots };
  const kept = multiply(probabilities, mask);
  return { alpha: divide(kept, broadcast(sum(kept, [1]), kept.shape)), probabilities, slots };
}

/** Keeps the logarithm of a probability finite. */
const leastProbability = 1e-12;

/**
 * How undecided an architecture is: the mean over edges and slots of the entropy of their weights, in parts of its largest,
 * 0 to 1. Of the weights before path dropout.
 */
export function architectureEntropy({
  probabilities,
  slots,
}: Pick<ArchitectureTensors, 'probabilities' | 'slots'>): Tensor {
  const parts = [probabilities, ...Object.values(slots)].filter(({ shape }) => shape[1]! > 1);
  const totals = parts.map((p) =>
    multiply(sum(multiply(p, log(add(p, leastProbability)))), -1 / Math.log(p.shape[1]!)),
  );
  const rows = parts.reduce((count, { shape }) => count + shape[0]!, 0);
  return multiply(
    totals.reduce((sofar, own) => add(sofar, own)),
    1 / rows,
  );
}

/** The weights of the taps of every slot, [1, taps] by the names of the supernet's inputs, from `start` of the logits on. */
function slotWeights(
  configuration: ModelConfiguration,
  logits: Tensor,
  start: number,
): Record<string, Tensor> {
  let at = start;
  return Object.fromEntries(
    tapSlots(configuration).map(({ name, taps }) => {
      const own = softmax(slice(logits, 1, at, taps.length));
      at += taps.length;
      return [tapMixName(name), own];
    }),
  );
}

/** The supernet's inputs [edges, 7] by name, out of architecture weights [2 · edges, 8] (zero needs no input). */
export function architectureInputs({ supernet }: ModelConfiguration, alpha: Tensor): Record<string, Tensor> {
  const { nodes } = supernet;
  const entries = cellNames.flatMap((cell, c) =>
    sourcesOf(nodes).map((source) => {
      const first = c * edgeCount(nodes) + firstEdgeOf(source, nodes);
      const rows = slice(alpha, 0, first, targetsOf(source, nodes).length);
      return [mixName(cell, source), slice(rows, 1, 1, operationNames.length - 1)] as const;
    }),
  );
  return Object.fromEntries(entries);
}

/** The weights of taps and sources among the results of the embedding. */
export function relaxedTaps(configuration: ModelConfiguration, results: Values): RelaxedTaps {
  const named = (names: readonly string[], values: Float32Array): Record<string, number> =>
    Object.fromEntries(names.map((name, i) => [name, values[i]!]));
  const slots = tapSlots(configuration).map(({ name, taps }) => {
    const names = taps.map((tap) => tap.name);
    return [name, named(names, results[tapMixName(name)]!)] as const;
  });
  return {
    slots: Object.fromEntries(slots) as RelaxedTaps['slots'],
    shares: named(sourceNames(configuration), softmaxOf(results['shares']!)),
  };
}

function softmaxOf(logits: Float32Array): Float32Array {
  const largest = Math.max(...logits);
  const exponentials = logits.map((x) => Math.exp(x - largest));
  const total = exponentials.reduce((sum, x) => sum + x, 0);
  return exponentials.map((x) => x / total);
}

/** The supernet's architecture inputs of concrete architecture weights; on a trunk those of its slots, too. */
export function architectureValues(
  architecture: RelaxedArchitecture,
  configuration: ModelConfiguration,
): Record<string, Float32Array> {
  const { nodes } = configuration.supernet;
  const taps = tapSlots(configuration).map(({ name, taps: own }) => {
    const weights = architecture.taps?.slots[name] ?? {};
    return [tapMixName(name), Float32Array.from(own, (tap) => weights[tap.name] ?? 0)] as const;
  });
  const width = operationNames.length;
  const entries = cellNames.flatMap((cell) =>
    sourcesOf(nodes).map((source) => {
      const edges = targetsOf(source, nodes).length;
      const first = firstEdgeOf(source, nodes);
      const mix = new Float32Array(edges * (width - 1));
      for (let e = 0; e < edges; e++) {
        const row = (first + e) * width;
        mix.set(architecture[cell].subarray(row + 1, row + width), e * (width - 1));
      }
      return [mixName(cell, source), mix] as const;
    }),
  );
  return Object.fromEntries([...entries, ...taps]);
}

/** The controller's layers, or its one α for all tasks. */
export function controllerSpecifications(configuration: ModelConfiguration): ParameterSpecification[] {
  const { supernet, encoder, controller } = configuration;
  const outputs =
    cellNames.length * edgeCount(supernet.nodes) * operationNames.length + slotOutputs(configuration);
  if (controller.kind === 'shared')
    return [{ name: 'controller.alpha', shape: [1, outputs], group: 'controller', deviation: 1e-3, mean: 0 }];
  return [
    ...denseSpecifications('controller', 'controller.hidden', encoder.state, controller.hidden),
    ...denseSpecifications('controller', 'controller.alpha', controller.hidden, outputs, 0.1),
  ];
}

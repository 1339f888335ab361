import { childWeights } from '../../model/network/child.ts';
import { exactSteps } from '../../model/configuration.ts';
import type { ModelConfiguration } from '../../model/configuration.ts';
import { gradient } from '../../model/graph/gradient.ts';
import type { Graph } from '../../model/graph/graph.ts';
import {
  broadcast,
  crossEntropy,
  exp,
  multiply,
  reshape,
  slice,
  stop,
  subtract,
} from '../../model/graph/operations.ts';
import type { Tensor } from '../../model/graph/primitives.ts';
import { features } from '../../model/network/features.ts';
import type { Weights } from '../../model/graph/weights.ts';
import type { NetworkKind } from '../../model/network/features.ts';
import { headLogits, headOf, initialHead } from '../../model/head/linear-head.ts';
import { rateColumns } from '../../model/network/weights.ts';
import type { MetaTask } from '../../model/task/labelled-set.ts';
import { joined } from '../../model/task/labelled-set.ts';

/**
 * The same values behind a node that nothing folds away: the inner gradient is taken at the head's initial weights,
 * not through them into the network that they came from, and a bias of zeros stays a variable.
 */
const opaque = (x: Tensor): Tensor => x.graph.node('pad', [x], { axis: 0, before: 0, after: 0 });

type Tensors = Readonly<Record<string, Tensor>>;

const mapTensors = (tensors: Tensors, f: (tensor: Tensor, i: number) => Tensor): Record<string, Tensor> =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor], i) => [name, f(tensor, i)]));

/** A task and the network that adapts to it. */
export interface Unrolled {
  readonly graph: Graph;
  readonly configuration: ModelConfiguration;
  readonly network: NetworkKind;
  readonly task: MetaTask;
  /** Initial weights, architecture inputs and the head's parameters. */
  readonly start: Weights;
  /** Names of the network's own weights, which the inner loop adapts with the head. */
  readonly body: readonly string[];
}

/** The rate of step k for an adapted tensor, by its definition. */
function rateOf({ configuration, network, start }: Unrolled, k: number, name: string, like: Tensor): Tensor {
  const { innerLoop } = configuration;
  if (innerLoop.rates === 'fixed')
    return broadcast(
      like.graph.constant(
        [innerLoop.learningRate],
        like.shape.map(() => 1),
      ),
      like.shape,
    );
  const parts = network.kind === 'child' ? childWeights(configuration, network.genotype) : [];
  const tensor = parts.find((part) => part.name === name)?.from ?? name;
  const column = rateColumns(configuration).indexOf(tensor);
  const factor = exp(slice(slice(start('inner.rates'), 0, k, 1), 1, column, 1));
  const ones = like.shape.map(() => 1);
  return broadcast(reshape(multiply(factor, innerLoop.learningRate), ones), like.shape);
}

/** The query loss after the inner loop as one graph, in which the inner gradients are ordinary nodes. */
export function unrolledLoss(unrolled: Unrolled): Tensor {
  const { graph, configuration, network, task, start, body } = unrolled;
  const { size, support, query } = task;
  const { normalization, innerLoop, image, head } = configuration;
  const imagesOf = (name: string, count: number): Tensor =>
    graph.input(`${name}.images`, [count, 3, image.size, image.size]);
  const run = (pixels: Tensor, weights: Weights, counted: number): Tensor =>
    features(configuration, network, pixels, weights, counted).features;
  const pixels = imagesOf('support', support.count);
  const targets = graph.input('support.targets', [support.count, size.way]);
  const onSupport = (weights: Weights): Tensor => run(pixels, weights, support.count);
  const { weight, bias } = initialHead(graph, head.kind, start, {
    features: () => onSupport(start),
    targets,
    scale: () => start('head.scale'),
  });
  const initial = {
    ...Object.fromEntries(body.map((name) => [name, start(name)])),
    'head.weight': weight,
    'head.bias': bias,
  };
  let current = mapTensors(initial, opaque);
  const weights: Weights = (name) => current[name] ?? start(name);
  const together = normalization.statistics === 'support';
  const count = together ? support.count + query.count : query.count;
  const asked = imagesOf(together ? 'both' : 'query', count);
  const answered = graph.input('query.targets', [query.count, size.way]);
  for (let k = 0; k < innerLoop.steps; k++) {
    const down = gradient(
      crossEntropy(headLogits(onSupport(weights), headOf(weights)), targets),
      Object.values(current),
    );
    const exact = k >= innerLoop.steps - exactSteps(configuration);
    current = Object.fromEntries(
      Object.entries(current).map(([name, x], i) => {
        const direction = exact ? down[i]! : stop(down[i]!);
        return [name, subtract(x, multiply(direction, rateOf(unrolled, k, name, x)))];
      }),
    );
  }
  const all = run(asked, weights, together ? support.count : count);
  const logits = headLogits(together ? slice(all, 0, support.count, query.count) : all, headOf(weights));
  return crossEntropy(logits, answered);
}

/** What `unrolledLoss` reads of the task. */
export const taskInputs = ({ support, query }: MetaTask): Record<string, Float32Array> => ({
  'support.images': support.images,
  'support.targets': support.targets,
  'query.images': query.images,
  'query.targets': query.targets,
  'both.images': joined(support.images, query.images),
});

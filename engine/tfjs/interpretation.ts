import type { Tensor } from '@tensorflow/tfjs-core';
import { orderWithoutBroadcasts, readInputs } from '../../model/graph/broadcasts.ts';
import type { TensorValue, TensorValues } from '../../model/graph/executor.ts';
import type { GraphFunction } from '../../model/graph/graph.ts';
import { applyRule } from '../../model/graph/primitives.ts';
import type { Tensor as Node } from '../../model/graph/primitives.ts';
import type { Tfjs } from './backend.ts';
import { tfjsRules } from './rules.ts';

/** One node of a graph; positions are places in the order of the steps. */
interface Step {
  readonly node: Node;
  readonly reads: readonly number[];
  /** values that no later step reads */
  readonly frees: readonly number[];
}

/** A graph function as a list of tfjs operations: ordered once, its constants kept on the device. */
export class Interpretation {
  readonly #tf: Tfjs;
  readonly #steps: readonly Step[];
  readonly #outputs: readonly (readonly [name: string, position: number])[];
  readonly #constants: ReadonlyMap<Node, Tensor>;

  constructor(tf: Tfjs, { outputs }: GraphFunction) {
    const order = orderWithoutBroadcasts(Object.values(outputs));
    const positions = new Map(order.map((node, position) => [node, position]));
    const constants = order.filter(({ primitive }) => primitive === 'constant');
    this.#tf = tf;
    this.#steps = stepsOf(order, positions, new Set([...constants, ...Object.values(outputs)]));
    this.#outputs = Object.entries(outputs).map(([name, node]) => [name, positions.get(node)!]);
    this.#constants = new Map(constants.map((node) => [node, applyRule(tfjsRules, node, tf, [], {})]));
  }

  /** The declared inputs. */
  get inputs(): Node<'input'>[] {
    return this.#steps.flatMap(({ node }) => (isInput(node) ? [node] : []));
  }

  /** Runs every step; nothing but the constants stays in tfjs's memory, also after an error. */
  run(given: TensorValues): Record<string, TensorValue> {
    const tf = this.#tf;
    const results: Record<string, TensorValue> = {};
    tf.tidy(() => {
      const values: Tensor[] = [];
      for (const { node, reads, frees } of this.#steps) {
        const inputs = reads.map((position) => values[position]!);
        values.push(
          this.#constants.get(node) ?? tf.tidy(() => applyRule(tfjsRules, node, tf, inputs, given)),
        );
        for (const position of frees) values[position]!.dispose();
      }
      // copies: on the CPU a tensor may be the very array of an input, of a constant or of another output
      for (const [name, position] of this.#outputs)
        results[name] = {
          data: Float32Array.from(values[position]!.dataSync()),
          shape: values[position]!.shape,
        };
    });
    return results;
  }

  dispose(): void {
    for (const tensor of this.#constants.values()) tensor.dispose();
  }
}

const isInput = (node: Node): node is Node<'input'> => node.primitive === 'input';

function stepsOf(
  order: readonly Node[],
  positions: ReadonlyMap<Node, number>,
  kept: ReadonlySet<Node>,
): Step[] {
  const read = new Set(kept); // by a later step
  const steps = order.toReversed().map((node): Step => {
    const inputs = readInputs(node);
    const frees = new Set(inputs.filter((input) => !read.has(input)));
    for (const input of inputs) read.add(input);
    const at = (tensor: Node): number => positions.get(tensor)!;
    return { node, reads: inputs.map(at), frees: [...frees].map(at) };
  });
  return steps.reverse();
}

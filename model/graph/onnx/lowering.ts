import { orderWithoutBroadcasts, readInputs } from '../broadcasts.ts';
import type { GraphFunction } from '../graph.ts';
import { applyRule } from '../primitives.ts';
import type { Tensor } from '../primitives.ts';
import type { Shape } from '../shapes.ts';
import { encodeModel } from './encode.ts';
import type { OnnxModel, OnnxNode, OnnxValueInfo } from './encode.ts';
import { Emitter } from './emitter.ts';
import { loweringRules } from './rules.ts';

export interface LoweringOptions {
  /** Name of a symbolic first axis of all inputs and outputs; without it, shapes are static. */
  readonly dynamicBatch?: string;
  /** Only standard ONNX operators: for files that other runtimes and providers run. */
  readonly portable?: boolean;
  /** Also operators of onnxruntime's CPU provider that no other has. */
  readonly blocked?: boolean;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly documentation?: string;
}

/** The highest opset that the exported files may use (LayerNormalization came with it). */
const opset = 17;

/** `toOnnxModel` as bytes. The same function gives the same bytes. */
export const toOnnx = (built: GraphFunction, options: LoweringOptions = {}): Uint8Array =>
  encodeModel(toOnnxModel(built, options));

/**
 * Lowers a graph function to an ONNX model.
 * Throws GraphError where a dynamic batch axis would be lost in a reshape.
 */
export function toOnnxModel({ name, outputs }: GraphFunction, options: LoweringOptions = {}): OnnxModel {
  const roots = Object.values(outputs);
  const order = orderWithoutBroadcasts(roots);
  const emitter = new Emitter(order, options);
  for (const node of order) {
    if (node.primitive === 'input') emitter.bind(node, (node as Tensor<'input'>).attributes.name);
    else emitter.bind(node, applyRule(loweringRules, node, emitter, readInputs(node)));
  }
  for (const [output, tensor] of Object.entries(outputs))
    emitter.emitAs(output, 'Identity', [emitter.nameOf(tensor)]);
  const dimensions = (shape: Shape): (number | string)[] =>
    shape.map((axis, i) => (i === 0 && options.dynamicBatch ? options.dynamicBatch : axis));
  const describe = (label: string, tensor: Tensor): OnnxValueInfo => ({
    name: label,
    shape: dimensions(tensor.shape),
  });
  const inputs = order.filter((node): node is Tensor<'input'> => node.primitive === 'input');
  return {
    name,
    opset,
    ...(emitter.domains.size > 0
      ? { domains: [...emitter.domains].sort().map((domain) => ({ domain, version: 1 })) }
      : {}),
    nodes: withoutUnread(emitter.nodes, Object.keys(outputs)),
    initializers: emitter.initializers,
    inputs: inputs.map((node) => describe(node.attributes.name, node)),
    outputs: Object.entries(outputs).map(([label, tensor]) => describe(label, tensor)),
    ...(options.metadata ? { metadata: options.metadata } : {}),
    ...(options.documentation ? { documentation: options.documentation } : {}),
  };
}

/** Without the nodes that no other node and no output of the model reads: a rule may read past its node's inputs. */
function withoutUnread(nodes: readonly OnnxNode[], outputs: readonly string[]): OnnxNode[] {
  const read = new Set(outputs);
  const backwards = [...nodes].reverse().filter((node) => {
    const needed = node.outputs.some((name) => read.has(name));
    if (needed) for (const name of node.inputs) read.add(name);
    return needed;
  });
  return backwards.reverse();
}

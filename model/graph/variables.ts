import type { Weights } from './weights.ts';
import type { Seed } from './gradient.ts';
import type { Graph } from './graph.ts';
import type { Tensor } from './primitives.ts';
import type { Shape } from './shapes.ts';

/** A named, shaped quantity that the inner loop adapts or reads. */
export interface Variable {
  readonly name: string;
  readonly shape: Shape;
}

/** The weights of a graph as its inputs; only those that are asked for become inputs. */
export function inputWeights(graph: Graph, variables: readonly Variable[]): Weights {
  const shapes = new Map(variables.map(({ name, shape }) => [name, shape]));
  return (name) => graph.input(name, shapes.get(name) ?? undeclared(name));
}

/** Outputs, each with an input that takes its cotangent. */
export const seedsOf = (outputs: Readonly<Record<string, Tensor>>): Seed[] =>
  Object.entries(outputs).map(([name, output]) => ({
    output,
    cotangent: output.graph.input(`cotangent.${name}`, output.shape),
  }));

/** Refuses a weight that a network asks for and does not list. */
export function undeclared(name: string): never {
  throw new Error(`the network asks for an undeclared weight ${name}`);
}

import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import type { ModelConfiguration } from '../configuration.ts';
import { multiplyAddsOf } from '../graph/arithmetic.ts';
import type { GraphFunction } from '../graph/graph.ts';
import { solvedNetwork } from '../inner-loop/solved-network.ts';
import { TaskGraphs } from '../inner-loop/step-graphs.ts';
import { fittedFunction } from '../inner-loop/unrolled-graphs.ts';
import type { TaskSize } from '../task/labelled-set.ts';
import { viewCount } from '../task/views.ts';
import { viewPlan } from './support-views.ts';

/** What an adaptation takes of one view of one image of the support set, in multiply-adds. */
export interface AdaptationCost {
  /** of the last pass, whatever the number of inner steps */
  readonly once: number;
  /** of every inner step: forward and backward */
  readonly step: number;
}

/**
 * Two sizes of support set: what an image adds is told by the difference, which what grows with its square
 * enters, too.
 */
const small: TaskSize = { way: 2, support: 4 };
const large: TaskSize = { way: 20, support: 200 };

/**
 * What adapting by a checkpoint costs, counted on the graphs of its first architecture; of one that chooses
 * among all, on those of the one-shot model, which is more. The embedding is not counted: it takes a
 * hundredth of five steps.
 */
export function adaptationCost({ configuration, genotypes }: Checkpoint): AdaptationCost {
  const [genotype] = genotypes;
  if (configuration.trunk) {
    const { graphs } = solvedNetwork(configuration, genotype ?? null);
    return { once: perImage((size) => graphs.fitted(size)), step: perImage((size) => graphs.step(size)) };
  }
  const kind = genotype ? ({ kind: 'child', genotype } as const) : ({ kind: 'supernet' } as const);
  const graphs = new TaskGraphs(configuration, kind);
  return {
    once: perImage((size) => fittedFunction(graphs, size)),
    step: perImage((size) => graphs.step(size)),
  };
}

/** Multiply-adds that one more image brings. */
function perImage(build: (size: TaskSize) => GraphFunction): number {
  const [few, many] = [small, large].map((size) => multiplyAddsOf(Object.values(build(size).outputs)));
  return Math.ceil((many! - few!) / (large.support - small.support));
}

/** Views of a support set of this size that an adaptation may look at, the mirror images among them. */
export const viewsOf = (views: Pick<ModelConfiguration, 'mirroring' | 'crops'>, size: TaskSize): number =>
  size.support * viewCount(viewPlan(views, size));

/**
 * Multiply-adds of `steps` inner steps on so many views, as an estimate: two networks of a checkpoint
 * differ by some percent.
 */
export const multiplyAddsOfSteps = ({ once, step }: AdaptationCost, views: number, steps: number): number =>
  views * (once + steps * step);

import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import type { ModelConfiguration } from '../configuration.ts';
import { multiplyAddsOf } from '../graph/arithmetic.ts';
import type { GraphFunction } from '../graph/graph.ts';
import { graphMemory } from '../graph/memory.ts';
import { solvedNetwork } from '../inner-loop/solved-network.ts';
import { TaskGraphs } from '../inner-loop/step-graphs.ts';
import { fittedFunction } from '../inner-loop/unrolled-graphs.ts';
import type { TaskSize } from '../task/labelled-set.ts';
import { viewCount } from '../task/views.ts';
import { viewPlan } from './support-views.ts';

/** What an adaptation takes of one view of one image of the support set, in multiply-adds, and of memory in all. */
export interface AdaptationCost {
  /** of the last pass, whatever the number of inner steps */
  readonly once: number;
  /** of every inner step: forward and backward */
  readonly step: number;
  readonly memory: {
    /** without inner steps */
    readonly once: AdaptationMemory;
    /** with inner steps, however many */
    readonly stepped: AdaptationMemory;
  };
}

/** Bytes of the values that are alive at the same time, in any of an adaptation's graphs. */
export interface AdaptationMemory {
  /** whatever the support set */
  readonly atLeast: number;
  /** of every view of an image */
  readonly view: number;
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
    // rows are given once, and stay where they are
    return costOf(
      (size) => graphs.fitted(size),
      (size) => graphs.step(size),
      1,
    );
  }
  const kind = genotype ? ({ kind: 'child', genotype } as const) : ({ kind: 'supernet' } as const);
  const graphs = new TaskGraphs(configuration, kind);
  // pixels as floats: of every image, of all in order, and with the mirror images
  return costOf(
    (size) => fittedFunction(graphs, size),
    (size) => graphs.step(size),
    3,
  );
}

/** @param copies of what the graphs read */
function costOf(
  last: (size: TaskSize) => GraphFunction,
  inner: (size: TaskSize) => GraphFunction,
  copies: number,
): AdaptationCost {
  const [once, step] = [measured(last, copies), measured(inner, copies)];
  return {
    once: once.multiplyAdds,
    step: step.multiplyAdds,
    memory: {
      once: { atLeast: once.atLeast, view: once.view },
      stepped: {
        atLeast: Math.max(once.atLeast, step.atLeast),
        view: Math.max(once.view, step.view),
      },
    },
  };
}

/** What one more image brings. */
function measured(
  build: (size: TaskSize) => GraphFunction,
  copies: number,
): AdaptationMemory & { readonly multiplyAdds: number } {
  const [few, many] = [small, large].map((size) => {
    const built = build(size);
    const { inputs, peak } = graphMemory(built);
    return { multiplyAdds: multiplyAddsOf(Object.values(built.outputs)), bytes: copies * inputs + peak };
  });
  const perImage = (less: number, more: number): number =>
    Math.ceil((more - less) / (large.support - small.support));
  const view = perImage(few!.bytes, many!.bytes);
  return {
    multiplyAdds: perImage(few!.multiplyAdds, many!.multiplyAdds),
    atLeast: Math.max(0, few!.bytes - view * small.support),
    view,
  };
}

/** Bytes of the values of an adaptation of `steps` inner steps to so many views, as an estimate. */
export function bytesOfViews({ memory }: AdaptationCost, views: number, steps: number): number {
  const { atLeast, view } = steps > 0 ? memory.stepped : memory.once;
  return atLeast + views * view;
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

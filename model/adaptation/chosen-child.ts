import type { Values } from '../graph/programs.ts';
import type { Embedded, TaskRunner } from '../inner-loop/task-runner.ts';
import type { Genotype } from '../search-space/genotype.ts';
import type { AllowedGenotype } from './budget.ts';
import { isMirrored } from './mirror-images.ts';

/** What is said of a task's child before its embedding is known. */
export interface ChildOptions {
  /** Takes this architecture instead of the one that the controller decodes. */
  readonly genotype?: Genotype;
  /** What a budget leaves of the checkpoint's genotypes, one at least; all where absent. */
  readonly allowed?: readonly AllowedGenotype[] | undefined;
  /** Instead of what the embedding says. */
  readonly mirrored?: boolean;
}

/** The architectures that a task may have; none where one is asked for. */
export const choicesOf = (
  { genotypes }: TaskRunner,
  { genotype, allowed }: ChildOptions,
): readonly Genotype[] => (genotype ? [] : (allowed?.map((choice) => choice.genotype) ?? genotypes));

/** Whether a budget lets the child of a genotype answer by an image and its mirror image together. */
export const mayMirror = (genotype: Genotype, { allowed }: ChildOptions): boolean =>
  allowed?.find((choice) => choice.genotype === genotype)?.mirrored ?? true;

/**
 * The architecture of an embedded task's child, the one that the controller favours most of those that are allowed, and
 * whether it answers by an image and its mirror image together.
 */
export function chosenChild(
  runner: TaskRunner,
  parameters: Values,
  embedded: Embedded,
  options: ChildOptions,
): { readonly genotype: Genotype; readonly mirrored: boolean } {
  const genotype = options.genotype ?? runner.decode(embedded, choicesOf(runner, options));
  const mirrored =
    options.mirrored ??
    (mayMirror(genotype, options) && isMirrored(runner.configuration, parameters, embedded.embedding));
  return { genotype, mirrored };
}

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

/**
 * The architecture of an embedded task's child, the one that the controller favours most of those that are allowed, and
 * whether it answers by an image and its mirror image together.
 */
export function chosenChild(
  runner: TaskRunner,
  parameters: Values,
  { architecture, embedding }: Embedded,
  { genotype: forced, allowed, mirrored: asked }: ChildOptions,
): { readonly genotype: Genotype; readonly mirrored: boolean } {
  const genotype =
    forced ??
    runner.decode(
      architecture,
      allowed?.map((choice) => choice.genotype),
    );
  const chosen = allowed?.find((choice) => choice.genotype === genotype);
  const mirrored =
    asked ?? ((chosen?.mirrored ?? true) && isMirrored(runner.configuration, parameters, embedding));
  return { genotype, mirrored };
}

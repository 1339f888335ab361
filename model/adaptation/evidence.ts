import { labelsOf } from './adapt-task.ts';
import type { Embedded, TaskRunner } from '../inner-loop/task-runner.ts';
import { startValues } from '../inner-loop/solved-network.ts';
import type { SolvedAdaptation } from '../inner-loop/solved-steps.ts';
import type { Parameters } from '../layers/parameter-specification.ts';
import { highest } from '../search-space/genotype.ts';
import type { Genotype } from '../search-space/genotype.ts';
import { sizeKey, supportInputs } from '../task/labelled-set.ts';
import type { LabelledSet } from '../task/labelled-set.ts';

/**
 * Larger support sets are the controller's alone: so many images say that the deepest is best, and looking at every
 * architecture would take as long as adapting to it.
 */
const mostImages = 200;

type Evidence = Pick<SolvedAdaptation, 'set' | 'size'>;

/**
 * The architecture of a task on a trunk: that of the controller, unless the support set speaks for another. Each
 * architecture's head is solved without each image in turn, before any inner step; another one is taken where the
 * cross-entropy of the images so left out is less by more than its standard error. Of one image a class none can be left
 * out. The standard error is of the paired differences, so that what all find hard does not count.
 * @param decoded what the controller favours
 * @param choices the architectures that the task may have, `decoded` among them; their order decides between equals
 */
export async function genotypeByEvidence(
  runner: TaskRunner,
  parameters: Parameters,
  { modulated }: Pick<Embedded, 'modulated'>,
  { decoded, choices }: { readonly decoded: Genotype; readonly choices: readonly Genotype[] },
  evidence: Evidence,
): Promise<Genotype> {
  const { set, size } = evidence;
  const judged = judgedImages(set, size.way);
  if (choices.length < 2 || judged.length < 2 || size.support > mostImages) return decoded;
  const losses = new Map<Genotype, readonly number[]>();
  for (const genotype of choices) {
    const network = runner.solved(genotype);
    const { logits } = await runner.programs.run(
      `fitted ${network.graphs.key} ${sizeKey(size)}`,
      () => network.graphs.fitted(size),
      startValues(network, parameters, modulated),
      supportInputs(set),
    );
    losses.set(genotype, leftOutLosses(logits!, set, size.way, judged));
  }
  const own = losses.get(decoded)!;
  const best = highest(choices, (genotype) => -mean(losses.get(genotype)!))!;
  const gains = losses.get(best)!.map((loss, i) => own[i]! - loss);
  return mean(gains) > standardError(gains) ? best : decoded;
}

/** The images whose class has another one. */
function judgedImages(set: LabelledSet, way: number): number[] {
  const labels = labelsOf(set, way);
  const sizes = new Array<number>(way).fill(0);
  for (const label of labels) sizes[label]!++;
  return [...labels.keys()].filter((i) => sizes[labels[i]!]! > 1);
}

/** Cross-entropy of each judged image, by logits of a head without it. */
function leftOutLosses(
  logits: Float32Array,
  set: LabelledSet,
  way: number,
  judged: readonly number[],
): number[] {
  const labels = labelsOf(set, way);
  return judged.map((i) => {
    const own = logits.subarray(i * way, (i + 1) * way);
    const largest = Math.max(...own);
    const total = own.reduce((sum, logit) => sum + Math.exp(logit - largest), 0);
    return Math.log(total) + largest - own[labels[i]!]!;
  });
}

const mean = (values: readonly number[]): number => values.reduce((sum, x) => sum + x, 0) / values.length;

/** Of the mean of two values or more. */
function standardError(values: readonly number[]): number {
  const center = mean(values);
  const squares = values.reduce((sum, x) => sum + (x - center) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1) / values.length);
}

import { labelsOf } from './adapt-task.ts';
import { crossEntropyOf } from '../task/labelled-set.ts';
import { imagesLeftOut } from './left-out.ts';
import type { Embedded, TaskRunner } from '../inner-loop/task-runner.ts';
import { startValues } from '../inner-loop/solved-network.ts';
import { solvedFit } from '../inner-loop/solved-steps.ts';
import type { SolvedAdaptation } from '../inner-loop/solved-steps.ts';
import type { Parameters } from '../layers/parameter-specification.ts';
import { highest } from '../search-space/genotype.ts';
import type { Genotype } from '../search-space/genotype.ts';

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
  const labels = labelsOf(set, size.way);
  const left = imagesLeftOut(labels);
  if (choices.length < 2 || left.length < 2 || size.support > mostImages) return decoded;
  const losses = new Map<Genotype, readonly number[]>();
  for (const genotype of choices) {
    const network = runner.solved(genotype);
    const start = startValues(network, parameters, modulated);
    const { logits } = await solvedFit(runner, network, start, evidence);
    const own = (i: number) => logits!.subarray(i * size.way, (i + 1) * size.way);
    losses.set(
      genotype,
      left.map((i) => crossEntropyOf(own(i), labels[i]!)),
    );
  }
  const own = losses.get(decoded)!;
  const best = highest(choices, (genotype) => -mean(losses.get(genotype)!))!;
  const gains = losses.get(best)!.map((loss, i) => own[i]! - loss);
  return mean(gains) > standardError(gains) ? best : decoded;
}

const mean = (values: readonly number[]): number => values.reduce((sum, x) => sum + x, 0) / values.length;

/** Of the mean of two values or more. */
function standardError(values: readonly number[]): number {
  const center = mean(values);
  const squares = values.reduce((sum, x) => sum + (x - center) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1) / values.length);
}

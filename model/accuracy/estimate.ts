import { byCodePoint } from '../task/canonical-support.ts';
import { evaluationOf, mistakesOf } from './judgements.ts';
import type { ImagesEvaluation, Judgement, Mistake } from './judgements.ts';
import { foldsOf } from './folds.ts';
import type { Fold } from './folds.ts';
import { bestOf } from './ranking.ts';

/** How accurate a task is, and on which of its images it was wrong. */
export interface Estimated {
  readonly folds: number;
  readonly evaluation: ImagesEvaluation;
  /** `place` is that among the images that were given */
  readonly mistakes: readonly Mistake[];
}

/**
 * How accurate the task of a support set is on images that it has not seen: a network is adapted to the rest of every
 * fold and classifies what was left out. Undefined where there is nothing to leave out. The folds follow the order of the
 * files, `fileOrder`, whatever the order of the images.
 * @param classify the probabilities of the images left out, in the order of the labels that a network of the fold has
 */
export async function estimateAccuracy<T extends { readonly label: string; readonly order: string }>(
  images: readonly T[],
  classify: (fold: Fold<T>, index: number) => Promise<readonly Float32Array[]>,
): Promise<Estimated | undefined> {
  const folds = foldsOf(images.toSorted((a, b) => byCodePoint(a.order, b.order)));
  if (folds.length === 0) return undefined;
  const labels = [...new Set(images.map(({ label }) => label))].sort(byCodePoint);
  const judgements: Judgement[] = [];
  for (const [index, fold] of folds.entries()) {
    const probabilities = await classify(fold, index);
    fold.left.forEach((image, i) =>
      judgements.push({
        truth: labels.indexOf(image.label),
        given: bestOf(probabilities[i]!),
        place: images.indexOf(image),
      }),
    );
  }
  const evaluation = evaluationOf(labels, judgements);
  return { folds: folds.length, evaluation, mistakes: mistakesOf(labels, judgements) };
}

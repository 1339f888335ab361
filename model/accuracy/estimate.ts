import { byCodePoint } from '../task/canonical-support.ts';
import { evaluationOf } from './judgements.ts';
import type { ImagesEvaluation, Judgement } from './judgements.ts';
import { foldsOf } from './folds.ts';
import type { Fold } from './folds.ts';
import { bestOf } from './ranking.ts';

/**
 * How accurate the task of a support set is on images that it has not seen: a network is adapted to the rest of every
 * fold and classifies what was left out. Undefined where there is nothing to leave out. The folds follow the order of the
 * files, `fileOrder`, whatever the order of the images.
 * @param classify the probabilities of the images left out, in the order of the labels that a network of the fold has
 */
export async function estimateAccuracy<T extends { readonly label: string; readonly order: string }>(
  images: readonly T[],
  classify: (fold: Fold<T>, index: number) => Promise<readonly Float32Array[]>,
): Promise<{ readonly folds: number; readonly evaluation: ImagesEvaluation } | undefined> {
  const folds = foldsOf(images.toSorted((a, b) => byCodePoint(a.order, b.order)));
  if (folds.length === 0) return undefined;
  const labels = [...new Set(images.map(({ label }) => label))].sort(byCodePoint);
  const judgements: Judgement[] = [];
  for (const [index, fold] of folds.entries()) {
    const probabilities = await classify(fold, index);
    fold.left.forEach(({ label }, i) =>
      judgements.push({ truth: labels.indexOf(label), given: bestOf(probabilities[i]!) }),
    );
  }
  return { folds: folds.length, evaluation: evaluationOf(labels, judgements) };
}

import { placed, viewsOf } from '../../model/task/views.ts';
import type { View, ViewPlan } from '../../model/task/views.ts';
import { fold, keyFrom, uniform } from '../../model/random.ts';

/** Least area of a crop, as a part of the image's. */
const leastArea = 0.35;
/** Largest ratio of the parts of width and height that a crop has, and of height and width. */
const largestRatio = 4 / 3;

/**
 * The views that an image of a training class has: crops vary more than where tasks are served, 35 to 100 % of the area
 * at 3/4 to 4/3 of the image's own shape, and half of them are mirrored where the mirror image is a view.
 * @param hash of the image's content
 */
export const trainingViews = (
  domain: string,
  hash: number,
  size: { readonly width: number; readonly height: number },
  plan: ViewPlan,
): View[] =>
  viewsOf(size, plan, (number) => {
    const draws = uniform(fold(keyFrom(hash), 'training crop', domain, number), 5);
    const area = leastArea + (1 - leastArea) * draws[0]!;
    const ratio = largestRatio ** (2 * draws[1]! - 1);
    const across = Math.min(1, Math.sqrt(area * ratio));
    const down = Math.min(1, Math.sqrt(area / ratio));
    return {
      box: placed(size, across, down, draws[2]!, draws[3]!),
      mirrored: plan.mirror && draws[4]! < 0.5,
    };
  });

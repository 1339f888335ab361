import type { ModelConfiguration } from '../configuration.ts';
import type { TaskSize } from '../task/labelled-set.ts';
import type { ViewPlan } from '../task/views.ts';
import { mayMirror } from './mirror-images.ts';

/** Numbers of views, as `servedViews` numbers them where the mirror image is one: whole, mirror image, crops. */
export const wholeView = 0;
export const mirrorView = 1;
const firstCrop = 2;

/** The views that a support set of this size may be adapted to; the task's embedding says whether the mirror image is one. */
export const viewPlan = (
  configuration: Pick<ModelConfiguration, 'mirroring' | 'crops'>,
  size: TaskSize,
): ViewPlan => {
  const { crops } = configuration;
  return {
    mirror: mayMirror(configuration, size),
    crops: crops && size.support <= crops.shots * size.way ? crops.count : 0,
  };
};

/** The views of a plan by their numbers: the whole, its mirror image where `mirrored`, and the crops. */
export const viewsTaken = ({ mirror, crops }: ViewPlan, mirrored: boolean): number[] => [
  wholeView,
  ...(mirror && mirrored ? [mirrorView] : []),
  ...Array.from({ length: crops }, (_, crop) => firstCrop + crop),
];

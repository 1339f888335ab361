import * as z from 'zod';
import { viewPlan } from '../../model/adaptation/support-views.ts';
import type { Checkpoint } from '../../model/checkpoint/checkpoint.ts';
import type { ModelConfiguration } from '../../model/configuration.ts';
import type { ClassedDomain, Split } from '../data/domain.ts';
import { loadDomains } from '../data/domains.ts';
import type { SkipOptions } from '../data/skipped-images.ts';
import type { Source } from '../data/source.ts';
import { planesSchema } from '../planes/configuration.ts';
import type { PlanesConfiguration } from '../planes/configuration.ts';
import { planesOfModel, trunkCard } from '../planes/model-planes.ts';
import { planesOf } from '../planes/progress-bar.ts';
import type { EvaluatedDomains } from './evaluate-checkpoint.ts';

/** A split, or the classes of all splits as test classes. */
export type EvaluatedSplit = Split | 'every';

/** What a checkpoint is tested on. */
export interface Tested {
  readonly checkpoint: Checkpoint;
  /** The checkpoint's file, beside which its trunk may lie. */
  readonly path: string;
  /** Other checkpoints on the same trunk, which answer the same tasks. */
  readonly against: readonly Checkpoint[];
  readonly split: EvaluatedSplit;
  readonly shots: readonly number[];
  /** Most classes of a split whose planes are computed. */
  readonly classes: number;
  readonly workers: number;
}

/** What a checkpoint's file tells of the planes that it was trained with. */
const recordedSchema = z.object({ configuration: z.object({ planes: planesSchema }) });

/**
 * The images of sources as a checkpoint reads them: decoded, or the planes of its trunk, of a part of the classes.
 * @throws Error when the checkpoint's trunk is not there
 */
export async function domainsOfSources(
  sources: readonly Source[],
  { checkpoint, path, against, split, shots, classes, workers }: Tested,
  skip: SkipOptions,
): Promise<EvaluatedDomains> {
  const { configuration: model, training } = checkpoint;
  const trunk = trunkCard(path, model);
  if (trunk === undefined)
    return asSplit(await loadDomains(sources, model.image.size, () => undefined, skip), split);
  const models = [checkpoint, ...against].map(({ configuration }) => configuration);
  const views = viewsOfModels(models, shots);
  const part = { ...(split === 'every' ? {} : { split }), mostClasses: classes };
  const teacher = recordedSchema.safeParse(training).data?.configuration.planes.teacher;
  const configuration: PlanesConfiguration = {
    planes: planesOfModel(model, trunk, teacher),
    domains: sources.map((source) => ({ source, views, part })),
    workers,
  };
  return asSplit(await planesOf(configuration, undefined, skip), split);
}

/** The views of an image that any of the models has, in tasks of so many images a class. */
export function viewsOfModels(
  models: readonly Pick<ModelConfiguration, 'mirroring' | 'crops'>[],
  shots: readonly number[],
): { readonly mirror: boolean; readonly crops: number; readonly served: true } {
  const size = { way: 1, support: Math.min(...shots) };
  return {
    mirror: models.some(({ mirroring }) => mirroring !== undefined),
    crops: Math.max(...models.map((model) => viewPlan(model, size).crops)),
    served: true,
  };
}

/** Kept planes of a configuration's domains, of which the training may be the user. */
export const domainsOfPlanes = async (
  configuration: PlanesConfiguration,
  split: EvaluatedSplit,
  skip: SkipOptions,
): Promise<EvaluatedDomains> => asSplit(await planesOf(configuration, undefined, skip), split);

/** Of `every` split: all classes as test classes. */
const asSplit = <D extends ClassedDomain>(domains: readonly D[], split: EvaluatedSplit): readonly D[] =>
  split === 'every'
    ? domains.map((domain) => ({
        ...domain,
        classes: domain.classes.map((own) => ({ ...own, split: 'test' as const })),
      }))
    : domains;

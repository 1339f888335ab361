import type { Checkpoint } from '../../model/checkpoint/checkpoint.ts';
import { parameterSpecifications } from '../../model/parameters.ts';
import { ClassifyTrainer } from '../classify/classify-trainer.ts';
import type { ClassifyMetrics } from '../classify/classify-trainer.ts';
import type { TrainingConfiguration } from '../outer-loop/configuration.ts';
import type { PlaneDomain } from '../planes/plane-domain.ts';
import type { RunFolder } from '../run/run-folder.ts';

/** How the cells of a run are taught. */
export interface Teaching {
  /** Begins anew, or goes on from the saved state of the folder. */
  readonly from: 'new' | 'saved';
  readonly signal?: AbortSignal;
  readonly progress?: (metrics: ClassifyMetrics, total: number) => void;
}

/**
 * The checkpoint whose cells have learned to tell the classes of own images apart, from where they stand in it. What it has
 * otherwise stays, but its model is that of the configuration.
 * @param planes of all domains of the configuration, in its order
 * @returns undefined where the signal stopped it; then the folder has its state
 */
export async function withTaughtCells(
  checkpoint: Checkpoint,
  configuration: TrainingConfiguration,
  planes: readonly PlaneDomain[],
  folder: RunFolder,
  { from, signal, progress }: Teaching,
): Promise<Checkpoint | undefined> {
  const { classify, planes: kept, domains } = configuration;
  const own = { ...configuration, classify: classify!, planes: kept!, domains: domains.map(withViews) };
  if (from === 'new') await folder.begin(0); // a state of another run would be gone on with
  const classified = planes.map((domain) => ({ kind: 'planes', domain }) as const);
  const trainer = await ClassifyTrainer.start(own, classified, folder, from === 'new' ? checkpoint : 'saved');
  try {
    await trainer.run((metrics) => progress?.(metrics, classify!.iterations), signal);
    if (trainer.iteration < classify!.iterations) return undefined;
    return withCellsOf(checkpoint, trainer.checkpoint(), configuration);
  } finally {
    await trainer.close();
  }
}

const withViews = <D extends TrainingConfiguration['domains'][number]>(domain: D) => ({
  ...domain,
  views: domain.views ?? { mirror: false, crops: 0, served: false },
});

/** A checkpoint with the cells and the learned statistics of another, as one of the configuration's model. */
function withCellsOf(
  checkpoint: Checkpoint,
  { parameters: taught }: Checkpoint,
  { model }: TrainingConfiguration,
): Checkpoint {
  const cells = new Set(['weights', 'statistics']);
  const names = parameterSpecifications(model).flatMap(({ name, group }) => (cells.has(group) ? [name] : []));
  const own = Object.fromEntries(names.map((name) => [name, taught[name]!]));
  return { ...checkpoint, parameters: { ...checkpoint.parameters, ...own } };
}

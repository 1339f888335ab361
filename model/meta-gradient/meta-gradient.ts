import { scatterChild } from '../network/child.ts';
import type { ChildWeight } from '../network/child.ts';
import type { ModelConfiguration, Stage } from '../configuration.ts';
import type { Genotype } from '../search-space/genotype.ts';
import type { Values } from '../graph/programs.ts';
import { weightSpecifications } from '../network/weights.ts';
import type { Parameters } from '../layers/parameter-specification.ts';
import { sizeOf } from '../graph/shapes.ts';
import { cotangents, innerGradient } from './inner-gradient.ts';
import type { InnerGradient, TaskRun } from './inner-gradient.ts';
import type { Embedded, TaskNetwork, TaskRunner } from '../inner-loop/task-runner.ts';
import { embeddingPullback, modulationPullback } from '../controller/embedding-graphs.ts';
import type { MetaTask, Fit, LabelledSet, TaskSize } from '../task/labelled-set.ts';
import { architectureValues } from '../controller/architecture.ts';
import { noRelaxation, relaxationInputs } from '../controller/relaxation.ts';
import { sizeKey, supportInputs } from '../task/labelled-set.ts';
import type { Relaxation } from '../controller/relaxation.ts';

export interface MetaGradient {
  /** ∂(L_val + β L_r)/∂Θ of one task, by parameter name. */
  readonly gradients: Readonly<Record<string, Float32Array>>;
  readonly query: Fit;
  /** Before the first and before the last inner step; null without inner steps. */
  readonly support: { readonly before: Fit; readonly after: Fit } | null;
  /** L_r; 0 where it is not computed: of a conv4, and where the encoder is fixed. */
  readonly reconstruction: number;
  /** null for a conv4. */
  readonly genotype: Genotype | null;
}

export interface MetaGradientOptions {
  readonly stage: Stage;
  readonly reconstructionWeight: number;
  /** In `retrain`: the encoder stays as it is, so that every task keeps its architecture; there is no gradient for it. */
  readonly fixedEncoder?: boolean;
  /** Of the search; the other stages have none. */
  readonly relaxation: Relaxation;
  /** What the network is adapted to instead of the task's support set, of the same classes: that with its mirror images. */
  readonly adaptedTo?: LabelledSet;
}

/** How the inner loop and its reverse are computed: `innerGradient`, or one of the two ways that it chooses from. */
export type InnerMethod = typeof innerGradient;

/** The relaxation of a stage: none but in the search. */
export const relaxationOf = ({
  stage,
  relaxation,
}: Pick<MetaGradientOptions, 'stage' | 'relaxation'>): Relaxation =>
  stage === 'search' ? relaxation : noRelaxation;

/** The exact meta-gradient of one task (Eq. 9), second order through all inner steps. */
export async function metaGradient(
  runner: TaskRunner,
  parameters: Parameters,
  task: MetaTask,
  options: MetaGradientOptions,
  inner: InnerMethod = innerGradient,
): Promise<MetaGradient> {
  const { size, support } = task;
  const { stage } = options;
  const embedded = await runner.embed(parameters, support, size, relaxationOf(options));
  const { network, mixes, genotype } = chooseNetwork(runner, embedded, stage);
  const { adaptedTo = support } = options;
  const adapted: MetaTask = { ...task, support: adaptedTo, size: { ...size, support: adaptedTo.count } };
  const run: TaskRun = { runner, network, mixes, task };
  const result = await inner({ ...run, task: adapted }, parameters, embedded.modulated);
  const { query, fits } = result;
  const { reconstruction, ...gradients } = await gradientsOf(run, parameters, options, result, embedded);
  return {
    gradients,
    query,
    support: fits.length > 0 ? { before: fits[0]!, after: fits.at(-1)! } : null,
    reconstruction: reconstruction![0]!,
    genotype,
  };
}

/** Gradients of all of Θ; a conv4 has nothing before its weights. */
async function gradientsOf(
  { runner, network, task: { size, support } }: TaskRun,
  parameters: Parameters,
  options: MetaGradientOptions,
  { toModulated: own, toMixes, toOthers }: InnerGradient,
  { embedding }: Embedded,
): Promise<Record<string, Float32Array>> {
  const { configuration } = runner;
  if (configuration.network.kind === 'conv4')
    return { ...own, ...toOthers, reconstruction: new Float32Array(1) };
  const toModulated = network.child ? inOneShot(configuration, network.child, own) : own;
  const at = { support, size, embedding, toModulated, toMixes };
  return { ...(await pullToParameters(runner, parameters, options, at)), ...toOthers };
}

/**
 * The network that a stage runs: relaxed, zeroed to the decoded architecture, or the decoded child itself; in every stage
 * the conv4, where the model is one.
 */
export function chooseNetwork(
  runner: TaskRunner,
  embedded: Embedded,
  stage: Stage,
): { network: TaskNetwork; mixes: Values; genotype: Genotype | null } {
  const { architecture } = embedded;
  if (!architecture) return { network: runner.conv4(), mixes: {}, genotype: null };
  const genotype = runner.decode(embedded);
  if (stage === 'retrain') return { network: runner.child(genotype), mixes: {}, genotype };
  const used = stage === 'search' ? architecture : runner.oneHot(genotype);
  return { network: runner.supernet(), mixes: architectureValues(used, runner.configuration), genotype };
}

/** What the inner loop's reverse leaves where the embedding graph ends. */
export interface AtEmbedding {
  readonly support: LabelledSet;
  readonly size: TaskSize;
  /** z_i. */
  readonly embedding: Float32Array;
  /** Of what the controller makes of the one-shot model for the task: the modulated weights, on a trunk the conditions. */
  readonly toModulated: Values;
  /** Of the architecture. Straight through: those of the zeroed one are taken as those of the relaxed one. */
  readonly toMixes: Values;
}

/** Gradients by parameter name, and `reconstruction`, L_r itself. */
export async function pullToParameters(
  { configuration, programs }: TaskRunner,
  parameters: Parameters,
  options: Pick<MetaGradientOptions, 'stage' | 'reconstructionWeight' | 'fixedEncoder' | 'relaxation'>,
  { support, size, embedding, toModulated, toMixes }: AtEmbedding,
): Promise<Record<string, Float32Array>> {
  const { stage, reconstructionWeight, fixedEncoder } = options;
  const searching = stage !== 'retrain';
  if (fixedEncoder && !searching) {
    // without factors and conditions nothing lies between the weights and Θ
    const direct = configuration.modulator.kind === 'none' && !configuration.trunk;
    const pulled = direct
      ? toModulated
      : await programs.run(
          `modulation-pullback ${sizeKey(size)}`,
          () => modulationPullback(configuration, size),
          parameters,
          { embedding },
          cotangents(toModulated),
        );
    return { ...pulled, reconstruction: new Float32Array(1) };
  }
  const relaxation = relaxationOf(options);
  const { entropyWeight = 0 } = relaxation;
  const masked = relaxation.mask !== null;
  const deciding = entropyWeight > 0;
  return programs.run(
    `embedding-pullback ${sizeKey(size)} ${masked} ${searching} ${deciding} ${reconstructionWeight}`,
    () => embeddingPullback(configuration, size, { masked, searching, deciding, reconstructionWeight }),
    parameters,
    { ...supportInputs(support), ...relaxationInputs(relaxation) },
    deciding ? { 'entropy.weight': Float32Array.of(entropyWeight) } : {},
    cotangents(toModulated),
    cotangents(toMixes),
  );
}

/** A child's values put into zeros of the one-shot model's weights. */
export const inOneShot = (
  configuration: ModelConfiguration,
  child: readonly ChildWeight[],
  values: Values,
): Values =>
  scatterChild(
    child,
    values,
    Object.fromEntries(weightSpecifications(configuration).map(({ name, shape }) => [name, sizeOf(shape)])),
  );

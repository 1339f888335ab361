import { adaptTask } from '../../model/adaptation/adapt-task.ts';
import type { Checkpoint } from '../../model/checkpoint/checkpoint.ts';
import type { Executor, ModelRunner } from '../../model/graph/executor.ts';
import { fold, keyFrom } from '../../model/random.ts';
import type { ImageDomain, Split } from '../data/domain.ts';
import { sampleTask } from '../data/tasks.ts';
import type { LabelledImages } from '../data/tasks.ts';
import { areaUnderCurve } from '../report/statistics.ts';

export interface OpenSetPayload {
  readonly domain: string;
  readonly split: Split;
  readonly way: number;
  /** Classes that the queries have beside those of the support set. */
  readonly foreign: number;
  readonly shot: number;
  /** Query images a class, of the foreign ones too. */
  readonly query: number;
  readonly seed: number;
  readonly task: number;
}

/** How well the exported model of one task tells images of its classes from foreign ones; all in 0..1. */
export interface OpenSetEvaluation {
  /** Area under the ROC curve of the output `known`: 0.5 is chance. */
  readonly auroc: number;
  /** Images of the task's classes with `known` ≥ 0.5. */
  readonly accepted: number;
  /** Foreign images with `known` ≥ 0.5. */
  readonly foreignAccepted: number;
}

/** Adapts to one sampled task as the service does, and runs the exported model on queries of its classes and of others. */
export async function evaluateOpenSet(
  checkpoint: Checkpoint,
  { executor, models }: { readonly executor: Executor; readonly models: ModelRunner },
  domain: ImageDomain,
  payload: OpenSetPayload,
): Promise<OpenSetEvaluation> {
  const { way, foreign, shot, query, split, seed, task } = payload;
  const key = fold(keyFrom(seed), 'open set', domain.name, task);
  const drawn = sampleTask(key, domain, split, { way: way + foreign, shot, query });
  const length = 3 * drawn.size ** 2;
  const images = ({ images: pixels, labels }: LabelledImages, wanted: (label: number) => boolean) =>
    [...labels.entries()]
      .filter(([, label]) => wanted(label))
      .map(([i, label]) => ({
        label: String(label),
        pixels: pixels.subarray(i * length, (i + 1) * length),
      }));
  const own = (label: number): boolean => label < way;
  const { steps } = checkpoint.configuration.innerLoop;
  const { model } = await adaptTask(checkpoint, images(drawn.support, own), { steps }, executor);
  const known = images(drawn.query, own);
  const asked = [...known, ...images(drawn.query, (label) => !own(label))];
  const data = new Float32Array(asked.length * length);
  asked.forEach(({ pixels }, i) => data.set(pixels, i * length));
  const program = await models.model(`open set ${domain.name} ${shot} ${task}`, () => model);
  const shape = [asked.length, 3, drawn.size, drawn.size];
  const scores = (await program.run({ image: { data, shape } }))['known']!.data;
  const [inside, outside] = [scores.subarray(0, known.length), scores.subarray(known.length)];
  const accepted = (part: Float32Array): number => part.filter((score) => score >= 0.5).length / part.length;
  return {
    auroc: areaUnderCurve(inside, outside),
    accepted: accepted(inside),
    foreignAccepted: accepted(outside),
  };
}

import { isForeign } from '../model/adaptation/open-set.ts';
import { refusalStatus, service } from './api.ts';
import { ask } from './device/client.ts';
import { percent } from './format.ts';
import type { MadeTask } from './task.ts';

/** What a network says of an image. */
export interface Judgement {
  /** in the order of the task's labels */
  readonly probabilities: readonly number[];
  /** the probability to belong to one of the classes at all; networks of earlier versions do not tell */
  readonly known?: number | undefined;
}

/** A judgement, or why there is none. */
export type Answer = Judgement | Error;

/** An image's answers, by place; the same network has given both. */
export interface Answers {
  readonly browser?: Answer;
  readonly server?: Answer;
}

export const judgementOf = (answer: Answer | undefined): Judgement | undefined =>
  answer instanceof Error ? undefined : answer;

/** The one that is shown first: this browser's, where it could read the image. */
export const shownOf = ({ browser, server }: Answers): Judgement | undefined =>
  judgementOf(browser) ?? judgementOf(server);

const asError = (reason: unknown): Error => (reason instanceof Error ? reason : new Error(String(reason)));

/** What the exported network says here of a file, or of a frame of the camera, which is let go of. @throws as `ask` does */
export async function judge(
  { id, model, size }: MadeTask,
  image: File | ImageBitmap,
  signal: AbortSignal,
): Promise<Judgement> {
  const transfer = image instanceof File ? [] : [image];
  const request = { key: `task ${id}`, model, size, image };
  const { probabilities, known } = await ask('predict', request, { signal, transfer });
  return { probabilities: Array.from(probabilities), known };
}

/** The same of a file, or why there is none. */
export async function answerHere(task: MadeTask, file: File, signal: AbortSignal): Promise<Answer> {
  try {
    return await judge(task, file, signal);
  } catch (reason) {
    return asError(reason);
  }
}

/**
 * What the service says, with one request for all files. It refuses them all for one of them: then each half is asked for alone,
 * so that every other file has its answer.
 */
export async function answersOfService(
  task: Pick<MadeTask, 'id' | 'labels'>,
  files: readonly File[],
  signal: AbortSignal,
): Promise<readonly Answer[]> {
  try {
    const predictions = await service().predict(task.id, files, { signal });
    return predictions.map(({ probabilities, known }) => ({
      probabilities: task.labels.map((label) => probabilities[label]!),
      known,
    }));
  } catch (reason) {
    if (files.length === 1 || !isOfFile(reason)) return files.map(() => asError(reason));
    const half = files.length >> 1;
    const parts = [files.slice(0, half), files.slice(half)];
    return (await Promise.all(parts.map((part) => answersOfService(task, part, signal)))).flat();
  }
}

/** Whether a refusal can be one file's fault: it is empty, too large, of another format or broken. */
const isOfFile = (reason: unknown): boolean => [400, 413, 415, 422].includes(refusalStatus(reason) ?? 0);

/** What is made of a judgement: the class that is nearest, and whether the image is taken for one of none. */
export interface Verdict {
  readonly best: string;
  readonly probability: number;
  readonly foreign: boolean;
}

export function verdictOf(
  { probabilities, known }: Judgement,
  labels: readonly string[],
  threshold: number,
): Verdict {
  const probability = Math.max(...probabilities);
  return {
    best: labels[probabilities.indexOf(probability)]!,
    probability,
    foreign: known !== undefined && isForeign(known, threshold),
  };
}

/** A verdict in words, for who does not see the picture. */
export function spoken(name: string, { best, probability, foreign }: Verdict): string {
  return foreign ? `${name}: unknown, most like ${best}` : `${name}: ${best}, ${percent(probability)}`;
}

/** Of all numbers that both have. */
export function largestDifference(a: Judgement, b: Judgement): number {
  const differences = a.probabilities.map((value, i) => Math.abs(value - b.probabilities[i]!));
  if (a.known !== undefined && b.known !== undefined) differences.push(Math.abs(a.known - b.known));
  return Math.max(...differences);
}

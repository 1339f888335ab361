import {
  answerSeconds,
  ask,
  hasState,
  idOf,
  largeTask,
  later,
  patience,
  smallTask,
  until,
} from './client.ts';

/** How long tasks take on this machine at present, seconds. What is waited for has many times as long. */
export interface Pace {
  /** a task of points */
  readonly small: number;
  /** a task of 100 images */
  readonly large: number;
}

/** Images that a task has at least and at most. */
const [fewest, most] = [100, 1000];

/** Times a task of each size, from its post until it is ready. */
export async function measuredPace(url: string): Promise<Pace> {
  const time = async (task: RequestInit) => {
    const begun = performance.now();
    const id = idOf(await ask(`${url}/v1/tasks`, later(task)));
    await until(`${url}/v1/tasks/${id}/progress`, hasState('ready'), answerSeconds);
    return (performance.now() - begun) / 1000;
  };
  const small = await time(smallTask(0));
  return { small, large: await time(await largeTask(0)) };
}

/** Seconds within which a task of so many images must be ready. */
export const patienceFor = ({ large }: Pace, images: number): number => patience((large * images) / 100);

/** Images of a task whose making takes so many seconds, as far as a task may have them. */
export const imagesFor = ({ large }: Pace, seconds: number): number =>
  Math.min(most, Math.max(fewest, Math.ceil((100 * seconds) / large)));

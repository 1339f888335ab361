import { setTimeout as wait } from 'node:timers/promises';
import sharp from 'sharp';
import { fold, keyFrom, uniform } from '../../model/random.ts';

/** An answer as the trials look at it. */
export interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  readonly ms: number;
}

/** Within which an answer comes, seconds: longer than anything takes that is asked for, on the slowest machine. */
export const answerSeconds = 1800;
/** What is waited for may take so many times as long as it was measured to: other work on the machine comes and goes. */
const slower = 10;
/** Whatever was measured, as long as that is waited. */
const leastPatience = 60;

/** Seconds that are waited for what was measured to take so many. */
export const patience = (measured: number): number => Math.max(leastPatience, slower * measured);

/** Asks once; whatever it answers is JSON. @throws where nothing answers */
export async function ask(url: string, options: RequestInit = {}): Promise<Answer> {
  const begun = performance.now();
  const answer = await fetch(url, { ...options, signal: AbortSignal.timeout(answerSeconds * 1000) });
  const text = await answer.text();
  const body = (text.startsWith('{') ? JSON.parse(text) : {}) as Answer['body'];
  return { status: answer.status, body, ms: performance.now() - begun };
}

/** A task of points that differs by its number: a second of work at most. */
export const smallTask = (number: number): RequestInit => ({
  method: 'POST',
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify({ support: [0, 1, 2, 3].map((x) => [x, Math.sin(x + number)]) }),
});

const asynchronously = { Prefer: 'respond-async' };

export const later = (request: RequestInit): RequestInit => ({
  ...request,
  headers: { ...(request.headers as Record<string, string>), ...asynchronously },
});

/** Of a large task, one image in turn for each. */
const classes = 20;

/** A task of so many images that differs by its number: some seconds of work, so that something can happen meanwhile. */
export async function largeTask(number: number, images = 100): Promise<RequestInit> {
  const form = new FormData();
  const side = 32;
  for (let image = 0; image < images; image++) {
    const noise = uniform(fold(keyFrom(1), number, image), 3 * side * side);
    const pixels = Uint8Array.from(noise, (grain) => Math.floor(256 * grain));
    const raw = { width: side, height: side, channels: 3 as const };
    const png = await sharp(pixels, { raw }).png().toBuffer();
    form.append(`class ${image % classes}`, new Blob([Uint8Array.from(png)]), `${image}.png`);
  }
  return { method: 'POST', body: form };
}

/** Asks until the answer is as expected. @throws Error with the last answer, after so many seconds */
export async function until(
  url: string,
  expected: (answer: Answer) => boolean,
  seconds: number,
): Promise<Answer> {
  let last: Answer | undefined;
  for (const end = performance.now() + seconds * 1000; performance.now() < end;) {
    await wait(50);
    last = await ask(url).catch(() => undefined);
    if (last && expected(last)) return last;
  }
  throw new Error(`${url}: not as expected after ${seconds} seconds, but ${JSON.stringify(last)}`);
}

/** @throws Error where the condition does not hold */
export function must(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(what);
}

/** The id of work that was taken on. @throws Error where it was not */
export const idOf = ({ status, body }: Answer): string => {
  must(status === 202, `202 was expected, and ${status} came: ${JSON.stringify(body)}`);
  return String(body['id']);
};

export const hasState =
  (...states: readonly string[]) =>
  ({ body }: Answer): boolean =>
    states.includes(String(body['state']));

import { setTimeout as wait } from 'node:timers/promises';
import sharp from 'sharp';
import { fold, keyFrom, uniform } from '../../model/random.ts';

/** An answer as the trials look at it. */
export interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  readonly ms: number;
}

/** Asks once; whatever it answers is JSON. @throws where nothing answers */
export async function ask(url: string, options: RequestInit = {}): Promise<Answer> {
  const begun = performance.now();
  const answer = await fetch(url, { ...options, signal: AbortSignal.timeout(300_000) });
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

export const hasState =
  (...states: readonly string[]) =>
  ({ body }: Answer): boolean =>
    states.includes(String(body['state']));

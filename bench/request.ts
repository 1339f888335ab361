import sharp from 'sharp';
import { fold, keyFrom, uniform } from '../model/random.ts';
import { median } from './median.ts';
import { startOwnService } from './serve/process.ts';

export interface RequestPlan {
  readonly way: number;
  readonly shot: number;
  /** Side of the posted JPEG images in pixels. */
  readonly side: number;
  /** Tasks posted after the first. */
  readonly tasks: number;
  /** Of the service's checkpoints, the one that is its default. */
  readonly checkpoint?: string | undefined;
}

/** Milliseconds, seen by the client on loopback. */
export interface RequestTimes {
  /** The first task, posted as soon as the service is ready. */
  readonly first: number;
  /** New tasks of the same size: median and slowest. */
  readonly post: { readonly median: number; readonly slowest: number };
  /** The same task again, answered from storage. */
  readonly repeated: number;
  /** Median of predictions with one image. */
  readonly prediction: number;
  readonly modelBytes: number;
}

/** A JPEG of smooth noise around a class's own: every image is another one. */
async function drawImage(label: number, image: number, side: number): Promise<Blob> {
  const key = keyFrom(7);
  const [own, other] = [uniform(fold(key, label), 48), uniform(fold(key, label, image), 48)];
  const pixels = Uint8Array.from(own, (value: number, i) => 255 * (0.7 * value + 0.3 * other[i]!));
  const jpeg = await sharp(pixels, { raw: { width: 4, height: 4, channels: 3 } })
    .resize(side, side, { kernel: 'cubic' })
    .jpeg()
    .toBuffer();
  return new Blob([Uint8Array.from(jpeg)]);
}

async function supportForm({ way, shot, side }: RequestPlan, task: number): Promise<FormData> {
  const form = new FormData();
  for (let label = 0; label < way; label++)
    for (let i = 0; i < shot; i++)
      form.append(`class-${label}`, await drawImage(label, 1000 * task + i, side), `${i}.jpg`);
  return form;
}

/** One request: the answer and how long it took. @throws Error when it is refused */
async function timed(url: string, body: FormData): Promise<{ ms: number; answer: Record<string, unknown> }> {
  const start = performance.now();
  const response = await fetch(url, { method: 'POST', body });
  const answer = (await response.json()) as Record<string, unknown>;
  if (!response.ok) throw new Error(`${url}: ${response.status} ${JSON.stringify(answer)}`);
  return { ms: performance.now() - start, answer };
}

/** Times requests against a service of its own: a new process, a new data folder, a bundled checkpoint. */
export async function benchRequest(plan: RequestPlan): Promise<RequestTimes> {
  const { checkpoint } = plan;
  const service = await startOwnService(
    checkpoint === undefined ? {} : { MNAS_DEFAULT_CHECKPOINT: checkpoint },
  );
  const { url } = service;
  try {
    const forms = await Promise.all(Array.from({ length: plan.tasks + 1 }, (_, i) => supportForm(plan, i)));
    const [first, ...later] = forms;
    const cold = await timed(`${url}/v1/tasks`, first!);
    const posts: number[] = [];
    for (const form of later) posts.push((await timed(`${url}/v1/tasks`, form)).ms);
    const repeated = await timed(`${url}/v1/tasks`, first!);
    const predictions: number[] = [];
    for (let i = 0; i < 50; i++) {
      const form = new FormData();
      form.append('images', await drawImage(i % plan.way, i, plan.side), 'new.jpg');
      predictions.push((await timed(`${url}/v1/tasks/${String(cold.answer['id'])}/predictions`, form)).ms);
    }
    return {
      first: cold.ms,
      post: { median: median(posts), slowest: Math.max(...posts) },
      repeated: repeated.ms,
      prediction: median(predictions),
      modelBytes: (cold.answer['model'] as { bytes: number }).bytes,
    };
  } finally {
    await service.stop();
  }
}

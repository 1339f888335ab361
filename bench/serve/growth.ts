import { median } from '../median.ts';
import { post } from './load.ts';
import { formOf, photo, phone } from './photos.ts';
import type { PhotoSize } from './photos.ts';
import { startOwnService, watchHealth } from './process.ts';

export interface GrowthRow {
  readonly way: number;
  readonly shot: number;
  readonly width: number;
  readonly height: number;
  /** ms of the first task of this size, whose graphs are compiled, and of the next ones (median) */
  readonly first: number;
  readonly post: number;
  /** bytes of resident memory at most, in a process of its own */
  readonly peak: number;
}

const square = (side: number): PhotoSize => ({ width: side, height: side });

/** Ways, then shots, then image sizes, the others as usual. */
export const growthShapes: readonly (readonly [number, number, PhotoSize])[] = [
  ...[2, 5, 10, 20].map((way) => [way, 5, square(256)] as const),
  ...[1, 10, 20, 50].map((shot) => [5, shot, square(256)] as const),
  ...[square(64), square(1024), phone, { width: 4096, height: 3072 }].map((size) => [5, 5, size] as const),
  [20, 50, square(256)],
];

/** How time and memory of a post grow: each row in a service of its own. */
export async function* benchGrowth(repeats: number): AsyncGenerator<GrowthRow> {
  for (const [way, shot, size] of growthShapes) {
    const service = await startOwnService();
    try {
      const stop = watchHealth(service);
      const times: number[] = [];
      for (let task = 0; task <= repeats; task++) {
        const files: [string, Buffer][] = [];
        for (let label = 0; label < way; label++)
          for (let i = 0; i < shot; i++)
            files.push([`class-${label}`, await photo(label, 1000 * task + i, size)]);
        times.push((await post(`${service.url}/v1/tasks`, await formOf(files))).ms);
      }
      const [first = NaN, ...later] = times;
      const { memory } = await stop();
      yield { way, shot, ...size, first, post: median(later), peak: memory.peak };
    } finally {
      await service.stop();
    }
  }
}

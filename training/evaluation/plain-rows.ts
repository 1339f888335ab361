import { rowLength } from '../../model/search-space/taps.ts';
import type { Tap } from '../../model/search-space/taps.ts';
import type { TapPlanes } from '../planes/plane-domain.ts';
import type { SampledImages, SampledRows } from '../planes/sample-rows.ts';
import { plainRight } from './plain-features.ts';
import type { PlainSet } from './plain-features.ts';

/**
 * Right answers by the trunk's plain features: of every tap and of the teacher, whose features the task was drawn with, by
 * every head, of whole images and, with ", views" behind the name, averaged over the views that the served answer has.
 */
export function plainRows(
  taps: readonly Tap[],
  teacher: TapPlanes | null,
  task: SampledRows,
): Record<string, number> {
  const sources = [
    ...taps.map(({ name }) => ({ name, of: (set: SampledImages) => pooledTap(set, taps, name) })),
    ...(teacher ? [{ name: teacher.name, of: (set: SampledImages) => set.teacher! }] : []),
  ];
  const rows = sources.flatMap(({ name, of }) =>
    ([1, Number.POSITIVE_INFINITY] as const).flatMap((views) => {
      const set = (images: SampledImages): PlainSet => viewed(of(images), images, task.way, views);
      const right = plainRight(task.way, set(task.support), set(task.query));
      const suffix = views === 1 ? '' : ', views';
      return Object.entries(right).map(([head, count]) => [`${name} ${head}${suffix}`, count] as const);
    }),
  );
  return Object.fromEntries(rows);
}

/** A tap's planes averaged: [rows, c]. */
function pooledTap(
  { images, count, views }: SampledImages,
  taps: readonly Tap[],
  name: string,
): Float32Array {
  const at = taps.findIndex((tap) => tap.name === name);
  const { channels, side } = taps[at]!;
  const [row, first, area] = [rowLength(taps), rowLength(taps.slice(0, at)), side ** 2];
  const features = new Float32Array(count * views * channels);
  for (let i = 0; i < features.length; i++) {
    const start = Math.floor(i / channels) * row + first + (i % channels) * area;
    let total = 0;
    for (let at = start; at < start + area; at++) total += images[at]!;
    features[i] = total / area;
  }
  return features;
}

/** Features averaged over the first `most` views, with labels. */
function viewed(
  features: Float32Array,
  { targets, count, views }: SampledImages,
  way: number,
  most: number,
): PlainSet {
  const taken = Math.min(views, most);
  const own = features.slice(0, features.length / views);
  for (let view = 1; view < taken; view++)
    for (let i = 0; i < own.length; i++) own[i]! += features[view * own.length + i]!;
  const labels = Array.from({ length: count }, (_, i) => targets.subarray(i * way, (i + 1) * way).indexOf(1));
  return { features: own.map((total) => total / taken), labels };
}

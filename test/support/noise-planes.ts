import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ModelConfiguration } from '../../model/configuration.ts';
import { encodeFloat16 } from '../../model/trunk/float16.ts';
import type { ImageClass, Split } from '../../training/data/domain.ts';
import { rowBytes, rowCount } from '../../training/planes/plane-domain.ts';
import type { PlaneDomain } from '../../training/planes/plane-domain.ts';
import { testRandom } from './random.ts';

/** Kept planes of noise for a model on a trunk, with a teacher of six features unless `teacher` is null: classes of `count` images each. */
export async function writeNoisePlanes(
  folder: string,
  name: string,
  { trunk }: ModelConfiguration,
  {
    splits,
    count,
    views,
    teacher = { name: 'last', shape: [6, 1, 1] },
  }: {
    readonly splits: readonly Split[];
    readonly count: number;
    readonly views: PlaneDomain['views'];
    readonly teacher?: PlaneDomain['teacher'];
  },
): Promise<PlaneDomain> {
  const classes = splits.map((split, i): ImageClass => ({
    name: `class ${i}`,
    split,
    first: i * count,
    count,
  }));
  const described: Omit<PlaneDomain, 'path'> = {
    name,
    classes,
    images: splits.length * count,
    views,
    taps: trunk!.taps.map(({ name: tap, channels, side }) => ({ name: tap, shape: [channels, side, side] })),
    teacher,
    fingerprint: '',
    pixelHash: '',
  };
  const path = join(folder, `${name}.bin`);
  const rows = new Uint16Array((rowCount(described) * rowBytes(described)) / 2);
  const random = testRandom(1);
  encodeFloat16(
    Float32Array.from(rows, () => random()),
    rows,
    0,
  );
  await writeFile(path, rows);
  return { ...described, path };
}

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { splitClasses } from '../class-splits.ts';
import type { SourceOf } from '../source.ts';
import { paint, paintPicture, samplesOfClass } from './drawing.ts';
import type { Drawing } from './drawing.ts';
import type { ListedClass, SourceReader } from './listing.ts';
import { packageFolder, packageStamp } from './packages.ts';

/** A name becomes a class when at least so many sets draw it. */
const minimumSets = 3;

/** Endings that name a style of the same icon, as the sets write them ("alarm-fill", "academic-cap-20-solid"). */
const styleEnding =
  /-(thin|light|bold|fill|filled|duotone|outline|outlined|sharp|solid|glyph|(16|20|24)(-solid)?)$/;

const box = { left: z.number(), top: z.number(), width: z.number(), height: z.number() };
const iconBox = z.object(box).partial();
/** IconifyJSON; aliases are left out: one drawing under two names would be one class twice. */
const iconSet = iconBox.extend({ icons: z.record(z.string(), iconBox.extend({ body: z.string() })) });

export const iconsReader: SourceReader<SourceOf<'icons'>> = {
  stamp: (source) => packageStamp(source.packages.map(iconFolder)),

  async list(source) {
    const sets = await Promise.all(source.packages.map(readSet));
    const names = [...new Set(sets.flatMap((set) => [...set.keys()]))].sort();
    const shared = names
      .map((name) => ({ name, drawings: sets.map((set) => set.get(name) ?? []) }))
      .filter(({ drawings }) => drawings.filter((own) => own.length > 0).length >= minimumSets);
    const splitOf = splitClasses(shared.map(({ name }) => name));
    return shared.map(({ name, drawings }): ListedClass => {
      const ordered = interleave(drawings);
      const images = Array.from({ length: samplesOfClass }, (_, sample) => ({
        label: `icon ${name}, sample ${sample}`,
        read: (size: number) => paint(ordered[sample % ordered.length]!, ['icon', name, sample], size),
        original: (side: number) =>
          paintPicture(ordered[sample % ordered.length]!, ['icon', name, sample], 2 * side),
      }));
      return { name, split: splitOf.get(name)!, images };
    });
  },
};

function iconFolder(name: string): string {
  return packageFolder(name, 'icons.json');
}

/** Drawings of a set by name without style. */
async function readSet(name: string): Promise<Map<string, Drawing[]>> {
  const set = iconSet.parse(JSON.parse(await readFile(join(iconFolder(name), 'icons.json'), 'utf8')));
  const drawings = new Map<string, Drawing[]>();
  for (const [icon, own] of Object.entries(set.icons)) {
    const base = withoutStyle(icon);
    const drawing = {
      body: own.body,
      left: own.left ?? set.left ?? 0,
      top: own.top ?? set.top ?? 0,
      width: own.width ?? set.width ?? 16, // 16: IconifyJSON's default
      height: own.height ?? set.height ?? 16,
    };
    drawings.set(base, [...(drawings.get(base) ?? []), drawing]);
  }
  return drawings;
}

function withoutStyle(icon: string): string {
  const shorter = icon.replace(styleEnding, '');
  return shorter === icon ? icon : withoutStyle(shorter);
}

/** First drawings of all sets, then the second ones...: no set with many styles crowds out the others. */
function interleave(sets: readonly (readonly Drawing[])[]): Drawing[] {
  const longest = Math.max(...sets.map((set) => set.length));
  return Array.from({ length: longest }, (_, turn) =>
    sets.flatMap((set) => set.slice(turn, turn + 1)),
  ).flat();
}

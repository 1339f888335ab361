import { mkdir, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { writeAtomically } from '../../run/write-atomically.ts';

/** A figure of a report. */
export interface Figure {
  /** Of its file, which ends in .svg. */
  readonly name: string;
  readonly title: string;
  readonly svg: () => Promise<string>;
}

/** What a report needs to know of a figure. */
export type FigureTitle = Pick<Figure, 'name' | 'title'>;

/** The section of a report that shows its figures, which lie in `folder`. */
export const figureSection = (figures: readonly FigureTitle[], folder: string): string =>
  `## Figures\n\n${figures.map(({ name, title }) => `![${title}](${folder}/${name}.svg)\n\n${title}\n`).join('\n')}`;

/** Draws the figures into `folder`, which has nothing else then. */
export async function writeFigures(folder: string, figures: readonly Figure[]): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  for (const { name, svg } of figures) await writeAtomically(resolve(folder, `${name}.svg`), await svg());
}

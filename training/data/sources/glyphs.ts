import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Font } from 'opentype.js';
import { splitClasses } from '../class-splits.ts';
import type { SourceOf } from '../source.ts';
import { paint, paintPicture, samplesOfClass } from './drawing.ts';
import type { Drawing } from './drawing.ts';
import type { ListedClass, SourceReader } from './listing.ts';
import { packageFolder, packageStamp } from './packages.ts';

/**
 * The classes: signs of the Latin subset that differ by shape. Small letters that are only a smaller capital
 * (c, o, s, ...; ò, ù, ...) and look-alikes (0/O, l/I/|) are left out.
 */
const characters = Array.from(
  'ABCDEFGHIJKLMNOPQRSTUVWXYZ' +
    'abdefghijmnqrty' +
    '123456789' +
    '!#$%&()*+/:;<=>?@[]{}~¡£¥§©®¿«»±×÷¶µ' +
    'ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖØÙÚÛÜÝÞ' +
    'ßàáâãäåæèéêëìíîïðñýþÿ',
);

/** A character becomes a class when at least so many families draw it (or all, where there are fewer). */
const minimumFamilies = 8;

const fontSize = 100; // user units of a drawing; any number, as drawings are scaled
const middle = -0.33 * fontSize; // vertical middle of capitals and descenders together, from the baseline (y is down)
const side = 1.35 * fontSize; // room for accents above and descenders below

export const glyphsReader: SourceReader<SourceOf<'glyphs'>> = {
  stamp: (source) => packageStamp(source.packages.map(fontFolder)),

  async list(source) {
    const fonts = await Promise.all(source.packages.map(readFont));
    const drawn = characters
      .map((name) => ({ name, owners: fonts.filter((font) => font.charToGlyphIndex(name) > 0) }))
      .filter(({ owners }) => owners.length >= Math.min(minimumFamilies, fonts.length));
    const splitOf = splitClasses(drawn.map(({ name }) => name));
    return drawn.map(({ name, owners }): ListedClass => {
      const drawings = owners.map((font) => glyphDrawing(font, name));
      const images = Array.from({ length: samplesOfClass }, (_, sample) => ({
        label: `character ${name}, sample ${sample}`,
        read: (size: number) => paint(drawings[sample % drawings.length]!, ['glyph', name, sample], size),
        original: (side: number) =>
          paintPicture(drawings[sample % drawings.length]!, ['glyph', name, sample], 2 * side),
      }));
      return { name, split: splitOf.get(name)!, images };
    });
  },
};

function fontFolder(name: string): string {
  return packageFolder(name, 'LICENSE');
}

async function readFont(name: string): Promise<Font> {
  const family = name.slice(name.indexOf('/') + 1);
  const bytes = await readFile(join(fontFolder(name), 'files', `${family}-latin-400-normal.woff`));
  const { default: opentype } = await import('opentype.js'); // which most threads do without
  return opentype.parse(Uint8Array.from(bytes).buffer);
}

/** Centred horizontally by its outline, vertically by the baseline: a comma stays below an apostrophe. */
function glyphDrawing(font: Font, character: string): Drawing {
  const outline = font.charToGlyph(character).getPath(0, 0, fontSize);
  const { x1, x2, y1, y2 } = outline.getBoundingBox();
  const halfSide = Math.max(side / 2, (x2 - x1) / 2, middle - y1, y2 - middle);
  return {
    body: `<path fill="currentColor" d="${outline.toPathData(2)}"/>`,
    left: (x1 + x2) / 2 - halfSide,
    top: middle - halfSide,
    width: 2 * halfSide,
    height: 2 * halfSide,
  };
}

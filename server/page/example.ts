import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { assetsPath, hashedName, inMemory } from './asset.ts';
import type { Asset, Assets } from './asset.ts';

/** A drawing of `web/example.json`. */
interface Drawing {
  readonly name: string;
  /** absent of what is of no class, which it is tried with */
  readonly label?: string;
  /** what the task is made of, or what it is tried with */
  readonly set: 'support' | 'query';
  readonly svg: string;
}

const drawingsFile = new URL('../../web/example.json', import.meta.url);

/** Pixels a side of the drawn images: more than any checkpoint takes, as photos have. */
const side = 240;

/** The images of the example task, as photos are, and the index by which the page finds them. */
export async function drawExample(): Promise<{ readonly index: string; readonly assets: Assets }> {
  const drawings = JSON.parse(await readFile(drawingsFile, 'utf8')) as readonly Drawing[];
  const drawn = await Promise.all(
    drawings.map(async ({ name, label, set, svg }) => {
      const jpeg = await sharp(Buffer.from(svg))
        .resize(side, side)
        .flatten({ background: 'white' })
        .jpeg({ quality: 88 })
        .toBuffer();
      const url = `${assetsPath}/${hashedName(`example-${name}`, 'jpg', jpeg)}`;
      return {
        image: { name, ...(label !== undefined && { label }), set, url },
        asset: [url, inMemory(url, jpeg)] as const,
      };
    }),
  );
  const content = Buffer.from(JSON.stringify(drawn.map(({ image }) => image)));
  const index = `${assetsPath}/${hashedName('example', 'json', content)}`;
  const assets: (readonly [string, Asset])[] = [
    ...drawn.map(({ asset }) => asset),
    [index, inMemory(index, content)],
  ];
  return { index, assets: new Map(assets) };
}

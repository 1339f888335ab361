import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { ASSETS_PATH, hashedName, inMemory, type Asset, type Assets } from './asset.ts';

/** An icon of `web/example.json`. */
interface Icon {
  readonly name: string;
  readonly label: string;
  /** what the task is made of, or what it is tried with */
  readonly set: 'support' | 'query';
  readonly svg: string;
}

const ICONS = new URL('../../web/example.json', import.meta.url);

/** Pixels a side of the drawn images: more than any checkpoint takes, as photos have. */
const SIDE = 128;

/** The images of the example task, drawn from icons, and the index by which the page finds them. */
export async function drawExample(): Promise<{ readonly index: string; readonly assets: Assets }> {
  const icons = JSON.parse(await readFile(ICONS, 'utf8')) as readonly Icon[];
  const drawn = await Promise.all(
    icons.map(async ({ name, label, set, svg }) => {
      const png = await sharp(Buffer.from(svg))
        .resize(SIDE, SIDE)
        .flatten({ background: 'white' })
        .png()
        .toBuffer();
      const url = `${ASSETS_PATH}/${hashedName(`example-${name}`, 'png', png)}`;
      return { image: { name, label, set, url }, asset: [url, inMemory(url, png)] as const };
    }),
  );
  const content = Buffer.from(JSON.stringify(drawn.map(({ image }) => image)));
  const index = `${ASSETS_PATH}/${hashedName('example', 'json', content)}`;
  const assets: (readonly [string, Asset])[] = [
    ...drawn.map(({ asset }) => asset),
    [index, inMemory(index, content)],
  ];
  return { index, assets: new Map(assets) };
}

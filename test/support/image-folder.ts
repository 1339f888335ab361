import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';

/**
 * Writes folders of small PNG files: `counts` has the number of images of each class, by its path below `root`. Image i of a
 * class is of one colour, which i and the class's place decide.
 */
export async function writeImages(root: string, counts: Readonly<Record<string, number>>): Promise<void> {
  for (const [place, [name, count]] of Object.entries(counts).entries()) {
    await mkdir(join(root, name), { recursive: true });
    for (let i = 0; i < count; i++) {
      const background = { r: (37 * place) % 256, g: (11 * i) % 256, b: 128 };
      const image = sharp({ create: { width: 8, height: 8, channels: 3, background } });
      await writeFile(join(root, name, `${String(i).padStart(2, '0')}.png`), await image.png().toBuffer());
    }
  }
}

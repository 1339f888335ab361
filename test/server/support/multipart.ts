import sharp from 'sharp';

/** A part of a hand-made body: `file` makes it a file part. */
export interface RawPart {
  readonly name?: string;
  readonly file?: string;
  readonly type?: string;
  readonly content: Uint8Array | string;
}

export const multipartBoundary = 'test-boundary';
export const multipartType = `multipart/form-data; boundary=${multipartBoundary}`;

/** Names are escaped as browsers and curl do it. */
const escapeName = (name: string) => name.replace(/["\r\n]/g, (character) => encodeURIComponent(character));

/** A multipart/form-data body, byte for byte under the test's control; names in UTF-8. */
export function multipart(parts: readonly RawPart[]): Buffer {
  const chunks = parts.flatMap(({ name, file, type, content }) => {
    const parameters = [
      name === undefined ? '' : `; name="${escapeName(name)}"`,
      file === undefined ? '' : `; filename="${escapeName(file)}"`,
    ].join('');
    const contentType = type === undefined ? '' : `Content-Type: ${type}\r\n`;
    const head = `--${multipartBoundary}\r\nContent-Disposition: form-data${parameters}\r\n${contentType}\r\n`;
    return [Buffer.from(head), Buffer.from(content), Buffer.from('\r\n')];
  });
  return Buffer.concat([...chunks, Buffer.from(`--${multipartBoundary}--\r\n`)]);
}

/** A plain PNG of one colour; different colours are different images. */
export async function png(red: number, green: number, blue: number, size = 8): Promise<Buffer> {
  const background = { r: red, g: green, b: blue };
  return sharp({ create: { width: size, height: size, channels: 3, background } })
    .png()
    .toBuffer();
}

/** Reds, greens and blues, three shades each. */
export async function colours(): Promise<Record<'red' | 'green' | 'blue', [Buffer, Buffer, Buffer]>> {
  const shades = [250, 230, 210] as const;
  const all = (paint: (shade: number) => Promise<Buffer>) =>
    Promise.all([0, 1, 2].map((i) => paint(shades[i]!)));
  return {
    red: (await all((shade) => png(shade, 10, 10))) as [Buffer, Buffer, Buffer],
    green: (await all((shade) => png(10, shade, 10))) as [Buffer, Buffer, Buffer],
    blue: (await all((shade) => png(10, 10, shade))) as [Buffer, Buffer, Buffer],
  };
}

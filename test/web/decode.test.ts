import { expect, it } from 'vitest';
import { decodeImage } from '../../web/device/decode.ts';

// before the browser is asked, some of which read HEIC; decode.browser.ts has what browsers read
it.each([
  ['\0\0\0\x18ftypheic\0\0\0\0mif1heic', 'HEIC is not accepted; export it as JPEG'],
  [
    '<svg xmlns="http://www.w3.org/2000/svg"/>',
    'SVG and other XML is not accepted, since it is a program; export it as PNG',
  ],
  ['hello', 'not a JPEG, PNG, WebP, AVIF, GIF or TIFF image'],
])('refuses what the service refuses, by name: %j', async (text, reason) => {
  const file = new File([Buffer.from(text, 'latin1')], 'x.jpg');
  await expect(decodeImage(file, 42)).rejects.toThrow(`x.jpg: ${reason}.`);
});

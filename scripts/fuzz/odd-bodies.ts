import { deflateSync, gzipSync } from 'node:zlib';
import { fuzzBoundary, folders, multipartOf, zipOf } from './corpus.ts';
import type { Corpus } from './corpus.ts';
import type { Draw } from './draw.ts';
import { mutateBytes } from './mutate.ts';
import { rawZip, unicodePath } from './raw-zip.ts';

/** Headers of a part as clients of all kinds write them, and as none should. */
const dispositions = [
  'form-data; name="cat"; filename=my cat.png',
  'form-data; name="cat"; filename="12" screen.png"',
  'form-data; name="cat"; filename="a.png";',
  'form-data; name="black\\ cap"; filename="x.jpg"',
  'form-data; name*=utf-8\'\'gr%C3%BCn; filename="x.jpg"',
  'form-data; name="cat"; filename*=UTF-8\'\'100%.png',
  'form-data; name="cat"; filename*=Shift_JIS\'\'%94%4C.png',
  'form-data; name="=?UTF-8?B?Z3LDvG4=?="; filename="=?iso-8859-1?Q?gr=FCn?="',
  'form-data; name="cat"; filename=""',
  'form-data; name="cat"; filename*0="a"; filename*1="b"',
  'form-data; name="cat"; filename*0*=utf-8\'\'a; filename*1*=%20b.png',
  'form-data; name*0="ca"; name*1="t"; filename="a.png"',
  'form-data; name="cat"; filename="a\\"; size=1',
  'form-data; name="cat";\r\n\tfilename="a.png"',
  'form-data; name="cat"; filename="a.png"\r\nContent-Disposition: form-data; name="dog"; filename="b.png"',
  'form-data; name="cat"; filename="a.png"\r\nContent-Transfer-Encoding: base64',
  'form-data; name="cat"\r\nContent-Type: multipart/mixed; boundary=inner',
  'form-data; name="cat"; filename="..\\..\\a.png"',
  'attachment; name="cat"; filename="a.png"',
  'form-data; name="cat"',
  'form-data',
];

/** Labels that look like others, or cannot be seen. */
export const strangeLabels = [
  'cat',
  ' cat\u00a0',
  'c\u00e4t',
  'ca\u0308t',
  'ca\u200bt',
  'cat\ufeff',
  '\u202etac',
  '\ud800',
  '\u{1f408}\u200d\u2b1b',
  'x'.repeat(101),
  '',
  '__proto__',
  'constructor',
  '\u{1f468}\u200d\u{1f469}\u200d\u{1f467}',
  '\u05db\u05dc\u05d1',
  'x'.repeat(1000),
  'a\u0301\u0302\u0303',
  'cat\ufffe',
  '\u{10ffff}',
];

/** A form of parts with odd headers, now and then mutated, or with an end of lines that is none. */
export function oddForm(draw: Draw, { images }: Corpus): Buffer {
  const parts = Array.from({ length: 1 + draw.below(3) }, () => {
    const head = Buffer.from(`Content-Disposition: ${draw.pick(dispositions)}`);
    return [
      Buffer.from(`--${fuzzBoundary}${draw.chance(0.05) ? ' ' : ''}\r\n`),
      draw.chance(0.3) ? mutateBytes(head, draw, head) : head,
      Buffer.from('\r\n\r\n'),
      draw.pick(images),
      Buffer.from(draw.chance(0.1) ? '\n' : '\r\n'),
    ];
  });
  return Buffer.concat([...parts.flat(), Buffer.from(`--${fuzzBoundary}--\r\n`)]);
}

/** The bytes of a body with a content encoding, sometimes cut, broken or of another one. */
export function encoded(body: Buffer, draw: Draw): { readonly encoding: string; readonly body: Buffer } {
  const encoding = draw.pick(['gzip', 'deflate', 'x-gzip', 'br', 'gzip, gzip']);
  const content = draw.chance(0.1) ? Buffer.alloc(draw.below(50_000_000)) : body;
  const packed = encoding === 'deflate' ? deflateSync(content) : gzipSync(content, { level: 1 });
  return { encoding, body: draw.chance(0.4) ? mutateBytes(packed, draw, body) : packed };
}

const tables = [
  'file,label\n1.png,cat\n2.png,dog\n',
  'file,label\nd\\1.png,cat\n.\\2.png,dog\n',
  'id;class;split\n1;cat;train\n2;"d""og";test\n',
  'a,b\n1,2\n',
  '"file',
];

/** A data set as people have them: parts around the classes, a table of labels, names in code pages. */
export function oddDataSet(draw: Draw, { images }: Corpus): Buffer {
  const whole = Object.entries(folders(images));
  const makes: readonly (() => Buffer)[] = [
    () =>
      zipOf(
        Object.fromEntries(
          whole.map(([path, content]) => [`${draw.pick(['train', 'Test', 'val', 'x'])}/${path}`, content]),
        ),
      ),
    () =>
      zipOf(
        Object.fromEntries(
          whole.map(([path, content]) => {
            const [label, file] = path.split('/');
            return [`${label}/${draw.pick(['train', 'test', 'x'])}/${file}`, content];
          }),
        ),
      ),
    () => {
      const table = Buffer.from(draw.pick(tables));
      const text = draw.chance(0.4) ? mutateBytes(table, draw, table) : table;
      const [one, two] = draw.chance(0.3) ? ['train/1.png', 'test/2.png'] : ['1.png', '2.png'];
      return zipOf({ 'd/labels.csv': text, [`d/${one}`]: images[0]!, [`d/${two}`]: images[4]! });
    },
    () =>
      rawZip(
        whole.map(([path, content]) => {
          const name = mutateBytes(Buffer.from(path), draw, Buffer.from('c3a8955c81fe2f', 'hex'));
          const extra = draw.chance(0.5) ? unicodePath(path, name) : Buffer.alloc(0);
          return { name, content, flags: draw.pick([0, 0x800]), extra };
        }),
      ),
  ];
  return draw.pick(makes)();
}

/** A form, or JSON as text, of two images under labels that are odd. */
export function oddLabels(draw: Draw, { images }: Corpus): { readonly type: string; readonly body: Buffer } {
  const labels = [draw.pick(strangeLabels), draw.pick(strangeLabels)];
  const files = labels.map((label) => [label, draw.pick(images)] as const);
  if (draw.chance(0.5))
    return { type: `multipart/form-data; boundary=${fuzzBoundary}`, body: multipartOf(files) };
  const support = Object.fromEntries(files.map(([label, image]) => [label, [image.toString('base64')]]));
  return { type: 'application/json', body: Buffer.from(JSON.stringify({ support })) };
}

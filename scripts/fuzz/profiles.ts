/** XYZ of red, green and blue at D50. */
type Colours = readonly (readonly [number, number, number])[];

/** Of Adobe RGB (1998), some of whose colours neither sRGB nor Display P3 has. */
export const adobeColours: Colours = [
  [0.60974, 0.31111, 0.01947],
  [0.20528, 0.62567, 0.06087],
  [0.14919, 0.06322, 0.74457],
];

const white = [0.9642, 1, 0.8249] as const;

/** An ICC profile (version 2) of RGB by its colours, or of grey without any, with a plain gamma. */
export function iccProfile(gamma: number, colours: Colours = []): Buffer {
  const curve = Buffer.concat([words('curv', 0, 1), Buffer.of(gamma, (gamma % 1) * 256, 0, 0)]);
  const tags: (readonly [name: string, data: Buffer])[] = [
    ['desc', Buffer.concat([words('desc', 0, 5), Buffer.from('test\0'), Buffer.alloc(79)])],
    ['wtpt', xyz(white)],
    ...colours.map((colour, i) => [`${'rgb'[i]!}XYZ`, xyz(colour)] as const),
    ...(colours.length > 0 ? ['rTRC', 'gTRC', 'bTRC'] : ['kTRC']).map((name) => [name, curve] as const),
  ];
  const table: Buffer[] = [];
  let end = 132 + 12 * tags.length;
  for (const [name, data] of tags) {
    table.push(words(name, end, data.length));
    end += data.length;
  }
  const head = Buffer.alloc(128);
  head.writeUInt32BE(end, 0);
  head.writeUInt32BE(0x0240_0000, 8);
  head.write(`mntr${colours.length > 0 ? 'RGB ' : 'GRAY'}XYZ `, 12, 'latin1');
  head.write('acsp', 36, 'latin1');
  xyz(white).copy(head, 68, 8);
  const count = Buffer.alloc(4);
  count.writeUInt32BE(tags.length);
  return Buffer.concat([head, count, ...table, ...tags.map(([, data]) => data)]);
}

function words(name: string, ...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 + 4 * values.length);
  bytes.write(name, 'latin1');
  values.forEach((value, i) => bytes.writeUInt32BE(value, 4 + 4 * i));
  return bytes;
}

const xyz = (values: readonly number[]): Buffer =>
  words('XYZ ', 0, ...values.map((value) => Math.round(value * 65536)));

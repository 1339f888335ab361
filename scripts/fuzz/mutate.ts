import type { Draw } from './draw.ts';

type ByteMutation = (bytes: Buffer, draw: Draw, other: Buffer) => Buffer;

/** Lengths and offsets of formats are where parsers go wrong. */
const interesting = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];

function cut(bytes: Buffer, draw: Draw): readonly [number, number] {
  const start = draw.below(bytes.length + 1);
  return [start, Math.min(bytes.length, start + 1 + draw.below(Math.max(1, bytes.length >> draw.below(6))))];
}

const byteMutations: readonly ByteMutation[] = [
  (bytes, draw) => {
    const changed = Buffer.from(bytes);
    for (let flips = 1 + draw.below(8); flips > 0 && changed.length > 0; flips--)
      changed[draw.below(changed.length)]! ^= 1 << draw.below(8);
    return changed;
  },
  (bytes, draw) => bytes.subarray(0, draw.below(bytes.length + 1)),
  (bytes, draw) => {
    const [start, end] = cut(bytes, draw);
    return Buffer.concat([bytes.subarray(0, start), bytes.subarray(end)]);
  },
  (bytes, draw) => {
    const [start, end] = cut(bytes, draw);
    return Buffer.concat([bytes.subarray(0, end), bytes.subarray(start)]);
  },
  (bytes, draw, other) => {
    const [, end] = cut(bytes, draw);
    const [start] = cut(other, draw);
    return Buffer.concat([bytes.subarray(0, end), other.subarray(start)]);
  },
  (bytes, draw) => {
    if (bytes.length < 4) return bytes;
    const changed = Buffer.from(bytes);
    const [value, at] = [draw.pick(interesting), draw.below(bytes.length - 3)];
    if (draw.chance(0.5)) changed.writeUInt32LE(value, at);
    else changed.writeUInt32BE(value, at);
    return changed;
  },
  (bytes, draw) => {
    const [start, end] = cut(bytes, draw);
    const changed = Buffer.from(bytes);
    changed.fill(draw.pick([0, 0x20, 0x0a, 0x22, 0x2d, 0xff]), start, end);
    return changed;
  },
];

/** One to three mutations of the bytes; `other` is what they may be spliced with. */
export function mutateBytes(bytes: Buffer, draw: Draw, other: Buffer): Buffer {
  let changed = bytes;
  for (let times = 1 + draw.below(3); times > 0; times--)
    changed = draw.pick(byteMutations)(changed, draw, other);
  return changed;
}

const strangeValues: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1e39,
  1e308,
  5e-324,
  2 ** 53,
  '',
  '0',
  'NaN',
  '__proto__',
  '\u0000',
  '\ud800',
  'A'.repeat(5000),
  [],
  {},
  [[]],
  [[[[[[0]]]]]],
  { __proto__: 1 },
  { constructor: { prototype: {} } },
  { toJSON: 1 },
];

/** Another value in one place of a JSON value, or one place more or fewer. */
export function mutateJson(value: unknown, draw: Draw): unknown {
  if (typeof value !== 'object' || value === null || draw.chance(0.15)) return draw.pick(strangeValues);
  if (Array.isArray(value)) {
    const items: unknown[] = value.slice();
    const at = draw.below(items.length + 1);
    if (draw.chance(0.2)) items.splice(at, draw.below(3), draw.pick(strangeValues));
    else if (draw.chance(0.1)) return Array.from({ length: 1 + draw.below(20_000) }, () => items[0] ?? 0);
    else if (at < items.length) items[at] = mutateJson(items[at], draw);
    return items;
  }
  const members = Object.entries(value);
  const at = draw.below(members.length + 1);
  if (draw.chance(0.2))
    members.splice(at, draw.below(2), [
      draw.pick(['x', '__proto__', 'support', '']),
      draw.pick(strangeValues),
    ]);
  else if (at < members.length) members[at] = [members[at]![0], mutateJson(members[at]![1], draw)];
  return Object.fromEntries(members);
}

/** Text that is not quite JSON any more, now and then. */
export function mutateText(text: string, draw: Draw): string {
  const depth = 1 + draw.below(100_000);
  const changes: readonly (() => string)[] = [
    () => text.slice(0, draw.below(text.length + 1)),
    () => '['.repeat(depth) + text,
    () => '{"a":'.repeat(depth) + text + '}'.repeat(depth),
    () => text.replace(/\d+/, draw.pick(['1e999', '-1e999', 'NaN', '1'.repeat(400), '0x10', '01', '-0'])),
    () => `\ufeff${text}`,
    () => text + text,
    () => text.replace(/"/g, "'"),
    () => text.replace('{', '{"support":1,'),
  ];
  return draw.chance(0.3) ? draw.pick(changes)() : text;
}

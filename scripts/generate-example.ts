import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

/**
 * Writes `web/example.json`: things on tables, drawn with icons of Microsoft's Fluent Emoji (MIT), for the example task of the
 * page. The first of a class are its support set, the others what the task is tried with; `others` are of no class. The same
 * run writes the same file.
 */
const classes: Readonly<Record<string, readonly string[]>> = {
  glasses: ['glasses', 'sunglasses'],
  keys: ['key', 'old-key'],
  mug: ['hot-beverage', 'beer-mug'],
};
const others = ['baseball'];
const shots = 5;
const queries = 3;

/** A table: its colour, and that of the lines on it. */
const tables = [
  { colour: '#c99a6b', line: '#b07f50', kind: 'planks' },
  { colour: '#8a6244', line: '#755036', kind: 'planks' },
  { colour: '#e8e3da', line: '#d6cfc2', kind: 'tiles' },
  { colour: '#9fb3b8', line: '#8ba1a7', kind: 'cloth' },
  { colour: '#d9c2b0', line: '#c9ae98', kind: 'cloth' },
  { colour: '#6f7d74', line: '#5f6d64', kind: 'tiles' },
] as const;

const side = 240;

interface IconSet {
  readonly width: number;
  readonly icons: Readonly<Record<string, { readonly body: string }>>;
}

/** Numbers in 0..1 that are the same every time (mulberry32). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function tableOf({ colour, line, kind }: (typeof tables)[number], next: () => number): string {
  const step = kind === 'cloth' ? 12 : kind === 'tiles' ? 80 : 48;
  const start = next() * step;
  const at = Array.from({ length: Math.ceil(2 * (side / step)) + 2 }, (_, i) => start + (i - 8) * step);
  const across = at.map((y) => `M-240 ${y.toFixed(0)}H480`).join('');
  const down = kind === 'planks' ? '' : at.map((x) => `M${x.toFixed(0)}-240V480`).join('');
  const turn = (next() * 50 - 25).toFixed(0);
  return (
    `<rect width="${side}" height="${side}" fill="${colour}"/>` +
    `<g transform="rotate(${turn} 120 120)"><path d="${across}${down}" stroke="${line}" stroke-width="${kind === 'cloth' ? 2 : 3}" fill="none"/></g>`
  );
}

/** A thing on a table under a lamp: where it lies, how it is turned and where the light is vary with the numbers. */
function sceneOf(body: string, width: number, next: () => number, table: (typeof tables)[number]): string {
  const size = side * (0.56 + 0.2 * next());
  const [x, y] = [(side - size) * (0.25 + 0.5 * next()), (side - size) * (0.25 + 0.5 * next())];
  const middle = `${(x + size / 2).toFixed(1)} ${(y + size / 2).toFixed(1)}`;
  const turn = (next() * 50 - 25).toFixed(1);
  const scale = (size / width).toFixed(3);
  const thing = `<g transform="rotate(${turn} ${middle}) translate(${x.toFixed(1)} ${y.toFixed(1)}) scale(${scale})">${body}</g>`;
  const light = `${(next() * 100).toFixed(0)}%`;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${side} ${side}">` +
    `<defs><radialGradient id="light" cx="${light}" cy="10%" r="120%"><stop offset="0" stop-color="#fff" stop-opacity=".35"/>` +
    `<stop offset="1" stop-color="#000" stop-opacity=".3"/></radialGradient>` +
    `<filter id="shadow" x="-20%" y="-20%" width="150%" height="150%"><feDropShadow dx="5" dy="7" stdDeviation="4" flood-opacity=".45"/></filter></defs>` +
    tableOf(table, next) +
    `<g filter="url(#shadow)">${thing}</g><rect width="${side}" height="${side}" fill="url(#light)"/></svg>`
  );
}

const path = createRequire(import.meta.url).resolve('@iconify-json/fluent-emoji-flat/icons.json');
const { width, icons } = JSON.parse(await readFile(path, 'utf8')) as IconSet;

function drawn(name: string, seed: number): string {
  const icon = icons[name];
  if (!icon) throw new Error(`the package has no icon ${name}`);
  const next = numbers(seed);
  return sceneOf(icon.body, width, next, tables[seed % tables.length]!);
}

let seed = 0;
const example = [
  ...Object.entries(classes).flatMap(([label, names]) =>
    Array.from({ length: shots + queries }, (_, i) => ({
      name: `${label}-${i + 1}`,
      label,
      set: i < shots ? 'support' : 'query',
      svg: drawn(names[i % names.length]!, ++seed),
    })),
  ),
  ...others.map((name) => ({ name, set: 'query', svg: drawn(name, ++seed) })),
];
const target = fileURLToPath(new URL('../web/example.json', import.meta.url));
await writeFile(target, `${JSON.stringify(example, null, 2)}\n`);

import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

/**
 * Writes `web/example.json`: icons of Microsoft's Fluent Emoji (MIT), by class, for the example task of the page. The
 * first of a class are its support set, the others what the task is tried with.
 */
const classes: Readonly<Record<string, readonly string[]>> = {
  cat: [
    'cat-face',
    'grinning-cat',
    'weary-cat',
    'kissing-cat',
    'pouting-cat',
    'cat-with-wry-smile',
    'crying-cat',
  ],
  clock: [
    'one-oclock',
    'four-thirty',
    'seven-oclock',
    'ten-thirty',
    'three-oclock',
    'six-thirty',
    'eleven-oclock',
  ],
  heart: [
    'red-heart',
    'blue-heart',
    'green-heart',
    'purple-heart',
    'yellow-heart',
    'growing-heart',
    'heart-with-ribbon',
  ],
  moon: [
    'full-moon',
    'waning-gibbous-moon',
    'first-quarter-moon',
    'waxing-crescent-moon',
    'last-quarter-moon',
    'waxing-gibbous-moon',
    'waning-crescent-moon',
  ],
};
const shots = 4;

interface IconSet {
  readonly width: number;
  readonly icons: Readonly<Record<string, { readonly body: string }>>;
}

const path = createRequire(import.meta.url).resolve('@iconify-json/fluent-emoji-flat/icons.json');
const { width, icons } = JSON.parse(await readFile(path, 'utf8')) as IconSet;

const example = Object.entries(classes).flatMap(([label, names]) =>
  names.map((name, i) => {
    const icon = icons[name];
    if (!icon) throw new Error(`the package has no icon ${name}`);
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${width}">${icon.body}</svg>`;
    return { name, label, set: i < shots ? 'support' : 'query', svg };
  }),
);
const target = fileURLToPath(new URL('../web/example.json', import.meta.url));
await writeFile(target, `${JSON.stringify(example, null, 2)}\n`);

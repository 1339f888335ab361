import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ESLint } from 'eslint';
import { describe, expect, it } from 'vitest';
import { circlesOf } from '../support/circles.ts';

type Layers = Readonly<Record<string, readonly string[]>>;

const rule = 'house/layers';
/** Untyped: the files of the cases need not exist. */
const eslint = new ESLint({
  ruleFilter: ({ ruleId }) => ruleId === rule,
  overrideConfig: { languageOptions: { parserOptions: { projectService: false } } },
});

/** Whether the lint rules let a file of that path have this code. */
async function allows(file: string, code: string): Promise<boolean> {
  const [result] = await eslint.lintText(code, { filePath: file });
  expect(result!.fatalErrorCount).toBe(0);
  return result!.messages.length === 0;
}

const importOf = (source: string): string => `import '${source}';`;

async function layersOf(): Promise<Layers> {
  const configuration = (await eslint.calculateConfigForFile('model/new.ts')) as {
    readonly rules: Readonly<Record<string, readonly [unknown, { readonly layers: Layers }]>>;
  };
  return configuration.rules[rule]![1].layers;
}

/** What stands in backticks, without a folder's last slash. */
const names = (text: string): string[] =>
  [...text.matchAll(/`([^`]+)`/g)].map(([, name]) => name!.replace(/\/$/, ''));

/** The rows of the tables of layers: a folder or file, and what it may import. */
function documentedLayers(): Layers {
  const text = readFileSync(new URL('../../docs/architecture.md', import.meta.url), 'utf8');
  const section = text.slice(
    text.indexOf('\n## Layers'),
    text.indexOf('\n## ', text.indexOf('\n## Layers') + 1),
  );
  return Object.fromEntries(
    section
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .map((line) => line.split('|').slice(1, 3))
      .map(([name, allowed]) => [names(name!)[0]!, names(allowed!)]),
  );
}

describe('layers', () => {
  it.each([
    ['model/graph/new.ts', '../layers/primitive-layers.ts'],
    ['model/graph/new.ts', '../random.ts'],
    ['model/embedding/new.ts', '../controller/architecture.ts'],
    ['model/network/new.ts', '../parameters.ts'],
    ['model/new.ts', './inner-loop/task-runner.ts'],
    ['server/errors/new.ts', '../http/requests.ts'],
    ['server/storage/new.ts', '../../images/decode.ts'],
    ['training/run/new.ts', '../outer-loop/trainer.ts'],
    ['training/data/new.ts', '../../engine/pool.ts'],
    ['model/graph/onnx/new.ts', '../../inner-loop/task-runner.ts'],
    ['model/trunk/new.ts', '../inner-loop/task-runner.ts'],
    ['model/trunk/new.ts', 'zod'],
    ['model/new.ts', 'fs'],
    ['model/new.ts', 'node:fs'],
    ['model/new.ts', 'onnxruntime-node'],
    ['model/regression/new.ts', 'pino'],
    ['model/regression/new.ts', '../../engine/pool.ts'],
    ['engine/new.ts', '../model/inner-loop/task-runner.ts'],
    ['engine/tfjs/new.ts', '../../model/parameters.ts'],
    ['model/graph/new.ts', '@tensorflow/tfjs-core'],
    ['images/new.ts', '../model/inner-loop/task-runner.ts'],
    ['training/studies/toy/new.ts', '../../../server/app.ts'],
    ['server/routes/new.ts', '../../training/outer-loop/trainer.ts'],
    ['server/new.ts', '../client/index.ts'],
    ['server/new.ts', '../scripts/crash.ts'],
    ['drawing/new.ts', '../client/index.ts'],
    ['model/new.ts', '../scripts/crash.ts'],
    ['model/new.ts', '../folder-to-come/new.ts'],
    ['engine/new.ts', '../bench/median.ts'],
    ['web/device/new.ts', '../../server/app.ts'],
    ['web/new.ts', '../images/decode.ts'],
    ['client/new.ts', '../model/inner-loop/task-runner.ts'],
    ['contract/new.ts', '../server/app.ts'],
    ['web/new.ts', '../server/app.ts'],
    ['training/studies/toy/figures/new.ts', '../../../../server/app.ts'],
    ['training/optimizer/kernels/new.ts', '../../../client/index.ts'],
    ['images/pixels/new.ts', '../decode.ts'],
    ['images/pixels/new.ts', 'node:timers/promises'],
    ['images/pixels/new.ts', 'sharp'],
  ])('%s may not import %s', async (file, source) => {
    expect(await allows(file, importOf(source))).toBe(false);
  });

  it.each([
    ['model/graph/onnx/new.ts', '../primitives.ts'],
    ['model/graph/onnx/new.ts', 'protobufjs/minimal.js'],
    ['model/regression/new.ts', '../graph/graph.ts'],
    ['model/embedding/new.ts', './auto-encoder.ts'],
    ['model/controller/new.ts', '../configuration.ts'],
    ['training/studies/images/figures/new.ts', '../../../report/markdown.ts'],
    ['training/new.ts', './outer-loop/trainer.ts'],
    ['model/new.ts', 'zod'],
    ['model/trunk/new.ts', '../graph/onnx/encode.ts'],
    ['engine/trunk/new.ts', '../../model/trunk/cut.ts'],
    ['engine/new.ts', '../model/graph/executor.ts'],
    ['engine/tfjs/new.ts', '../../model/graph/primitives.ts'],
    ['training/studies/toy/new.ts', '../../../model/inner-loop/task-runner.ts'],
    ['server/workers/new.ts', '../../engine/pool.ts'],
    ['server/routes/new.ts', '../errors/errors.ts'],
    ['server/answers/bundle/new.ts', '../../../contract/schema.ts'],
    ['web/device/new.ts', '../../contract/openapi.ts'],
    ['web/device/new.ts', '../../images/pixels/resize.ts'],
    ['web/new.ts', '../client/index.ts'],
    ['web/device/new.tsx', '../api.ts'],
    ['client/new.ts', '../contract/openapi.ts'],
  ])('%s may import %s', async (file, source) => {
    expect(await allows(file, importOf(source))).toBe(true);
  });

  it.each(["await import('zod');", "await import('./random.ts');"])(
    'model/ may load nothing while it runs: %s',
    async (code) => {
      expect(await allows('model/graph/new.ts', code)).toBe(false);
      expect(await allows('engine/new.ts', code)).toBe(true);
    },
  );

  it.each([
    "export * from '../engine/pool.ts';",
    "type A = import('../engine/pool.ts').JobOptions; export type { A };",
  ])('every way of importing counts: %s', async (code) => {
    expect(await allows('model/new.ts', code)).toBe(false);
  });

  it('lets what is not pure load what it computes', async () => {
    expect(await allows('engine/new.ts', 'const url = process.argv[2]!; await import(url);')).toBe(true);
  });

  it('stand in docs/architecture.md as they are', async () => {
    const sorted = (layers: Layers): object =>
      Object.fromEntries(Object.entries(layers).map(([name, allowed]) => [name, [...allowed].sort()]));
    expect(sorted(documentedLayers())).toEqual(sorted(await layersOf()));
  });

  it('every folder says what lives there: in a README, or at the head of its one source', () => {
    const sources = execFileSync('git', ['ls-files', '*.ts', '*.tsx'], { encoding: 'utf8' })
      .trim()
      .split('\n');
    const folders = new Set(sources.map(dirname).filter((folder) => !/^test\b|^\.$/.test(folder)));
    const silent = [...folders].filter((folder) => {
      if (existsSync(join(folder, 'README.md'))) return false;
      const own = sources.filter((file) => dirname(file) === folder);
      return own.length > 1 || !/^\/[/*]/.test(readFileSync(own[0]!, 'utf8'));
    });
    expect(silent).toEqual([]);
  });

  it('stand in the README of a folder as they are', async () => {
    const layers = Object.entries(await layersOf());
    const told = layers.flatMap(([name, allowed]) => {
      const readme = new URL(`../../${name}/README.md`, import.meta.url);
      if (!existsSync(readme)) return [];
      const [, list] = /^May import: ([^]*?)\n\n/m.exec(readFileSync(readme, 'utf8')) ?? [];
      return list === undefined ? [] : [{ name, told: names(list).sort(), allowed: [...allowed].sort() }];
    });
    expect(told.length).toBeGreaterThan(0);
    for (const each of told) expect(each.told, each.name).toEqual(each.allowed);
  });

  it('have no circles', async () => {
    const layers = await layersOf();
    const held = (entry: string): string[] =>
      Object.keys(layers).filter((name) => name === entry || name.startsWith(`${entry}/`));
    const arrows = Object.entries(layers).map(([from, allowed]) => {
      return [from, allowed.flatMap(held).filter((to) => to !== from)] as const;
    });
    expect(circlesOf(new Map(arrows))).toEqual([]);
  });
});

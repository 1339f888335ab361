import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { planesFolder } from '../../training/planes/compute-planes.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string) => readFileSync(join(root, path), 'utf8');

const dockerfile = read('Dockerfile').replaceAll('\\\n', '');
const stages = new Map(
  [...dockerfile.matchAll(/^FROM (\S+) AS (\S+)$([\s\S]*?)(?=^FROM |(?![\s\S]))/gm)].map(
    ([, from, name, body]) => [name!, { from: from!, body: body! }],
  ),
);
/** What a stage has of this repository, by itself and from other stages. */
const copied = (body: string): string[] => [
  ...[...body.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, sources]) => sources!.split(' ')),
  ...[...body.matchAll(/^COPY --from=(\S+) \/app \.\/$/gm)].flatMap(([, from]) =>
    copied(stages.get(from!)!.body),
  ),
];

/** Files of a folder by how their names end, tfjs left out: a service never loads it (docs/architecture.md). */
const sourcesOf = (folder: string, ending: RegExp) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => ending.test(file) && !join(folder, file).startsWith('engine/tfjs/'))
    .map((file) => join(folder, file));

/** Top-level folders that the TypeScript files of a folder import from. */
function foldersUsedBy(folder: string): string[] {
  const files = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' });
  const imports = files
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) => {
      const up = '\\.\\./'.repeat(file.split('/').length);
      return [...read(join(folder, file)).matchAll(new RegExp(`from '${up}(\\w+)/`, 'g'))].map(
        ([, name]) => name!,
      );
    });
  return [...new Set(imports)];
}

describe('the Dockerfile', () => {
  test('has its stages, the CPU image of the service last', () => {
    expect([...stages.keys()].at(-1)).toBe('service');
    expect([...stages.keys()]).toEqual(expect.arrayContaining(['service-cuda', 'training', 'training-gpu']));
  });

  test('copies what exists and what .dockerignore lets through', () => {
    const allowed = read('.dockerignore')
      .split('\n')
      .flatMap((line) => /^!(.+)$/.exec(line)?.[1] ?? []);
    for (const source of [...stages.values()].flatMap(({ body }) => copied(body))) {
      expect(existsSync(join(root, source)), source).toBe(true);
      expect(allowed).toContain(source);
    }
  });

  test('copies every folder that the code in it imports from', () => {
    for (const stage of ['source', 'training', 'training-gpu']) {
      const folders = copied(stages.get(stage)!.body).filter((source) =>
        statSync(join(root, source)).isDirectory(),
      );
      for (const folder of folders)
        expect(folders, `imported by ${folder}`).toEqual(expect.arrayContaining(foldersUsedBy(folder)));
    }
  });

  test('runs both images of the service as a user without rights, with a health check', () => {
    for (const stage of ['service', 'service-cuda']) {
      const { body } = stages.get(stage)!;
      expect(body).toMatch(/^USER 1000:1000$/m);
      expect(body).toMatch(/^HEALTHCHECK .*\/healthz/m);
      expect(body.indexOf('USER')).toBeGreaterThan(body.lastIndexOf('RUN'));
    }
  });
});

/** What a module imports or resolves by name. */
const moduleNames = /(?:^(?:import|export|\}).*\bfrom |\bimport\(|\bresolve\()['"`]([^'"`]+)['"`]/gm;

test('the CPU image of the trainer runs as a user without rights who may write where runs and planes are', () => {
  const { from, body } = stages.get('training')!;
  expect(from).toBe(stages.get('service')!.from); // whose bits the service has
  expect(body).toMatch(/^USER 1000:1000$/m);
  expect(body.indexOf('USER')).toBeGreaterThan(body.lastIndexOf('RUN'));
  const [, folders] = /chown node:node \. (.+)$/m.exec(body)!;
  expect(body).toContain(
    `VOLUME [${folders!
      .split(' ')
      .map((folder) => `"/app/${folder}"`)
      .join(', ')}]`,
  );
  expect(planesFolder).toBe(join(root, '.cache/planes'));
});

describe('what npm installs into the images of the service (`npm ci --omit=dev`)', () => {
  const { dependencies } = JSON.parse(read('package.json')) as { dependencies: Record<string, string> };
  const { packages } = JSON.parse(read('package-lock.json')) as {
    packages: Record<string, { dev?: boolean; devOptional?: boolean }>;
  };

  test('has every dependency: the lock file marks none as one of the development', () => {
    const left = Object.keys(dependencies).filter((name) => {
      const installed = packages[`node_modules/${name}`];
      return !installed || installed.dev === true || installed.devOptional === true;
    });
    expect(left).toEqual([]);
  });

  test('has every package that the code in them names', () => {
    const named = ['server', 'contract', 'model', 'engine', 'images', 'drawing', 'web']
      .flatMap((folder) => sourcesOf(folder, /\.(tsx?|m?js)$/))
      .flatMap((file) => [...read(file).matchAll(moduleNames)])
      .map(([, name]) => name!)
      .filter((name) => !/^(\.|node:|https:)/.test(name)) // code that the page shows is of others
      .map((name) => /^(@[^/]+\/)?[^/]+/.exec(name)![0]);
    expect(named.length).toBeGreaterThan(50);
    expect([...new Set(named)].filter((name) => !(name in dependencies))).toEqual([]);
  });
});

import { spawnSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import process from 'node:process';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { redisUrl } from '../../training/cluster/address.ts';
import { readTrainingConfiguration } from '../../training/outer-loop/configuration.ts';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

interface ComposeService {
  readonly image: string;
  readonly build: { readonly context: string; readonly target: string };
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly read_only?: boolean;
}
interface Container {
  readonly image: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env: readonly { readonly name: string; readonly value?: string }[];
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
}
interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec: {
    readonly selector?: Readonly<Record<string, string>>;
    readonly podSelector?: {
      readonly matchLabels?: Readonly<Record<string, string>>;
      readonly matchExpressions?: readonly { readonly values: readonly string[] }[];
    };
    readonly template: {
      readonly metadata: { readonly labels: Readonly<Record<string, string>> };
      readonly spec: {
        readonly containers: readonly [Container];
        readonly volumes?: readonly { readonly name: string }[];
      };
    };
  };
}

const compose = parse(read('deploy/compose.training.yaml'), { merge: true }) as {
  services: Readonly<Record<'trainer' | 'worker' | 'redis', ComposeService>>;
  volumes: Readonly<Record<string, unknown>>;
};
const manifests = parseAllDocuments(read('deploy/kubernetes-training.yaml')).map((document) => {
  expect(document.errors).toEqual([]);
  return document.toJS() as Manifest;
});
const named = (kind: string, name: string) => {
  const found = manifests.find((manifest) => manifest.kind === kind && manifest.metadata.name === name);
  expect(found, `${kind} ${name}`).toBeDefined();
  return found!;
};
const containerOf = (kind: string, name: string) => named(kind, name).spec.template.spec.containers[0];
const { trainer, worker, redis } = compose.services;
const pods = [
  named('Job', 'm-nas-trainer'),
  named('Deployment', 'm-nas-train-worker'),
  named('Deployment', 'm-nas-training-redis'),
] as const;

/** What compose puts in place of `${NAME:-default}`, `${NAME:?text}` and `$$`, with a password and nothing else. */
const interpolated = (text: string) =>
  text
    .replace(/\$\{CLUSTER_PASSWORD(?::\?[^}]*)?\}/g, 'secret')
    .replace(/\$\{\w+:-([^}]*)\}/g, '$1')
    .replaceAll('$$', '$');

/** The options that a command's source declares. */
const optionsOf = (path: string) =>
  new Set([...read(path).matchAll(/'(--[a-z][\w-]*)[ ']/g)].map(([, option]) => option!));

function expectOptions(path: string, words: readonly string[]): void {
  const known = optionsOf(path);
  expect(known.size).toBeGreaterThan(3);
  for (const word of words) if (word.startsWith('--')) expect(known, `${path} ${word}`).toContain(word);
}

/** The words that a trainer's script runs node with, in a folder with the state of a run or without. */
async function startedBy(script: string, environment: Readonly<Record<string, string>>, hasState: boolean) {
  const folder = await mkdtemp(join(tmpdir(), 'm-nas-deploy-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const node = join(folder, 'node');
  await writeFile(node, '#!/bin/sh\nfor word; do echo "$word"; done\n');
  await chmod(node, 0o755);
  if (hasState) {
    await mkdir(join(folder, 'runs', environment['RUN']!), { recursive: true });
    await writeFile(join(folder, 'runs', environment['RUN']!, 'state.safetensors'), '');
  }
  const env = { ...environment, PATH: [folder, process.env['PATH']].join(delimiter) };
  const { stdout, status } = spawnSync('sh', ['-c', script], { cwd: folder, env, encoding: 'utf8' });
  expect(status).toBe(0);
  return stdout.trim().split('\n');
}

const address = 'redis://:secret@redis:6379';
const trainers: readonly (readonly [string, string, Readonly<Record<string, string>>])[] = [
  [
    'compose.training.yaml',
    interpolated(trainer.entrypoint!.at(-1)!),
    Object.fromEntries(
      Object.entries(trainer.environment!).map(([name, value]) => [name, interpolated(value)]),
    ),
  ],
  [
    'kubernetes-training.yaml',
    containerOf('Job', 'm-nas-trainer').command!.at(-1)!,
    { ...named('ConfigMap', 'm-nas-training').data, REDIS: address },
  ],
];

describe.each(trainers)('the trainer of %s', (_path, script, environment) => {
  test('begins a run with a configuration that there is, and goes on with one that was begun', async () => {
    const words = ['--import', 'tsx', 'training/train.ts', '--config', environment['CONFIG']!];
    const begun = await startedBy(script, environment, false);
    expect(begun).toEqual([...words, '--cluster', address]);
    expect(await startedBy(script, environment, true)).toEqual([...begun, '--resume']);
    expectOptions('training/train.ts', [...begun.slice(3), '--resume']);
    const configuration = await readTrainingConfiguration(environment['CONFIG']!);
    expect(configuration.name).toBe(environment['RUN']);
  });
});

describe('compose.training.yaml', () => {
  test('has trainer and workers of the one image, at the Redis that it starts', () => {
    for (const { image, build, read_only: isReadOnly } of [trainer, worker]) {
      expect([image, build.target, isReadOnly]).toEqual(['m-nas-trainer', 'training', true]);
    }
    expect(read('Dockerfile')).toMatch(/^FROM .* AS training$/m);
    const [program, url, ...options] = worker.command!;
    expect(program).toBe('training/train-worker.ts');
    expect(url).toBe(trainer.environment!['REDIS']);
    expect(redisUrl(interpolated(url!))).toBe(address);
    expectOptions('training/train-worker.ts', options);
    expect(redis.command!.map(interpolated).join(' ')).toMatch(/ --requirepass secret$/);
  });

  test('keeps runs and planes where the image has them, in volumes that there are', () => {
    const mounts = [trainer, worker].map(({ volumes }) => volumes!.map(interpolated));
    expect(mounts[0]).toEqual(expect.arrayContaining(['runs:/app/runs', 'planes:/app/.cache']));
    expect(mounts[1]).toContain('planes:/app/.cache');
    for (const mount of mounts.flat()) expect(Object.keys(compose.volumes)).toContain(mount.split(':')[0]);
  });
});

describe('kubernetes-training.yaml', () => {
  test('has trainer and workers of the one image, at the Redis that it starts', () => {
    const [job, workers, store] = pods.map(({ spec }) => spec.template.spec.containers[0]);
    expect(job!.image).toBe(workers!.image);
    const service = named('Service', 'm-nas-training');
    for (const { env } of [job!, workers!]) {
      expect(env.map(({ name }) => name)).toEqual(['PASSWORD', 'REDIS']); // $(PASSWORD) is known where it stands
      expect(env[1]!.value).toBe(`redis://:$(PASSWORD)@${service.metadata.name}:6379`);
    }
    const [program, url, ...options] = workers!.args!;
    expect([program, url]).toEqual(['training/train-worker.ts', '$(REDIS)']);
    expectOptions('training/train-worker.ts', options);
    expect(store!.args!.join(' ')).toMatch(/ --requirepass \$\(PASSWORD\)$/);
    expect(service.spec.selector).toEqual(pods[2].spec.template.metadata.labels);
  });

  test('mounts volumes that there are, and lets the three pods speak to each other alone', () => {
    for (const { spec } of pods) {
      const volumes = (spec.template.spec.volumes ?? []).map(({ name }) => name);
      const { volumeMounts = [] } = spec.template.spec.containers[0];
      expect(volumeMounts.map(({ name }) => name)).toEqual(volumes);
    }
    const [clients, store] = ['m-nas-training', 'm-nas-training-redis'].map(
      (name) => named('NetworkPolicy', name).spec.podSelector!,
    );
    const labels = pods.map(({ spec }) => spec.template.metadata.labels['app']);
    expect(clients!.matchExpressions![0]!.values).toEqual(labels.slice(0, 2));
    expect(store!.matchLabels).toEqual({ app: labels[2] });
  });
});

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { environmentSchema, parseConfiguration } from '../../server/configuration.ts';
import type { Configuration } from '../../server/configuration.ts';
import { Metrics } from '../../server/metrics.ts';

type Environment = Readonly<Record<string, string>>;
interface Resources {
  readonly limits: { readonly memory: string };
}
/** As much of compose.yaml and of the documents of kubernetes.yaml as is looked at. */
interface Manifest {
  readonly services?: Readonly<
    Record<
      string,
      { readonly environment?: Environment; readonly deploy?: { readonly resources: Resources } }
    >
  >;
  readonly kind?: string;
  readonly data?: Environment;
  readonly spec?: {
    readonly sessionAffinity?: string;
    readonly template?: {
      readonly spec: { readonly containers: readonly { readonly resources: Resources }[] };
    };
  };
}

interface Worker {
  readonly command?: readonly string[];
  readonly environment: Environment;
  readonly stop_grace_period?: string;
}

const read = (path: string) => readFileSync(new URL(`../../deploy/${path}`, import.meta.url), 'utf8');
const manifests = (path: string) =>
  parseAllDocuments(read(path), { merge: true }).map((document) => document.toJS() as Manifest);

/** Environments of the service and the bytes that it may take, of every way to run it. */
function deployments(path: string): { readonly environment: Environment; readonly memory: number }[] {
  const all = manifests(path);
  const { containers = [] } = all.find(({ kind }) => kind === 'Deployment')?.spec?.template?.spec ?? {};
  const replicas = containers.map(({ resources }) => [
    all.find(({ kind }) => kind === 'ConfigMap')?.data,
    resources,
  ]);
  const services = all.flatMap(({ services = {} }) =>
    Object.values(services).map(({ environment, deploy }) => [environment, deploy?.resources]),
  );
  return ([...replicas, ...services] as [Environment | undefined, Resources | undefined][]).flatMap(
    ([environment, resources]) =>
      environment && resources ? [{ environment, memory: bytesOf(resources.limits.memory) }] : [],
  );
}

function bytesOf(memory: string): number {
  const [, gibibytes] = /^([\d.]+)(?:g|Gi)$/.exec(memory)!;
  return Number(gibibytes) * 2 ** 30;
}

/** What the service reads of an environment, of whose `${NAME:-default}` compose takes the defaults. */
const configurationOf = (environment: Environment) =>
  parseConfiguration(
    Object.fromEntries(
      Object.entries(environment).map(([name, value]) => [name, value.replace(/^\$\{\w+:-(.*)\}$/, '$1')]),
    ),
  );

/**
 * Bytes that a service takes at most, the same for every way to run it: when it is ready, with two workers
 * (docs/performance.md), for the work of these, and for all bodies, unpacked too.
 */
function memoryOf(configuration: Configuration): number {
  const { MNAS_WORKERS, MNAS_MEMORY_BYTES, MNAS_UPLOADS, MNAS_MAX_BODY_BYTES } = configuration;
  expect(MNAS_WORKERS).toBe(2);
  const ready = 2 ** 30;
  return ready + MNAS_MEMORY_BYTES + 2 * MNAS_UPLOADS * MNAS_MAX_BODY_BYTES;
}

describe.each([
  ['compose.yaml', 2],
  ['kubernetes.yaml', 1],
])('%s', (path, ways) => {
  test('sets only variables that the service takes, the number of workers among them', () => {
    const all = deployments(path);
    expect(all).toHaveLength(ways);
    for (const { environment } of all) {
      expect(() => configurationOf(environment)).not.toThrow();
      for (const name of Object.keys(environment))
        expect(Object.keys(environmentSchema.shape)).toContain(name);
      expect(environment).toHaveProperty('MNAS_WORKERS');
    }
  });

  test('gives the memory that the service takes at most', () => {
    for (const { environment, memory } of deployments(path))
      expect(memory).toBe(memoryOf(configurationOf(environment)));
  });
});

test('nginx lets through what the replicas take, and sends a client to one of them', () => {
  const nginx = read('nginx.conf');
  const [replica] = deployments('compose.yaml');
  const [, mebibytes] = /client_max_body_size (\d+)m;/.exec(nginx)!;
  expect(Number(mebibytes) * 2 ** 20).toBe(configurationOf(replica!.environment).MNAS_MAX_BODY_BYTES);
  expect(nginx).toContain('hash $remote_addr consistent;');
});

test('idle connections are closed by the proxy, before the service does', () => {
  const [, seconds] = /keepalive_timeout (\d+)s;/.exec(read('nginx.conf'))!;
  for (const path of ['compose.yaml', 'kubernetes.yaml'])
    for (const { environment } of deployments(path))
      expect(configurationOf(environment).MNAS_KEEP_ALIVE_SECONDS).toBeGreaterThan(Number(seconds) + 5);
});

test('a service that is told to end has the time that it takes', () => {
  const seconds = [/stop_grace_period: (\d+)s/.exec(read('compose.yaml'))!];
  seconds.push(/terminationGracePeriodSeconds: (\d+)/.exec(read('kubernetes.yaml'))!);
  for (const [index, path] of ['compose.yaml', 'kubernetes.yaml'].entries())
    for (const { environment } of deployments(path)) {
      const { MNAS_NOTICE_SECONDS: notice, MNAS_DRAIN_SECONDS: drain } = configurationOf(environment);
      expect(Number(seconds[index]![1])).toBeGreaterThanOrEqual(notice + drain + 10);
    }
});

describe('m-nas.service', () => {
  const unit = read('m-nas.service');
  const values = (name: string) =>
    [...unit.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].map(([, value]) => value!);
  const environment = Object.fromEntries(
    values('Environment').flatMap((line) => line.split(' ').map((pair) => pair.split('='))),
  ) as Environment;

  test('starts the service as the container does, with settings that it takes', () => {
    const dockerfile = readFileSync(new URL('../../Dockerfile', import.meta.url), 'utf8');
    const [command] = /CMD \["node", "--import".*\]$/m.exec(dockerfile)!;
    const parts = JSON.parse(command.replace('CMD ', '')) as string[];
    expect(values('ExecStart')).toEqual([`/usr/bin/${parts.join(' ')}`]);
    const { NODE_ENV: mode, MALLOC_MMAP_THRESHOLD_: threshold, ...settings } = environment;
    expect(mode).toBe('production');
    expect(dockerfile).toContain(`MALLOC_MMAP_THRESHOLD_=${threshold}`);
    expect(() => configurationOf(settings)).not.toThrow();
    for (const name of Object.keys(settings)) expect(Object.keys(environmentSchema.shape)).toContain(name);
    expect(`/var/lib/${values('StateDirectory')[0]!}`).toBe(settings['MNAS_DATA_DIR']);
  });

  test('has the memory and the time that the service takes at most', () => {
    const settings = Object.fromEntries(
      Object.entries(environment).filter(([name]) => /^(?:MNAS_|PORT|HOST)/.test(name)),
    );
    const memory = bytesOf(values('MemoryMax')[0]!.replace('G', 'g'));
    expect(memory).toBe(memoryOf(configurationOf(settings)));
    const { MNAS_NOTICE_SECONDS: notice, MNAS_DRAIN_SECONDS: drain } = configurationOf(settings);
    expect(Number(values('TimeoutStopSec')[0])).toBeGreaterThanOrEqual(notice + drain + 10);
  });
});

/** The names of all metrics, those of Prometheus' own histograms in their parts. */
function metricNames(): ReadonlySet<string> {
  const metrics = new Metrics();
  metrics.watchProcess();
  metrics.watchPool(() => ({}) as never);
  metrics.watchMemory(() => ({}) as never);
  metrics.watchStorage({ state: () => ({}) as never, stats: () => ({}) as never });
  metrics.watchQueue(() => ({}) as never);
  metrics.describeBuild({ version: '', node: '', onnxruntime: '', provider: '' });
  const names = metrics.registry.getMetricsAsArray().map(({ name }) => name);
  return new Set(names.flatMap((name) => [name, `${name}_bucket`, `${name}_sum`, `${name}_count`]));
}

test.each(['alerts.yaml', 'dashboard.json', 'autoscaler.yaml', 'kubernetes-queue.yaml'])(
  '%s names only metrics that there are',
  (path) => {
    const known = metricNames();
    const named = read(path).match(/\b(?:mnas|nodejs|process)_\w+/g)!;
    expect(named.length).toBeGreaterThan(0);
    for (const name of named) expect(known, name).toContain(name);
  },
);

test('every alert is explained in the runbook, and no other one is', () => {
  const { groups } = parse(read('alerts.yaml')) as {
    groups: { rules: { alert: string; annotations: { runbook: string } }[] }[];
  };
  const rules = groups.flatMap(({ rules }) => rules);
  const runbook = readFileSync(new URL('../../docs/runbook.md', import.meta.url), 'utf8');
  expect([...runbook.matchAll(/^### (\w+)$/gm)].map(([, name]) => name)).toEqual(
    rules.map(({ alert }) => alert),
  );
  for (const { alert, annotations } of rules)
    expect(annotations.runbook).toBe(`docs/runbook.md#${alert.toLowerCase()}`);
});

test('the autoscaler scales the Deployment, and never below what may not be disrupted', () => {
  const [scaler] = manifests('autoscaler.yaml') as unknown as [
    { spec: { scaleTargetRef: { name: string }; minReplicas: number } },
  ];
  const all = manifests('kubernetes.yaml') as unknown as {
    kind: string;
    metadata: { name: string };
    spec: { minAvailable?: number };
  }[];
  const named = (kind: string) => all.find((manifest) => manifest.kind === kind)!;
  expect(scaler.spec.scaleTargetRef.name).toBe(named('Deployment').metadata.name);
  expect(scaler.spec.minReplicas).toBeGreaterThan(named('PodDisruptionBudget').spec.minAvailable!);
});

test('the Service sends a client to one pod', () => {
  const service = manifests('kubernetes.yaml').find(({ kind }) => kind === 'Service');
  expect(service?.spec?.sessionAffinity).toBe('ClientIP');
});

describe('workers of a queue', () => {
  const command = ['node', '--import', 'tsx', 'server/main.ts', 'worker'];

  test('compose.queue.yaml: replicas and workers share queue and storage, with settings that they take', () => {
    const queued = parse(read('compose.queue.yaml')) as { services: Record<string, Worker> };
    const base = parse(read('compose.yaml'), { merge: true }) as { services: Record<string, Worker> };
    const { replica, worker, queue } = queued.services;
    const merged = { ...base.services['replica']!.environment, ...replica!.environment };
    const [one, other] = [configurationOf(merged), configurationOf(worker!.environment)];
    for (const name of ['MNAS_QUEUE', 'MNAS_STORAGE', 'MNAS_STORED_DAYS', 'MNAS_MEMORY_BYTES'] as const)
      expect(other[name], name).toEqual(one[name]);
    expect(one.MNAS_QUEUE.kind).toBe('redis');
    expect(worker!.command).toEqual(command);
    expect(queue!.command!.join(' ')).toMatch(/--appendonly yes .*--maxmemory-policy noeviction$/);
    const seconds = parseInt(worker!.stop_grace_period!);
    expect(seconds).toBeGreaterThanOrEqual(other.MNAS_DRAIN_SECONDS + 10);
  });

  test('kubernetes-queue.yaml: the workers have the settings of the replicas, and are what is scaled', () => {
    const all = manifests('kubernetes-queue.yaml') as unknown as {
      kind: string;
      metadata: { name: string };
      data: Environment;
      spec: {
        scaleTargetRef: { name: string };
        template: { spec: { containers: { command: string[]; envFrom: unknown[] }[] } };
      };
    }[];
    const named = (kind: string) => all.find((manifest) => manifest.kind === kind)!;
    const queue = named('ConfigMap');
    const base = manifests('kubernetes.yaml').find(({ kind }) => kind === 'ConfigMap')!.data;
    expect(configurationOf({ ...base, ...queue.data }).MNAS_QUEUE.kind).toBe('redis');
    const { spec, metadata } = named('Deployment');
    const [container] = spec.template.spec.containers;
    expect(container!.command).toEqual(command);
    expect(container!.envFrom).toEqual([
      { configMapRef: { name: 'm-nas' } },
      { configMapRef: { name: queue.metadata.name } },
      { secretRef: { name: 'm-nas' } },
    ]);
    expect(named('ScaledObject').spec.scaleTargetRef.name).toBe(metadata.name);
    expect(read('kubernetes.yaml')).toContain(`{ name: ${queue.metadata.name}, optional: true }`);
  });
});

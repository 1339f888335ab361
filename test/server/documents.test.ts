import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { environmentSchema, parseConfiguration, printable } from '../../server/configuration.ts';
import type { PoolStats } from '../../engine/pool-options.ts';
import { catalogue } from '../../server/errors/error-catalogue.ts';
import { Metrics } from '../../server/metrics.ts';
import { contract, expectSchema } from './support/contract.ts';
import { provokedBy } from './support/problem.ts';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

/** Cells of the Markdown table rows whose first cell is in backticks, below a heading or anywhere. */
function tableRows(markdown: string): string[][] {
  const rows = [...markdown.matchAll(/^\| `([^`]+)` \|(.*)\|$/gm)];
  return rows.map(([, first, rest]) => [first!, ...rest!.split('|').map((cell) => cell.trim())]);
}

describe('the error catalogue', () => {
  test('has the codes of openapi.yaml', () => {
    const { enum: codes } = contract.components.schemas['ErrorCode'] as { enum: string[] };
    expect([...codes].sort()).toEqual(Object.keys(catalogue).sort());
  });

  test('has no code that the tests do not provoke', () => {
    expect([...new Set<string>(Object.values(provokedBy).flat())].sort()).toEqual(
      Object.keys(catalogue).sort(),
    );
  });

  test('is the table of docs/http.md, word for word', () => {
    const [, errors = ''] = read('docs/http.md').split('\n## Errors\n');
    const entries = Object.entries(catalogue);
    const expected = entries.map(([code, { status, title, message }]) => [
      code,
      String(status),
      title,
      message,
    ]);
    expect(tableRows(errors)).toEqual(expected);
  });

  test('has something to do about every code in docs/troubleshooting.md, once', () => {
    const [, errors = ''] = read('docs/troubleshooting.md').split('\n## An answer is an error\n');
    const rows = tableRows(errors);
    expect(rows.map(([code]) => code).sort()).toEqual(Object.keys(catalogue).sort());
    for (const [code, remedy] of rows) expect(remedy, code).toMatch(/^[A-Z].{10,}\.$/);
  });

  test('has only statuses that some operation of openapi.yaml, or a path outside of it, answers with', () => {
    const operations = Object.values(contract.paths).flatMap((path) => Object.values(path));
    const promised = operations.flatMap(({ responses = {} }) => Object.keys(responses));
    const known = new Set([...promised, '405']);
    expect(Object.values(catalogue).filter(({ status }) => !known.has(String(status)))).toEqual([]);
  });
});

describe('openapi.yaml', () => {
  test('has examples that fit their schemas', () => {
    const examples = Object.entries(contract.components.examples);
    expect(examples.map(([name]) => name).sort()).toEqual([
      'Architecture',
      'Checkpoints',
      'Estimate',
      'ImagesEvaluation',
      'ImagesPredictions',
      'ImagesQuery',
      'ImagesQuerySet',
      'ImagesSupport',
      'ImagesTask',
      'InferenceRequest',
      'InferenceResponse',
      'Problem',
      'RegressionEvaluation',
      'RegressionPredictions',
      'RegressionQuery',
      'RegressionQuerySet',
      'RegressionSupport',
      'RegressionTask',
      'TaskProgress',
    ]);
    for (const [name, { value }] of examples) expectSchema(name, value);
  });

  test('has a value for every key, items for every array, and files where bytes are', () => {
    const faults: string[] = [];
    let files = 0;
    const walk = (value: unknown, path: string): void => {
      if (value === null) faults.push(`${path} has no value`);
      if (typeof value !== 'object' || value === null) return;
      const { type, items, contentMediaType, format } = value as Record<string, unknown>;
      if (type === 'array' && items === undefined) faults.push(`${path} has no items`);
      if (typeof contentMediaType === 'string') {
        files++;
        if (format !== 'binary') faults.push(`${path} is text`);
      }
      for (const [key, inner] of Object.entries(value)) if (key !== 'value') walk(inner, `${path}/${key}`);
    };
    walk(contract, '');
    expect(faults).toEqual([]);
    expect(files).toBeGreaterThan(10);
  });

  test('has every path of docs/http.md and the other way round', () => {
    const named = new Set(
      [
        ...read('docs/http.md').matchAll(
          /\/(?:v1\/[a-z{}/.]+|v2[a-z{}/]*|healthz|readyz|metrics|openapi\.yaml)/g,
        ),
      ].map(([path]) => path),
    );
    for (const path of Object.keys(contract.paths)) expect([...named]).toContain(path);
    const [, operations = ''] = read('docs/http.md').split('# HTTP reference');
    for (const [, path] of operations.matchAll(/`(?:GET|POST|DELETE) (\/[^`]*)`/g)) {
      expect(Object.keys(contract.paths)).toContain(path);
    }
  });

  test('promises the refusal of a key, of too many requests and of foreign pages for every operation that they guard', () => {
    const operations = Object.entries(contract.paths)
      .filter(([path]) => /^\/(v1|v2|metrics)(\/|$)/.test(path) && !path.startsWith('/v2/health/'))
      .flatMap(([path, methods]) =>
        Object.entries(methods).map(([method, of]) => [`${method} ${path}`, of] as const),
      )
      .filter(([name]) => !name.startsWith('parameters'));
    expect(operations.length).toBeGreaterThan(5);
    for (const [name, { responses }] of operations) {
      // the inference protocol has one form for all its refusals, and a limit does not count what reads the metrics
      const refusals =
        'default' in responses ? ['default'] : name === 'get /metrics' ? ['401'] : ['401', '429'];
      const foreign = name.startsWith('get') || 'default' in responses ? [] : ['403'];
      expect(Object.keys(responses), name).toEqual(expect.arrayContaining([...refusals, ...foreign]));
    }
  });
});

describe('docs/configuration.md', () => {
  const rows = tableRows(read('docs/configuration.md'));

  test('lists exactly the variables of the schema, in its order', () => {
    expect(rows.map(([name]) => name)).toEqual(Object.keys(environmentSchema.shape));
  });

  test('gives their defaults', () => {
    const defaults = printable(parseConfiguration({}));
    for (const [name, given] of rows) {
      const value = defaults[name!];
      if (name === 'MNAS_WORKERS') expect(given).toBe('number of cores');
      else if (typeof value === 'string' || typeof value === 'number')
        expect(given, name).toBe(`\`${value}\``);
      else expect(given, name).toBe(name === 'MNAS_DEFAULT_CHECKPOINT' ? 'the bundled one' : 'none');
    }
  });
});

describe('docs/operation.md', () => {
  test('lists exactly the metrics of the service, beside those of the process', async () => {
    const metrics = new Metrics();
    metrics.watchPool(() => new Proxy({} as PoolStats, { get: () => 0 }));
    metrics.watchMemory(() => ({ held: 1, limit: 2, releases: 3 }));
    metrics.watchStorage({
      state: () => Promise.resolve({ readable: true, writable: false, losses: 2 }),
      stats: () => ({ tasks: 0, bytes: 0, evicted: 3 }),
    });
    metrics.watchQueue(() => Promise.resolve({ waiting: 3, delayed: 0, active: 2, age: 1, lanes: 4 }));
    metrics.describeBuild({ version: '1', node: '2', onnxruntime: '3', provider: 'cpu' });
    const names = metrics.registry.getMetricsAsArray().map(({ name }) => name);
    expect(tableRows(read('docs/operation.md')).map(([name]) => name)).toEqual(names);
    const text = await metrics.registry.metrics();
    for (const line of [
      'mnas_queue_jobs 0',
      'mnas_storage_readable 1',
      'mnas_storage_writable 0',
      'mnas_storage_losses_total 2',
      'mnas_shared_queue_waiting 3',
      'mnas_shared_queue_lanes 4',
      'mnas_build_info{version="1",node="2",onnxruntime="3",provider="cpu"} 1',
    ])
      expect(text.split('\n')).toContain(line);
    expect(await metrics.registry.metrics()).toContain('\nmnas_evicted_tasks_total 3\n'); // read twice, counted once
    // what only grows is a counter, so that rate() works and a restart is no fall
    for (const { name, type } of await metrics.registry.getMetricsAsJSON())
      expect(String(type) === 'counter', name).toBe(name.endsWith('_total'));
  });
});

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { defaultEngine } from '../../../engine/options.ts';
import type { GradientResult } from '../../../training/outer-loop/gradient-job.ts';
import type { RunHost } from '../../../training/outer-loop/gradient-host.ts';
import type { BatchPayload } from '../../../training/outer-loop/meta-batch.ts';
import { placeOf, redisUrl } from '../../../training/cluster/address.ts';
import { arithmeticHash } from '../../../training/cluster/arithmetic.ts';
import { Batch } from '../../../training/cluster/batch.ts';
import {
  announcementSchema,
  answerSchema,
  firstOf,
  partId,
  sendable,
  vectorBytes,
  vectorHash,
  vectorOf,
} from '../../../training/cluster/messages.ts';
import { Pace } from '../../../training/cluster/pace.ts';
import { withOwnPlaces } from '../../../training/cluster/places.ts';
import { subtreeSize } from '../../../training/cluster/plan.ts';
import { differences, sharedParts } from '../../../training/cluster/shared-parts.ts';
import { trainingConfigurationSchema } from '../../../training/outer-loop/configuration.ts';
import { writeNoisePlanes } from '../../support/noise-planes.ts';
import { sharedFolder } from '../../support/shared-folder.ts';
import { syntheticDomain } from '../../support/synthetic-domain.ts';
import { smallTrunkConfiguration } from '../../support/trunk-task.ts';
import { configuration, domains } from '../outer-loop/tiny-run.ts';

const root = sharedFolder();

describe('the size of parts', () => {
  it.each([
    [32, [1, 1], 16],
    [32, [1, 1, 1, 1], 8],
    [32, [8, 8], 16],
    [7, [1, 1], 4],
    [1, [1, 1], 1],
    [4, [4, 4], 4], // one machine alone does it as soon
    [32, [1, 1, 1], 4], // 12 tasks for the busiest, where 11 is the least
    [64, [4, 1], 8],
  ])('of %i tasks for machines of %j threads is %i', (tasks, threads, size) => {
    expect(subtreeSize(tasks, threads)).toBe(size);
  });

  it('grows with machines, not with tasks: at most four parts a machine, near the shortest time', () => {
    for (let hosts = 1; hosts <= 16; hosts++)
      for (const tasks of [16, 32, 64]) {
        const threads = Array.from({ length: hosts }, () => 1);
        expect(Math.ceil(tasks / subtreeSize(tasks, threads)) / hosts).toBeLessThanOrEqual(4);
      }
  });
});

const result = (loss: number): GradientResult => ({
  domain: 'a',
  loss,
  finite: Number.isFinite(loss),
  accuracy: 0.1 + 0.2,
  supportBefore: null,
  supportAfter: Number.POSITIVE_INFINITY,
  reconstruction: 0,
  genotype: null,
});

describe('the URL of a Redis', () => {
  it('is one of its two schemes, and is told without what may be a password', () => {
    expect(redisUrl('rediss://user:pass@host:6380/1')).toBe('rediss://user:pass@host:6380/1');
    expect(placeOf('rediss://user:pass@host:6380/1')).toBe('rediss://host:6380/1');
    for (const text of ['http://host', 'host:6379', ''])
      expect(() => redisUrl(text)).toThrow('is no URL of a Redis');
  });
});

describe('what machines say', () => {
  it('has every number as it was, finite or not', () => {
    const answer = {
      host: 'h',
      sum: '0'.repeat(64),
      fetched: 8,
      results: [result(Number.NaN), result(1e-300)],
    };
    const sent = JSON.parse(JSON.stringify(sendable(answer))) as unknown;
    expect(answerSchema.parse(sent)).toEqual(answer);
  });

  it('has a vector that was sent, or nothing', () => {
    const vector = Float32Array.of(1, -0, Number.NaN, 1e-40);
    const bytes = Buffer.from(vectorBytes(vector));
    expect(vectorOf(bytes, vectorHash(vector))).toEqual(vector);
    bytes[0]! ^= 1;
    expect(() => vectorOf(bytes, vectorHash(vector))).toThrow('16 bytes that are not those that were sent');
    expect(() => vectorOf(bytes.subarray(0, 15), vectorHash(vector))).toThrow('15 bytes');
    expect(() => vectorOf(null, vectorHash(vector))).toThrow('not there');
  });

  it('tells parts of other iterations and starts of the trainer apart', () => {
    const id = partId({ epoch: 'e1', iteration: 12, first: 8 }, 2);
    expect(firstOf(id, 'e1', 12)).toBe(8);
    expect(firstOf(id, 'e1', 13)).toBeUndefined();
    expect(firstOf(id, 'e2', 12)).toBeUndefined();
  });
});

/** A host of vectors of one number; its threads give task i the gradient 10^i. */
function tinyHost(tasks: number): RunHost & { readonly computed: number[] } {
  const gradients = Array.from({ length: tasks }, () => new Float32Array(1));
  const computed: number[] = [];
  const run = (_: string, { task }: { task: number }): Promise<GradientResult> => {
    computed.push(task);
    gradients[task]!.fill(10 ** task);
    return Promise.resolve(result(task));
  };
  return { gradients, computed, seed: 1, threads: 1, pool: { run } } as unknown as ReturnType<
    typeof tinyHost
  >;
}
const payload = { iteration: 0, stage: configuration.stages[0] } as unknown as BatchPayload;
const parts = [
  { first: 0, count: 2 },
  { first: 2, count: 1 },
];

describe('a meta-batch on its way', () => {
  it('takes the first sum of a part, from wherever, and waits until its own threads write no more', async () => {
    const host = tinyHost(3);
    const batch = new Batch(host, payload, parts, new Pace());
    const here = batch.computeHere(0);
    expect(batch.accept(0, 'far', [result(0), result(1)], Float32Array.of(11))).toBe(true);
    expect(batch.accept(0, 'late', [result(7), result(7)], Float32Array.of(7))).toBe(false);
    await batch.computeHere(2);
    const results = await batch.results();
    await here;
    expect(results.map(({ loss }) => loss)).toEqual([0, 1, 2]);
    expect([host.gradients[0], host.gradients[2]]).toEqual([Float32Array.of(11), Float32Array.of(100)]);
    expect(host.computed).not.toContain(1); // the part came while its first task was computed
    expect([batch.away, [...batch.hosts].sort()]).toEqual([1, ['', 'far']]);
  });

  it('refuses a sum of another length, and stays open', () => {
    const batch = new Batch(tinyHost(3), payload, parts, new Pace());
    expect(() => batch.accept(0, 'far', [result(0)], Float32Array.of(1))).toThrow('1 tasks');
    expect(() => batch.accept(2, 'far', [result(2)], Float32Array.of(1, 2))).toThrow('2 numbers');
    expect(batch.open).toEqual(parts);
  });

  it('finds a machine late that takes three times as long as tasks do, or was never heard of', () => {
    const pace = new Pace();
    const batch = new Batch(tinyHost(3), payload, parts, pace);
    for (const { first } of parts) expect(batch.handOut(first, false)).toBe(1);
    batch.begun(0);
    expect(batch.late).toEqual([]); // nothing is known of the pace
    pace.note(1, -2000); // so that the grace is no wait: 3 · 2 · -2000 + 2000 < 0
    expect(batch.late).toEqual(parts);
    expect(batch.handOut(0, true)).toBe(2);
    expect(batch.handOut(0, false)).toBe(2); // the same time, told again
    expect(new Pace().patience(4)).toBe(Number.POSITIVE_INFINITY);
  });

  it('fails where a task fails on this machine', async () => {
    const host = { ...tinyHost(3), pool: { run: () => Promise.reject(new Error('no memory')) } };
    const batch = new Batch(host as unknown as RunHost, payload, parts, new Pace());
    void batch.computeHere(0);
    await expect(batch.results()).rejects.toThrow('no memory');
  });
});

describe('what machines have in common', () => {
  it('is told apart by data, configuration and arithmetic, not by where the data lie or how many threads there are', async () => {
    const run = await sharedParts(configuration, domains, defaultEngine);
    const [a, b] = configuration.domains;
    const elsewhere = {
      ...a!,
      source: { ...a!.source, path: '/elsewhere' } as (typeof configuration.domains)[number]['source'],
    };
    const same = { ...configuration, workers: 9, domains: [elsewhere, b!] };
    expect(differences(run, await sharedParts(same, domains, defaultEngine))).toEqual([]);
    const other = [domains[0]!, { ...syntheticDomain('b', 16), classes: domains[1]!.classes.slice(1) }];
    expect(differences(run, await sharedParts(configuration, other, defaultEngine))).toEqual([
      'b has other images here than in the run: --data b=PATH says where they are',
    ]);
    const seeded = await sharedParts({ ...configuration, seed: 6 }, domains, defaultEngine);
    expect(differences(run, seeded)).toEqual(['the run has another configuration than it said']);
    expect(differences(run, { ...run, arithmetic: 'f', commit: 'f' })).toHaveLength(
      run.commit === 'unknown' ? 1 : 2,
    );
  });

  it('is the same for planes that lie elsewhere, another for those of another trunk', async () => {
    const model = smallTrunkConfiguration();
    const given = trainingConfigurationSchema.parse({
      name: 'planes',
      seed: 3,
      model,
      planes: { trunk: 'here.json', taps: ['a', 'b', 'c'] },
      domains: [{ source: { kind: 'folder', name: 'many', path: 'here' } }],
      stages: [{ stage: 'retrain', iterations: 1, shapes: [{ way: 2, shot: 1, query: 2 }] }],
    });
    const plan = { splits: ['train', 'train', 'val'] as const, count: 5 };
    const views = { mirror: true, crops: 0, served: false };
    const folders = ['here', 'there'].map((name) => root(name));
    const [here, there] = await Promise.all(
      folders.map(async (folder) => {
        await mkdir(folder, { recursive: true });
        return writeNoisePlanes(folder, 'many', model, { ...plan, views });
      }),
    );
    const run = await sharedParts(given, [here!], defaultEngine);
    const elsewhere = withOwnPlaces(given, { data: ['many=/there'], trunk: '/there.json' });
    const moved = { ...there!, fingerprint: 'of other times' };
    expect(differences(run, await sharedParts(elsewhere, [moved], defaultEngine))).toEqual([]);
    const rows = await readFile(there!.path);
    rows[rows.length - 1]! ^= 1;
    await writeFile(there!.path, rows);
    expect(differences(run, await sharedParts(elsewhere, [moved], defaultEngine))).toEqual([
      'many has other images here than in the run: --data many=PATH says where they are',
    ]);
    const announced = { epoch: 'e', ended: false, engine: defaultEngine, shared: run, configuration: given };
    expect(announcementSchema.parse(JSON.parse(JSON.stringify(announced)))).toEqual(announced);
  });

  it('has one arithmetic on one machine', async () => {
    expect(await arithmeticHash()).toBe(await arithmeticHash());
  });

  it('lies where a machine says', () => {
    const own = withOwnPlaces(configuration, { data: ['b=/mnt/b=1'], trunk: undefined });
    expect(own.domains.map(({ source }) => 'path' in source && source.path)).toEqual(['unused', '/mnt/b=1']);
    expect(() => withOwnPlaces(configuration, { data: ['c=/x'], trunk: undefined })).toThrow(
      '--data: the run has no c, but a, b',
    );
    expect(() => withOwnPlaces(configuration, { data: ['b'], trunk: undefined })).toThrow('NAME=PATH');
  });
});

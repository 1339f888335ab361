import { execFile } from 'node:child_process';
import { cp, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { pino } from 'pino';
import { beforeAll, describe, expect, test } from 'vitest';
import { MnasClient, MnasError, UnreachableError } from '../../client/index.ts';
import type { TaskEvent } from '../../client/index.ts';
import { holdAdaptation, untilAborted } from '../server/support/adapter.ts';
import { openDiskStorage } from '../../server/storage/disk.ts';
import { harness, listen, temporaryFolder } from '../server/support/harness.ts';
import type { HarnessOptions } from '../server/support/harness.ts';
import { sharedFolder } from '../support/shared-folder.ts';
import { support as points } from '../server/support/regression.ts';
import { shades, support } from '../server/support/tasks.ts';
import { zip } from '../server/support/zip.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));
const example = (name: string) => join(root, 'client/examples', name);

/** A PNG as a client has it. */
const blob = (bytes: Uint8Array, name = 'x.png') => new File([Uint8Array.from(bytes)], name);
const classes = () => ({
  red: [blob(shades.red[0]), blob(shades.red[1])],
  green: [blob(shades.green[0])],
  blue: [blob(shades.blue[0])],
});

async function serving(options: HarnessOptions = {}) {
  const running = await harness(options);
  const { port } = await listen(running.app);
  const baseUrl = `http://127.0.0.1:${port}`;
  return { ...running, baseUrl, client: new MnasClient({ baseUrl }) };
}

describe('the client', () => {
  test('makes a task in silence or with its events, from files, an archive or points', async () => {
    const { client, post } = await serving();
    const events: TaskEvent[] = [];
    const task = await client.createTask(classes(), { steps: 3, onEvent: (event) => events.push(event) });
    expect(task).toMatchObject({ kind: 'images', steps: 3, shots: { red: 2, green: 1, blue: 1 } });
    const fits = events.flatMap(({ event, data }) => (event === 'fit' ? [data.step] : []));
    expect(fits).toEqual([0, 1, 2, 3]);
    expect(events.at(-1)).toEqual({ event: 'ready', data: task });
    expect((await post('/v1/tasks?steps=3', support)).body).toEqual(task);
    const archive = await zip(
      support.map(({ name, file, content }) => ({ path: `${name!}/${file!}`, content })),
    );
    const zipped = new Blob([Uint8Array.from(archive)]);
    expect(await client.createTask(zipped, { steps: 3, checkpoint: 'photos' })).toEqual(task);
    const regression = await client.createTask(points, { onEvent: () => undefined });
    expect(regression.kind).toBe('regression');
    expect(await client.predictY(regression.id, [0, 1])).toEqual([expect.any(Number), expect.any(Number)]);
  });

  test('predicts, gets the model, and has every other operation typed', async () => {
    const { client } = await serving();
    const { id, model } = await client.createTask(classes());
    const predictions = await client.predict(id, [blob(shades.blue[2], 'new.png'), blob(shades.red[2])], {
      top: 2,
    });
    expect(predictions.map(({ file, label, top }) => [file, label, top?.length])).toEqual([
      ['new.png', 'blue', 2],
      ['x.png', 'red', 2],
    ]);
    expect((await client.getModel(id)).length).toBe(model.bytes);
    expect((await client.getModel(id, { weights: 'float32' })).length).toBe(model.bytes); // it has no others
    const { data } = await client.api.GET('/healthz');
    expect(data?.status).toBe('ok');
  });

  test('gets a task and what belongs to it, what tasks start from, and an estimate', async () => {
    const { client } = await serving();
    const task = await client.createTask(classes());
    expect(await client.getTask(task.id)).toEqual(task);
    expect(await client.getEmbedding(task.id)).toEqual([0.5, -0.5]);
    expect([...(await client.getBundle(task.id)).subarray(0, 2)]).toEqual([0x50, 0x4b]); // a zip
    const budget = { maxWeights: 1, maxMultiplyAdds: 2, maxBytes: 3 };
    for (const asked of [client.createTask(classes(), budget), client.estimate(classes(), budget)])
      await expect(asked).rejects.toThrow(
        'maxWeights, maxMultiplyAdds, maxBytes: the checkpoint photos has no',
      );
    const ids = (await client.checkpoints({ ways: 3 })).map((checkpoint) => checkpoint.id);
    expect(ids).toEqual(['photos', 'toy', 'drawn', 'other']);
    const estimate = await client.estimate(
      { ...classes(), blue: [0, 1].map((i) => blob(shades.blue[i]!)) },
      { steps: 2 },
    );
    expect(estimate).toMatchObject({ checkpoint: 'photos', steps: 2, evaluation: { images: 4 } });
  });

  test('estimates with the task, and evaluates images and points', async () => {
    const { client } = await serving();
    const task = await client.createTask(classes(), { estimate: 'always' });
    expect(task.estimate).toMatchObject({ folds: 2, evaluation: { images: 2 } });
    const query = { red: [blob(shades.red[2])], blue: [blob(shades.blue[2])] };
    expect(await client.evaluate(task.id, query)).toMatchObject({ images: 2, accuracy: 1 });
    const strict = await client.evaluate(task.id, query, { threshold: 1 });
    expect(strict.unknown).toEqual([1, 0, 1]);
    const { id } = await client.createTask(points);
    expect(await client.evaluate(id, [[0, 0.1]])).toMatchObject({ points: 1 });
  });

  test('starts a task without waiting, and waits for it by its id', async () => {
    const { client, adapter } = await serving();
    const { started, release } = holdAdaptation(adapter);
    const progress = await client.startTask(classes());
    expect(progress).toMatchObject({ kind: 'images', state: 'waiting' });
    await started;
    const events: string[] = [];
    const waiting = client.waitForTask(progress.id, { onEvent: ({ event }) => events.push(event) });
    release();
    const task = await waiting;
    expect(task.id).toBe(progress.id);
    expect([events[0], events.at(-1)]).toEqual(['accepted', 'ready']);
    expect(await client.startTask(classes())).toEqual(task);
    await expect(client.waitForTask('0'.repeat(32))).rejects.toThrow(MnasError);
  });

  test('says where it has looked when nothing answers, but not when its own signal ends the wait', async () => {
    const baseUrl = 'http://127.0.0.1:1';
    const client = new MnasClient({ baseUrl });
    const error = await client.checkpoints().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UnreachableError);
    expect(error).toMatchObject({ baseUrl });
    expect((error as Error).message).toMatch(
      /^no answer from http:\/\/127\.0\.0\.1:1 \(.+\): is the service running there\?$/,
    );
    await expect(client.checkpoints({ signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow(
      'enough',
    );
  });

  test('waits until the service is ready, and no longer than it may', async () => {
    const readiness = { workersReady: false, draining: false };
    const { baseUrl, client } = await serving({ replace: { readiness } });
    await expect(client.waitUntilReady({ seconds: 0 })).rejects.toMatchObject({
      problem: { code: 'not-ready' },
    });
    let looks = 0;
    const watching = new MnasClient({
      baseUrl,
      fetch: (input, init) => {
        looks += 1;
        if (looks === 1) return Promise.reject(new TypeError('fetch failed'));
        readiness.workersReady = looks > 2;
        return fetch(input, init);
      },
    });
    await watching.waitUntilReady({ seconds: 30 });
    expect(looks).toBe(3);
    const foreign = new MnasClient({
      baseUrl,
      fetch: () => Promise.resolve(new Response('', { status: 404 })),
    });
    await expect(foreign.waitUntilReady()).rejects.toMatchObject({ name: 'ForeignAnswerError' });
  });

  test('throws the service’s problem, of a refusal and of a failure later', async () => {
    const { client, adapter } = await serving();
    const few = client.createTask({ red: [blob(shades.red[0])] });
    await expect(few).rejects.toMatchObject({ name: 'MnasError', problem: { code: 'too-few-classes' } });
    await expect(client.getModel('0'.repeat(32))).rejects.toThrow(MnasError);
    adapter.beforeAdapt = () => Promise.reject(new Error('broken'));
    const failing = client.createTask(classes(), { onEvent: () => undefined });
    await expect(failing).rejects.toMatchObject({ problem: { code: 'internal' } });
  });

  test('says so when it is not the service that answers', async () => {
    const answering = (body: string | null, status: number) => {
      const answer = () => Promise.resolve(new Response(body, { status, statusText: 'Bad Gateway' }));
      return new MnasClient({ baseUrl: 'http://localhost', fetch: answer }).createTask(points);
    };
    for (const body of ['<html>nginx</html>', '', '{"error":"nginx"}']) {
      const expected = { name: 'ForeignAnswerError', status: 502, body };
      await expect(answering(body, 502)).rejects.toMatchObject(expected);
    }
    await expect(answering(null, 502)).rejects.toThrow('502 Bad Gateway: not an answer of the service');
  });

  test('has its task also where another replica than the one that makes it answers', async () => {
    const storage = await openDiskStorage(await temporaryFolder(), pino({ level: 'silent' }));
    const [one, other] = [await serving({ replace: { storage } }), await serving({ replace: { storage } })];
    let free = () => {};
    one.adapter.beforeAdapt = () => new Promise((resolve) => (free = resolve));
    const asked: string[] = [];
    const client = new MnasClient({
      baseUrl: one.baseUrl,
      fetch: (input) => {
        const request = input as Request;
        asked.push(`${request.method} ${new URL(request.url).pathname}`);
        // after the first one to one replica, all to the other
        return fetch(
          asked.length === 1
            ? request
            : new Request(request.url.replace(one.baseUrl, other.baseUrl), request),
        );
      },
    });
    const events: TaskEvent[] = [];
    const { id } = await client.createTask(classes(), { onEvent: (event) => events.push(event) });
    expect(asked).toEqual(['POST /v1/tasks', `GET /v1/tasks/${id}/progress`, 'POST /v1/tasks']);
    expect(events).toEqual([]);
    expect(other.adapter.calls).toHaveLength(1);
    free();
  });

  test('stops waiting when its signal says so, and sends the key that it has', async () => {
    const { baseUrl, adapter } = await serving();
    adapter.beforeAdapt = untilAborted;
    const sent: (string | null)[] = [];
    const client = new MnasClient({
      baseUrl,
      apiKey: 'secret',
      fetch: (input, init) => {
        sent.push((input as Request).headers.get('Authorization'));
        return fetch(input, init);
      },
    });
    const waiting = client.createTask(classes(), { signal: AbortSignal.timeout(200) });
    await expect(waiting).rejects.toMatchObject({ name: 'TimeoutError' });
    expect(sent).toEqual(['Bearer secret']);
  });
});

describe('as a package and by its examples', () => {
  const folder = sharedFolder();
  const photos = () => folder('photos');
  const photo = () => folder('new.png');
  beforeAll(async () => {
    for (const { name, file, content } of support) {
      await mkdir(join(photos(), name!), { recursive: true });
      await writeFile(join(photos(), name!, file!), content);
    }
    await writeFile(photo(), shades.green[2]);
    const entries = support.map(({ name, file, content }) => ({ path: `photos/${name!}/${file!}`, content }));
    await writeFile(folder('photos.zip'), await zip(entries));
  });

  // npm, and the compiler twice
  const patience = { timeout: 240_000, tags: ['whole'] };
  test(
    'the packed package compiles and works in a project outside of this repository',
    patience,
    async () => {
      const project = folder('project');
      const installed = join(project, 'node_modules/m-nas-client');
      await mkdir(installed, { recursive: true });
      const { stdout } = await run(
        'npm',
        ['pack', '--silent', '--ignore-scripts=false', '--pack-destination', folder()],
        {
          cwd: join(root, 'client'),
        },
      );
      await run('tar', ['-xzf', folder(stdout.trim()), '-C', installed, '--strip-components=1']);
      // what npm would install beside it
      for (const name of [
        'openapi-fetch',
        'openapi-typescript-helpers',
        'eventsource-parser',
        '@types',
        'undici-types',
      ])
        await symlink(join(root, 'node_modules', name), join(project, 'node_modules', name));
      await cp(join(root, 'test/client/project'), project, { recursive: true });
      const compiler = [join(root, 'node_modules/typescript/bin/tsc'), '-p', project];
      const faults = await run(process.execPath, compiler).catch(
        (error: unknown) => error as { stdout: string },
      );
      expect(faults.stdout).toBe('');
      const { baseUrl } = await serving();
      const trial = await run(process.execPath, [join(project, 'trial.js'), baseUrl, photos(), photo()]);
      const answer = JSON.parse(trial.stdout) as Record<string, unknown>;
      expect(answer).toMatchObject({ labels: ['blue', 'green', 'red'], label: 'green', images: 3 });
      expect(answer['bytes']).toBeGreaterThan(1000);
    },
  );

  test('curl', async ({ skip }) => {
    skip(!(await works('curl', ['--version'])), 'skipped: there is no curl');
    const { baseUrl } = await serving();
    const { stdout } = await run('sh', [example('classify.sh'), baseUrl, folder('photos.zip'), photo()], {
      cwd: folder(),
    });
    expect(JSON.parse(stdout)).toMatchObject({ predictions: [{ file: 'new.png', label: 'green' }] });
  });

  test('TypeScript: the service and the ONNX file agree', async () => {
    const { baseUrl } = await serving();
    const { stdout } = await run(process.execPath, [
      ...['--import', pathToFileURL(join(root, 'node_modules/tsx/dist/loader.mjs')).href],
      ...[example('classify.ts'), baseUrl, photos(), photo()],
    ]);
    const [service, onnx] = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    expect(Object.values(onnx!)).toEqual(Object.values(service!).map(near));
  });

  test('Python: onnxruntime on the CPU agrees with the service', async ({ skip }) => {
    const python = process.env['PYTHON'] ?? 'python3';
    const complete = await works(python, ['-c', 'import numpy, onnxruntime, PIL']);
    skip(!complete, 'skipped: python3 (or PYTHON) has no onnxruntime, numpy and Pillow');
    const { client } = await serving();
    const { id } = await client.createTask(classes());
    const model = folder('python.onnx');
    await writeFile(model, await client.getModel(id));
    const file = join(root, 'client/python/mnas.py');
    const { stdout } = await run(python, [file, '--provider', 'cpu', model, photo()]);
    const { label, probabilities } = (await client.predict(id, [blob(shades.green[2])]))[0]!;
    expect(JSON.parse(stdout)).toMatchObject({ file: 'new.png', label, probabilities: near(probabilities) });
  });
});

const works = (command: string, parameters: readonly string[]): Promise<boolean> =>
  run(command, parameters).then(
    () => true,
    () => false,
  );

/** The same numbers, but for the rounding of another build of onnxruntime. */
const near = (numbers: object): unknown =>
  Object.fromEntries(
    Object.entries(numbers).map(([key, value]) => [key, expect.closeTo(value as number, 5)]),
  );

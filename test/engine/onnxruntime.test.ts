import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { InferenceSession } from 'onnxruntime-node';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { bundleScript } from '../../engine/bundle.ts';
import { EngineError } from '../../engine/errors.ts';
import { createOnnxExecutor, flushDenormals } from '../../engine/onnxruntime.ts';
import type { OnnxExecutor } from '../../engine/onnxruntime.ts';
import { choiceOf, engineChoices, mostThreads, partsOf } from '../../engine/options.ts';
import { nodesForCpu, probe } from '../../engine/sessions.ts';
import { Graph } from '../../model/graph/graph.ts';
import { encodeModel } from '../../model/graph/onnx/encode.ts';
import type { OnnxNode } from '../../model/graph/onnx/encode.ts';
import { add, multiply } from '../../model/graph/operations.ts';
import { scaleGraph, wideGraph } from './fixtures/graphs.ts';

const mebibyte = 1024 ** 2;
const executors: OnnxExecutor[] = [];

function executor(cacheSize = 2, keptBytes = Infinity): OnnxExecutor {
  const created = createOnnxExecutor({ provider: 'cpu', threads: 1, cacheSize, keptBytes });
  executors.push(created);
  return created;
}

function vector(...values: number[]) {
  return { data: Float32Array.from(values), shape: [values.length] };
}

/** Counts native releases without changing them. */
function spyOnReleases() {
  const released: InferenceSession[] = [];
  const create = InferenceSession.create.bind(InferenceSession) as (
    bytes: Uint8Array,
    options: InferenceSession.SessionOptions,
  ) => Promise<InferenceSession>;
  vi.spyOn(InferenceSession, 'create').mockImplementation((async (
    bytes: Uint8Array,
    options: InferenceSession.SessionOptions,
  ) => {
    const session = await create(bytes, options);
    const release = session.release.bind(session);
    session.release = () => {
      released.push(session);
      return release();
    };
    return session;
  }) as typeof InferenceSession.create);
  return released;
}

afterEach(async () => {
  await Promise.all(executors.splice(0).map((each) => each.dispose()));
  vi.restoreAllMocks();
});

describe('OnnxExecutor', () => {
  test('runs a graph; outputs carry their shapes', async () => {
    const program = await executor().model('triple', () => scaleGraph(3));
    expect(await program.run({ x: vector(1, -2) })).toEqual({ y: vector(3, -6) });
    expect(await program.run({ x: vector(1, 2, 3) })).toEqual({ y: vector(3, 6, 9) });
  });

  test('lowers a graph; an input and an output may have one name', async () => {
    const build = () => {
      const w = new Graph().input('w', [2]);
      return { name: 'step', outputs: { w: multiply(w, 3), twice: add(w, w) } };
    };
    const program = await executor().program('step', build);
    expect(await program.run({ w: vector(1, -2) })).toEqual({ w: vector(3, -6), twice: vector(2, -4) });
  });

  test('builds and compiles once per key, also when asked concurrently', async () => {
    const target = executor();
    const build = vi.fn(() => scaleGraph(2));
    await Promise.all([target.model('a', build), target.model('a', build), target.model('a', build)]);
    await target.model('a', build);
    expect(build).toHaveBeenCalledTimes(1);
    expect(target.stats).toMatchObject({ sessions: 1, hits: 3, misses: 1 });
    expect(target.stats.compileMs).toBeGreaterThan(0);
  });

  test('releases the least recently used session', async () => {
    const released = spyOnReleases();
    const target = executor(2);
    const a = await target.model('a', () => scaleGraph(1));
    await target.model('b', () => scaleGraph(2));
    await a.run({ x: vector(1) }); // running counts as use
    await target.model('c', () => scaleGraph(3));
    expect(target.stats.sessions).toBe(2);
    expect(released).toHaveLength(1);
    const again = vi.fn(() => scaleGraph(1));
    await target.model('a', again);
    expect(again).not.toHaveBeenCalled();
    await target.model('b', again);
    expect(again).toHaveBeenCalledTimes(1);
  });

  test('keeps fewer sessions of large files, the last one while its job lasts', async () => {
    const released = spyOnReleases();
    const target = executor(10, 16 * mebibyte);
    const file = encodeModel({
      name: 'large',
      nodes: [{ operator: 'Gather', inputs: ['w', 'i'], outputs: ['y'] }],
      initializers: [
        { name: 'w', shape: [2 ** 20], data: new Float32Array(2 ** 20).fill(3) },
        { name: 'i', shape: [1], data: BigInt64Array.of(5n) },
      ],
      inputs: [],
      outputs: [{ name: 'y', shape: [1] }],
      opset: 17,
    });
    for (const key of ['a', 'b']) {
      const program = await target.model(key, () => file);
      expect((await program.run({}))['y']!.data).toEqual(Float32Array.of(3));
      expect(target.stats.sessions).toBe(1);
    }
    expect(target.stats.bytes).toBeGreaterThan(16 * mebibyte);
    await target.trim();
    expect(target.stats).toMatchObject({ sessions: 0, bytes: 0 });
    expect(released).toHaveLength(2);
  });

  test('keeps as many graphs as fit with what their runs leave behind; those in use stay', async () => {
    const released = spyOnReleases();
    const target = executor(100, 64 * mebibyte);
    const run = async (key: string, kibibytes: number) => {
      const count = 256 * kibibytes;
      const program = await target.program(key, () => wideGraph(count));
      const x = { data: new Float32Array(count).fill(1), shape: [count] };
      expect((await program.run({ x }))['y']!.data[0]).toBeCloseTo(10 * count);
    };
    // 9.5 MiB each, and what the arena adds
    for (const key of ['a', 'b', 'c', 'd']) await run(key, 512);
    expect(target.stats.sessions).toBe(4);
    await run('e', 512);
    expect([target.stats.sessions, released.length]).toEqual([4, 1]);
    await run('large', 4096);
    await target.trim();
    expect([target.stats.sessions, released.length]).toEqual([4, 2]); // it has driven out none
    expect(target.stats.bytes).toBeLessThan(64 * mebibyte);
    await run('e', 512);
    expect(target.stats.hits).toBe(1);
  });

  test('counts what the runs of a file take', async () => {
    const target = executor(100, 64 * mebibyte);
    const program = await target.model('twice', () => scaleGraph(2));
    const none = target.stats.bytes;
    const some = { data: new Float32Array(2 ** 18), shape: [2 ** 18] };
    await program.run({ x: some });
    const one = target.stats.bytes;
    expect(one - none).toBeGreaterThan(some.data.byteLength);
    await program.run({ x: vector(1) });
    expect(target.stats.bytes).toBe(one);
  });

  test('the memory of a process stays under the bound, whatever runs in it', async () => {
    const script = fileURLToPath(new URL('fixtures/many-shapes.ts', import.meta.url));
    const env = { PATH: process.env['PATH'], MALLOC_MMAP_THRESHOLD_: '1048576' }; // as the service is started
    const { stdout } = await promisify(execFile)(process.execPath, [await bundleScript(script)], { env });
    const { bound, most, last } = JSON.parse(stdout) as Record<'bound' | 'most' | 'last', number>;
    expect(last).toBeLessThan(bound);
    expect(most).toBeLessThan(2 * bound); // while one runs that is larger than the bound
  });

  test('a program whose session was evicted compiles again when it runs', async () => {
    const target = executor(1);
    const build = vi.fn(() => scaleGraph(2));
    const program = await target.model('a', build);
    await target.model('b', () => scaleGraph(3));
    expect(await program.run({ x: vector(4) })).toEqual({ y: vector(8) });
    expect(build).toHaveBeenCalledTimes(2);
    expect(target.stats.sessions).toBe(1);
  });

  test('never releases a session that is running', async () => {
    const released = spyOnReleases();
    const target = executor(1);
    const program = await target.model('a', () => scaleGraph(2));
    const running = [program.run({ x: vector(1) }), program.run({ x: vector(2) })];
    const other = target.model('b', () => scaleGraph(3));
    expect(target.stats.sessions).toBe(1); // a is evicted already
    expect(released).toHaveLength(0);
    expect(await Promise.all(running)).toEqual([{ y: vector(2) }, { y: vector(4) }]);
    await other;
    expect(released).toHaveLength(1);
  });

  test('a failed compilation is reported, not kept', async () => {
    const target = executor();
    const failure = target.model('a', () => new Uint8Array([1, 2, 3]));
    await expect(failure).rejects.toMatchObject({ name: 'EngineError', code: 'COMPILE_FAILED' });
    await expect(failure).rejects.toThrow(/^a: /);
    expect(target.stats.sessions).toBe(0);
    const program = await target.model('a', () => scaleGraph(2));
    expect(await program.run({ x: vector(1) })).toEqual({ y: vector(2) });
  });

  test('int64 does not cross the edge', async () => {
    const shape = encodeModel({
      name: 'shape',
      nodes: [{ operator: 'Shape', inputs: ['x'], outputs: ['y'] }],
      initializers: [],
      inputs: [{ name: 'x', shape: ['n'] }],
      outputs: [{ name: 'y', shape: [1], type: 'int64' }],
      opset: 17,
    });
    const failure = executor().model('shape', () => shape);
    await expect(failure).rejects.toMatchObject({ code: 'UNSUPPORTED_TYPE' });
    await expect(failure).rejects.toThrow('shape: y is int64');
  });

  test('wrong inputs are named', async () => {
    const program = await executor().model('a', () => scaleGraph(2));
    await expect(program.run({})).rejects.toThrow('a: input x is missing');
    const bad = { data: new Float32Array(3), shape: [2] };
    await expect(program.run({ x: bad })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(program.run({ x: { data: new Float32Array(4), shape: [2, 2] } })).rejects.toMatchObject({
      code: 'RUN_FAILED',
    });
  });

  test('a disposed executor refuses work', async () => {
    const target = executor();
    const program = await target.model('a', () => scaleGraph(2));
    await target.dispose();
    await expect(program.run({ x: vector(1) })).rejects.toMatchObject({ code: 'DISPOSED' });
  });

  test('a provider that cannot be had is told from a graph that does not compile', async () => {
    const create = vi.spyOn(InferenceSession, 'create').mockRejectedValue(new Error('no shared library'));
    const target = createOnnxExecutor({ provider: 'cuda', threads: 1, cacheSize: 1 });
    const build = vi.fn(() => scaleGraph(2));
    const failure = target.model('a', build);
    await expect(failure).rejects.toBeInstanceOf(EngineError);
    await expect(failure).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE' });
    await expect(failure).rejects.toThrow('execution provider cuda is not available here: no shared library');
    expect(build).not.toHaveBeenCalled();
    expect(create.mock.calls[0]).toMatchObject({ 1: { executionProviders: ['cuda', 'cpu'] } });
  });

  test('webgpu runs what it has no kernel for on the CPU, named node by node, and says in a line where it is not', async () => {
    const pools = (outputs: readonly string[]): OnnxNode => ({
      operator: 'MaxPool',
      name: `MaxPool of ${outputs.length}`,
      inputs: ['x'],
      outputs,
    });
    const nodes = [pools(['y']), pools(['y', 'index'])];
    expect(nodesForCpu('webgpu', nodes)).toEqual(['MaxPool of 2']);
    expect([nodesForCpu('cpu', nodes), nodesForCpu('cuda', nodes)]).toEqual([[], []]);
    const reason =
      '/onnxruntime_src/a.cc:136 f(int)::<lambda()> ok was false. Failed to get a WebGPU adapter:\n none\n';
    vi.spyOn(InferenceSession, 'create').mockRejectedValue(new Error(reason));
    await expect(probe({ provider: 'webgpu', threads: 1, cacheSize: 1 })).rejects.toThrow(
      /^execution provider webgpu is not available here: Failed to get a WebGPU adapter: none; this build .*$/,
    );
  });

  test('an engine and its provider are one choice, and run in one thread where more would end the process', () => {
    expect(choiceOf('onnxruntime', 'cpu')).toBe('onnxruntime');
    for (const choice of engineChoices) {
      const { name, provider } = partsOf(choice);
      expect(choiceOf(name, provider)).toBe(choice);
    }
    expect(() => choiceOf('tfjs', 'webgpu')).toThrow('--provider is of onnxruntime, not of tfjs');
    expect(engineChoices.filter((choice) => mostThreads(choice) === 1)).toEqual(['onnxruntime webgpu']);
  });

  test('options are checked', () => {
    expect(() => createOnnxExecutor({ provider: 'cpu', threads: 0, cacheSize: 1 })).toThrow(RangeError);
    expect(() => createOnnxExecutor({ provider: 'cpu', threads: 1, cacheSize: 0 })).toThrow(RangeError);
  });
});

describe('flushDenormals', () => {
  const script = fileURLToPath(new URL('./fixtures/denormals.ts', import.meta.url));

  /** 1e-39, a denormal float, doubled in each of two workers of a fresh process. */
  async function doubled(...command: string[]): Promise<unknown> {
    const { stdout } = await promisify(execFile)(process.execPath, command);
    return JSON.parse(stdout);
  }

  test('holds in every worker started afterwards, also under tsx', async () => {
    const [kept, flushed] = await Promise.all([
      doubled(await bundleScript(script)),
      doubled('--import', 'tsx', script, '--flush'),
    ]);
    expect(kept).toEqual([Math.fround(1e-39) * 2, Math.fround(1e-39) * 2]);
    expect(flushed).toEqual([0, 0]);
  });

  test('is refused when it would not take effect any more', async () => {
    await executor().model('first', () => scaleGraph(2));
    await expect(flushDenormals()).rejects.toMatchObject({ code: 'DENORMALS_FIXED' });
  });
});

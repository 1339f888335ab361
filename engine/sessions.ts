import { InferenceSession, listSupportedBackends } from 'onnxruntime-node';
import { encodeModel } from '../model/graph/onnx/encode.ts';
import type { OnnxNode } from '../model/graph/onnx/encode.ts';
import { EngineError, messageOf } from './errors.ts';

export type Provider = 'cpu' | 'cuda' | 'webgpu';

export interface OnnxOptions {
  readonly provider: Provider;
  /** threads of one session: 1 is best for small tensors with several workers */
  readonly threads: number;
  /** compiled graphs kept at once, at least 1 */
  readonly cacheSize: number;
  /**
   * Bytes that compiled graphs may take between jobs, as estimated (`sessionBytes`), with what they keep of their runs:
   * see `OnnxExecutor.trim`. Not bounded by default.
   */
  readonly keptBytes?: number;
  /**
   * Plan the memory of a whole run, default true. It needs the same shapes at every run and costs one block of
   * the peak size per session.
   */
  readonly memoryPattern?: boolean;
}

/** What onnxruntime makes of a graph before it runs it. */
export type Optimization = 'disabled' | 'all';

/**
 * Names of nodes that a provider takes and then fails with: onnxruntime has no kernel on WebGPU for the indices of a MaxPool
 * (microsoft/onnxruntime#23714). What a provider says itself that it lacks, such as an inverse, need not be named.
 */
export const nodesForCpu = (provider: Provider, nodes: readonly OnnxNode[]): string[] =>
  provider === 'webgpu'
    ? nodes.flatMap(({ operator, outputs, name }) =>
        operator === 'MaxPool' && outputs.length > 1 && name !== undefined ? [name] : [],
      )
    : [];

/** What the provider does not have runs on the CPU, by onnxruntime's own rule, and so do the nodes that are named. */
export function executionProviders(
  provider: Provider,
  onCpu: readonly string[],
): InferenceSession.ExecutionProviderConfig[] {
  switch (provider) {
    case 'cpu':
      return ['cpu'];
    case 'cuda':
      return ['cuda', 'cpu'];
    case 'webgpu': // an empty list is refused
      return [{ name: 'webgpu', ...(onCpu.length > 0 && { forceCpuNodeNames: onCpu }) }, 'cpu'];
  }
}

function sessionOptions(
  options: OnnxOptions,
  optimization: Optimization,
  onCpu: readonly string[] = [],
): InferenceSession.SessionOptions {
  return {
    executionProviders: executionProviders(options.provider, onCpu),
    intraOpNumThreads: options.threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: optimization,
    enableCpuMemArena: true,
    enableMemPattern: options.memoryPattern ?? true,
    logSeverityLevel: 3,
    // idle threads of a session must not burn the cores of the other workers
    extra: { session: { intra_op: { allow_spinning: '0' } } },
  };
}

/** One copy of `x`: the smallest graph there is, to see whether a session can be had at all. */
export function identity(): Uint8Array {
  return encodeModel({
    name: 'identity',
    nodes: [{ operator: 'Identity', inputs: ['x'], outputs: ['y'] }],
    initializers: [],
    inputs: [{ name: 'x', shape: [1] }],
    outputs: [{ name: 'y', shape: [1] }],
    opset: 17,
  });
}

/** Tells a missing provider (no library, no device) from a graph that does not compile. @throws EngineError PROVIDER_UNAVAILABLE */
export async function probe(options: OnnxOptions): Promise<void> {
  if (options.provider === 'cpu') return;
  try {
    const session = await InferenceSession.create(identity(), sessionOptions(options, 'disabled'));
    await session.release();
  } catch (error) {
    const known = listSupportedBackends().map(({ name, bundled }) =>
      bundled ? name : `${name} (not bundled)`,
    );
    throw new EngineError(
      'PROVIDER_UNAVAILABLE',
      `execution provider ${options.provider} is not available here: ${reasonOf(error)}; ` +
        `this build of onnxruntime knows ${known.join(', ')}`,
      { cause: error },
    );
  }
}

/** What onnxruntime says, in one line, without the place in its source that it says it from. */
const reasonOf = (error: unknown): string =>
  messageOf(error)
    .trim()
    .replace(/^\/\S*onnxruntime_src\S.* was false\. /s, '')
    .replaceAll(/\s*\n\s*/g, ' ');

/**
 * A session of an ONNX file.
 * @param onCpu names of nodes that the CPU runs whatever the provider
 * @throws EngineError COMPILE_FAILED, UNSUPPORTED_TYPE, both with the key
 */
export async function createSession(
  key: string,
  file: Uint8Array,
  options: OnnxOptions,
  optimization: Optimization,
  onCpu: readonly string[] = [],
): Promise<InferenceSession> {
  try {
    const session = await InferenceSession.create(file, sessionOptions(options, optimization, onCpu));
    await checkTypes(key, session);
    return session;
  } catch (error) {
    if (error instanceof EngineError) throw error;
    throw new EngineError('COMPILE_FAILED', `${key}: ${messageOf(error)}`, { cause: error });
  }
}

async function checkTypes(key: string, session: InferenceSession): Promise<void> {
  for (const value of [...session.inputMetadata, ...session.outputMetadata]) {
    const type = value.isTensor ? value.type : 'no tensor';
    if (type === 'float32') continue;
    await session.release();
    throw new EngineError(
      'UNSUPPORTED_TYPE',
      `${key}: ${value.name} is ${type}; only float32 crosses the edge`,
    );
  }
}

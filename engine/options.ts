import type { OnnxOptions, Provider } from './sessions.ts';
import { hasGpuPackage } from './tfjs/backend.ts';

/** What can run graphs. Exported networks are ONNX files: they run under onnxruntime whichever is chosen. */
export const engineNames = ['onnxruntime', 'tfjs'] as const;

export type EngineName = (typeof engineNames)[number];

export const defaultEngine = 'onnxruntime' satisfies EngineName;

/** Where onnxruntime runs graphs. */
export const providers = ['cpu', 'cuda', 'webgpu'] as const satisfies readonly Provider[];

/** An engine, and where it runs if that is not the CPU. */
export const engineChoices = [...engineNames, 'onnxruntime cuda', 'onnxruntime webgpu'] as const;

export type EngineChoice = (typeof engineChoices)[number];

/** @throws Error where the provider is not of the engine */
export function choiceOf(name: EngineName, provider: Provider): EngineChoice {
  if (provider === 'cpu') return name;
  if (name !== 'onnxruntime') throw new Error(`--provider is of onnxruntime, not of ${name}`);
  return `${name} ${provider}`;
}

/** A choice in parts, as an engine is started. */
export function partsOf(choice: EngineChoice): { readonly name: EngineName; readonly provider: Provider } {
  const name = engineNames.find((known) => choice.startsWith(known))!;
  return { name, provider: providers.find((known) => choice.endsWith(` ${known}`)) ?? 'cpu' };
}

/** Of the others, tfjs heeds `cacheSize` only. */
export interface EngineOptions extends OnnxOptions {
  /** default onnxruntime */
  readonly name?: EngineName;
}

/** Worker threads that an engine can have in one process: tfjs-node fails in a second one (tensorflow/tfjs#8388). */
export const mostWorkers = ({ name }: EngineOptions): number =>
  name === 'tfjs' && hasGpuPackage() ? 1 : Number.POSITIVE_INFINITY;

/**
 * Threads of a process that may run the graphs of a choice at the same time: two sessions of the webgpu provider that run at
 * once end the process (microsoft/onnxruntime#32561).
 */
export const mostThreads = (choice: EngineChoice): number =>
  choice === 'onnxruntime webgpu' ? 1 : Number.POSITIVE_INFINITY;

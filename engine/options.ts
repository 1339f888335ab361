import type { OnnxOptions } from './sessions.ts';
import { hasGpuPackage } from './tfjs/backend.ts';

/** What can run graphs. Exported networks are ONNX files: they run under onnxruntime whichever is chosen. */
export const engineNames = ['onnxruntime', 'tfjs'] as const;

export type EngineName = (typeof engineNames)[number];

export const defaultEngine = 'onnxruntime' satisfies EngineName;

/** Of the others, tfjs heeds `cacheSize` only. */
export interface EngineOptions extends OnnxOptions {
  /** default onnxruntime */
  readonly name?: EngineName;
}

/** Worker threads that an engine can have in one process: tfjs-node fails in a second one (tensorflow/tfjs#8388). */
export const mostWorkers = ({ name }: EngineOptions): number =>
  name === 'tfjs' && hasGpuPackage() ? 1 : Number.POSITIVE_INFINITY;

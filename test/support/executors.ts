import type { EngineName } from '../../engine/options.ts';
import { createOnnxExecutor } from '../../engine/onnxruntime.ts';
import { createTfjsExecutor } from '../../engine/tfjs/executor.ts';

/** Every engine, on the CPU and in the calling thread. */
export const executors = {
  onnxruntime: (cacheSize: number) => createOnnxExecutor({ provider: 'cpu', threads: 1, cacheSize }),
  tfjs: createTfjsExecutor,
} satisfies Record<EngineName, unknown>;

import { createRequire } from 'node:module';
import type * as tfjsCore from '@tensorflow/tfjs-core';
import { EngineError, messageOf } from '../errors.ts';

/** The whole of tfjs-core's functions, of whichever package brings them. */
export type Tfjs = typeof tfjsCore;

/** tfjs with the backend that runs its operations. */
export interface Backend {
  readonly tf: Tfjs;
  /** version and backend, in words */
  readonly description: string;
}

const gpuPackage = '@tensorflow/tfjs-node-gpu';

/** Finds packages, all of them CommonJS, from here. */
const projectPackages = createRequire(import.meta.url);

/** Whether the optional package is installed. */
export function hasGpuPackage(packages = projectPackages): boolean {
  try {
    packages.resolve(gpuPackage);
    return true;
  } catch {
    return false;
  }
}

/**
 * tfjs on the GPU where `@tensorflow/tfjs-node-gpu` is installed, else on the CPU in plain JavaScript.
 * @throws EngineError PROVIDER_UNAVAILABLE when what is installed does not load
 */
export function loadBackend(packages = projectPackages): Backend {
  const gpu = hasGpuPackage(packages);
  try {
    return gpu ? gpuBackend(packages) : cpuBackend(packages);
  } catch (error) {
    const name = gpu ? gpuPackage : 'tfjs with its CPU backend';
    throw new EngineError('PROVIDER_UNAVAILABLE', `${name} does not load: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** The package brings its own tfjs-core and makes itself the backend. */
function gpuBackend(packages: NodeJS.Require): Backend {
  const tf = packages(gpuPackage) as Tfjs & { readonly version: Readonly<Record<string, string>> };
  const { isUsingGpuDevice } = tf.backend() as unknown as { readonly isUsingGpuDevice: boolean };
  const device = isUsingGpuDevice ? 'GPU' : 'CPU, since it sees no GPU';
  return { tf, description: `tfjs ${tf.version['tfjs-core']}, backend tfjs-node-gpu on the ${device}` };
}

function cpuBackend(packages: NodeJS.Require): Backend {
  const tf = packages('@tensorflow/tfjs-core') as Tfjs;
  packages('@tensorflow/tfjs-backend-cpu');
  tf.enableProdMode(); // else it advises in the log to install tfjs-node
  return { tf, description: `tfjs ${tf.version_core}, backend cpu (plain JavaScript)` };
}

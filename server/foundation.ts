import process from 'node:process';
import type { Logger } from 'pino';
import { onnxruntimeVersion } from '../engine/onnxruntime.ts';
import { WorkerPool } from '../engine/pool.ts';
import { exporterVersion } from '../model/adaptation/export-child.ts';
import { KeyFile } from './access/key-file.ts';
import { fixedKeys } from './access/keys.ts';
import type { KeySource } from './access/keys.ts';
import type { Configuration } from './configuration.ts';
import { Metrics } from './metrics.ts';
import { observed } from './observed.ts';
import type { Readiness, TaskAdapter } from './ports.ts';
import { openStorage } from './storage/open.ts';
import type { TaskStorage } from './storage/storage.ts';
import { openTraces } from './tracing/open.ts';
import type { Traces } from './tracing/traces.ts';
import { version } from './version.ts';
import type { ServerJobs, ServerWorkerData } from './workers/jobs.ts';
import { loadCheckpoints } from './workers/load-checkpoints.ts';
import type { CheckpointFile } from './workers/load-checkpoints.ts';
import { measuredPool } from './workers/measured-pool.ts';
import { memoryPlan, USUALLY_KEPT } from './workers/memory-plan.ts';
import type { MemoryPlan } from './workers/memory-plan.ts';
import { MemoryWatch } from './workers/memory-watch.ts';
import { createPoolAdapter } from './workers/pool-adapter.ts';
import type { PoolUse } from './workers/pool-adapter.ts';
import { precompileAll } from './workers/precompile-all.ts';
import { fileURLToPath } from 'node:url';

const BUNDLED_CHECKPOINTS = fileURLToPath(new URL('../checkpoints', import.meta.url));

type ServicePool = WorkerPool<ServerJobs, ServerWorkerData>;

/** How a process uses its worker threads. */
export interface ThreadUse {
  /** threads beside the others, for predictions */
  readonly urgentWorkers: number;
  /** jobs that may wait for a thread */
  readonly waiting: number;
  readonly limits: Omit<PoolUse['limits'], 'jobBytes'>;
}

/** What the service and a worker process have in common. */
export interface Foundation {
  readonly checkpoints: readonly CheckpointFile[];
  readonly keys: KeySource | undefined;
  readonly metrics: Metrics;
  readonly traces: Traces;
  readonly storage: TaskStorage;
  readonly memory: MemoryPlan;
  readonly pool: ServicePool;
  readonly memoryWatch: MemoryWatch;
  readonly adapter: TaskAdapter;
  /** Compiles what usual adaptations need, if these are made here; a process that drains stops it. */
  readonly compile: (readiness: Readonly<Readiness>) => Promise<void>;
  /** Lets go of storage, keys and traces, once the pool is closed. */
  readonly close: () => Promise<void>;
}

/**
 * Loads the checkpoints, opens the storage and starts the worker threads.
 * @throws KeyFileError, CheckpointSetupError, StorageSetupError
 */
export async function openFoundation(
  configuration: Configuration,
  logger: Logger,
  use: ThreadUse,
): Promise<Foundation> {
  const keys = openKeys(configuration, logger);
  const checkpoints = await loadCheckpoints({
    bundled: BUNDLED_CHECKPOINTS,
    added: configuration.MNAS_CHECKPOINTS,
    defaultId: configuration.MNAS_DEFAULT_CHECKPOINT,
  });
  if (checkpoints.length === 0) logger.warn('there is no checkpoint, so no task can be made');
  const metrics = new Metrics();
  const traces = await openTraces(configuration, logger);
  const observer = observed(metrics, traces);
  const storage = await openStorage(configuration, logger, observer);
  const memory = planMemory(configuration, use, logger);
  const pool = startPool(configuration, use, memory, checkpoints);
  const memoryWatch = new MemoryWatch(
    { bytes: configuration.MNAS_MEMORY_BYTES, release: () => pool.releaseKept() },
    logger,
  );
  watch(metrics, configuration, pool, memoryWatch, storage);
  const toolchain = {
    exporter: exporterVersion,
    onnxruntime: onnxruntimeVersion,
    provider: configuration.MNAS_PROVIDER,
  };
  const adapter = createPoolAdapter(measuredPool(pool, observer), checkpoints, toolchain, {
    workers: configuration.MNAS_WORKERS,
    waiting: use.waiting,
    limits: { ...use.limits, jobBytes: memory.jobBytes },
    traces,
    shortage: () => memoryWatch.shortage(),
  });
  const compile = async (readiness: Readonly<Readiness>) => {
    const usual = checkpoints.find((checkpoint) => checkpoint.kind === 'images' && checkpoint.default);
    if (usual?.kind === 'images')
      await precompileAll(pool, configuration.MNAS_WORKERS, usual, readiness, logger);
  };
  const close = async () => {
    await storage.close();
    if (keys instanceof KeyFile) keys.close();
    await traces.close();
  };
  return { checkpoints, keys, metrics, traces, storage, memory, pool, memoryWatch, adapter, compile, close };
}

/** The keys that may use the service; undefined where everybody may. @throws KeyFileError */
function openKeys(
  { MNAS_API_KEYS: listed, MNAS_API_KEYS_FILE: path }: Configuration,
  logger: Logger,
): KeySource | undefined {
  if (path !== undefined) return new KeyFile(path, listed, logger);
  return listed.length > 0 ? fixedKeys(listed) : undefined;
}

/** What the memory of the workers is for; warns where it is little for so many. */
function planMemory(configuration: Configuration, use: ThreadUse, logger: Logger): MemoryPlan {
  const workers = configuration.MNAS_WORKERS + use.urgentWorkers;
  const plan = memoryPlan(configuration.MNAS_MEMORY_BYTES, workers);
  if (plan.keptBytes < USUALLY_KEPT)
    logger.warn(
      { workers, needed: 2 * workers * USUALLY_KEPT },
      'MNAS_MEMORY_BYTES is little for so many workers: graphs will often be compiled again',
    );
  return plan;
}

function startPool(
  configuration: Configuration,
  { urgentWorkers, waiting }: ThreadUse,
  { keptBytes }: MemoryPlan,
  checkpoints: readonly CheckpointFile[],
): ServicePool {
  return new WorkerPool<ServerJobs, ServerWorkerData>({
    workers: configuration.MNAS_WORKERS,
    urgentWorkers,
    queueLimit: waiting,
    jobs: new URL('./workers/jobs.ts', import.meta.url),
    engine: {
      provider: configuration.MNAS_PROVIDER,
      threads: configuration.MNAS_THREADS,
      cacheSize: configuration.MNAS_SESSIONS,
      keptBytes,
      memoryPattern: false,
    },
    workerData: { checkpoints },
  });
}

/** Lets the metrics read what they are about. */
function watch(
  metrics: Metrics,
  { MNAS_PROVIDER: provider }: Configuration,
  pool: ServicePool,
  memory: MemoryWatch,
  storage: TaskStorage,
): void {
  metrics.describeBuild({ version, node: process.version, onnxruntime: onnxruntimeVersion, provider });
  metrics.watchProcess();
  metrics.watchPool(() => pool.stats);
  metrics.watchMemory(() => memory.stats);
  metrics.watchStorage(storage);
}

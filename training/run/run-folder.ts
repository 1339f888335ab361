import { access, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AdamState } from '../optimizer/adam.ts';
import { decodeTensors, encodeTensors } from '../../model/checkpoint/safetensors.ts';
import type { Genotype } from '../../model/search-space/genotype.ts';
import { withoutFormerOptions } from './former-options.ts';
import { isMissing } from '../../engine/files.ts';
import { FolderLock } from '../../engine/folder-lock.ts';
import { found } from './missing-file.ts';
import { writeAtomically } from './write-atomically.ts';

/** Everything that a run needs to go on exactly: tasks are a function of seed and iteration. */
export interface RunState<G = Genotype> {
  readonly iteration: number;
  readonly parameters: Float32Array;
  /** Their running average, where the run has one. */
  readonly average?: Float32Array;
  readonly adam: AdamState;
  readonly genotypes: readonly G[];
  readonly seconds: number;
  /** The last one; none before the first, and in runs whose checkpoint does not tell it. */
  readonly validation?: Validation;
  /** Where held-out tasks went best so far; only in runs that report it. */
  readonly best?: BestState;
}

/** Parameters after an iteration, with their error on held-out tasks. */
export interface BestState {
  readonly iteration: number;
  readonly error: number;
  readonly parameters: Float32Array;
}

/** Accuracies on validation classes, by domain, after an iteration. */
export interface Validation {
  readonly iteration: number;
  readonly accuracies: Readonly<Record<string, number>>;
}

/** The folder of one training run: state, metrics (JSON lines) and the checkpoint. */
export class RunFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  get checkpointPath(): string {
    return join(this.path, 'checkpoint.safetensors');
  }

  /** Whether the folder has a saved state, in the file of this name. */
  async has(state = 'state.safetensors'): Promise<boolean> {
    return access(join(this.path, state)).then(
      () => true,
      () => false,
    );
  }

  /**
   * Runs `work` while no other process of this machine may do so: two that trained here would mix their metrics.
   * @throws FolderInUseError when another one does
   */
  async alone<T>(work: () => Promise<T>): Promise<T> {
    await mkdir(this.path, { recursive: true });
    const lock = new FolderLock(this.path, (reason) =>
      console.warn(`${this.path} cannot be locked (${reason}): train it by one process at a time`),
    );
    await lock.take();
    try {
      return await work();
    } finally {
      await lock.release();
    }
  }

  /**
   * Makes sure that nothing is lost when a run begins anew here.
   * @param state the file that has the state
   * @throws Error when the folder has it
   */
  async refuseToOverwrite(state = 'state.safetensors'): Promise<void> {
    if (!(await this.has(state))) return;
    const path = join(this.path, state);
    throw new Error(`${path} exists: go on with --resume, or begin anew with --overwrite`);
  }

  /**
   * Makes the folder ready for a run that begins anew at `iteration`. A saved state goes at once: left until the first
   * save, a crash before it would leave that state beside the metrics of another run.
   */
  async begin(iteration: number, state = 'state.safetensors'): Promise<void> {
    await rm(join(this.path, state), { force: true });
    await this.trimMetrics(iteration);
  }

  /** `identity` is the run's: one with another cannot resume it. */
  saveState(state: RunState<unknown>, identity: string): Promise<void> {
    return this.#write('state', state, identity);
  }

  /** Keeps the state at the end of a stage for runs that part from this one there. */
  keepStage(state: RunState<unknown>, identity: string): Promise<void> {
    return this.#write(stageName(state.iteration), state, identity);
  }

  async #write(name: string, state: RunState<unknown>, identity: string): Promise<void> {
    await mkdir(this.path, { recursive: true });
    const vector = (data: Float32Array) => ({ shape: [data.length], data });
    const bytes = encodeTensors({
      tensors: {
        parameters: vector(state.parameters),
        first: vector(state.adam.first),
        second: vector(state.adam.second),
        ...(state.average ? { average: vector(state.average) } : {}),
        ...(state.best ? { best: vector(state.best.parameters) } : {}),
      },
      metadata: {
        iteration: String(state.iteration),
        step: String(state.adam.step),
        seconds: String(state.seconds),
        genotypes: JSON.stringify(state.genotypes),
        ...(state.validation ? { validation: JSON.stringify(state.validation) } : {}),
        ...(state.best ? { best: JSON.stringify({ ...state.best, parameters: undefined }) } : {}),
        configuration: identity,
      },
    });
    await writeAtomically(join(this.path, `${name}.safetensors`), bytes);
  }

  /** The saved state. Throws when there is none or when it is of another run. */
  loadState<G = Genotype>(identity: string): Promise<RunState<G>> {
    return this.#read('state', identity);
  }

  /** The state kept at the end of a stage. Throws when there is none or when it is of another run. */
  loadStage(iteration: number, identity: string): Promise<RunState> {
    return this.#read(stageName(iteration), identity);
  }

  async #read<G>(name: string, identity: string): Promise<RunState<G>> {
    const { tensors, metadata } = decodeTensors(await this.readState(`${name}.safetensors`));
    if (withoutFormerOptions(metadata['configuration'] ?? '') !== withoutFormerOptions(identity))
      throw new Error(
        `${this.path} holds a run of another configuration, with another engine or of other data`,
      );
    const vector = (name: string): Float32Array => tensors[name]!.data;
    const { validation, best } = metadata;
    return {
      iteration: Number(metadata['iteration']),
      parameters: vector('parameters'),
      ...(tensors['average'] ? { average: vector('average') } : {}),
      adam: { step: Number(metadata['step']), first: vector('first'), second: vector('second') },
      genotypes: JSON.parse(metadata['genotypes'] ?? '[]') as G[],
      seconds: Number(metadata['seconds']),
      ...(validation === undefined ? {} : { validation: JSON.parse(validation) as Validation }),
      ...(best === undefined
        ? {}
        : { best: { ...(JSON.parse(best) as Omit<BestState, 'parameters'>), parameters: vector('best') } }),
    };
  }

  /** The bytes of a file with a saved state. @throws Error of one line when there is none */
  readState(file: string): Promise<Uint8Array> {
    const path = join(this.path, file);
    return found(readFile(path), `there is no ${path}, so that there is nothing to go on from`);
  }

  async appendMetrics(lines: readonly object[]): Promise<void> {
    await mkdir(this.path, { recursive: true });
    await writeFile(
      join(this.path, 'metrics.jsonl'),
      lines.map((line) => `${JSON.stringify(line)}\n`).join(''),
      { flag: 'a' },
    );
  }

  /** The lines of the metrics until an iteration, as they were appended; all of them by default. */
  async readMetrics(until = Number.MAX_SAFE_INTEGER): Promise<object[]> {
    const text = await readFile(join(this.path, 'metrics.jsonl'), 'utf8');
    return linesUntil(text, until).map((line) => JSON.parse(line) as object);
  }

  /** Drops metrics of iterations after `iteration`: they will be written again. */
  async trimMetrics(iteration: number): Promise<void> {
    const path = join(this.path, 'metrics.jsonl');
    const text = await readFile(path, 'utf8').catch((error: unknown) => {
      if (isMissing(error)) return '';
      throw error;
    });
    await mkdir(this.path, { recursive: true });
    await writeAtomically(
      path,
      linesUntil(text, iteration)
        .map((line) => `${line}\n`)
        .join(''),
    );
  }
}

const stageName = (iteration: number): string => `stage-${iteration}`;

/** The lines of metrics of iterations until `iteration`. */
const linesUntil = (text: string, iteration: number): string[] =>
  text.split('\n').filter((line) => line !== '' && lineIteration(line) <= iteration);

function lineIteration(line: string): number {
  try {
    return (JSON.parse(line) as { iteration: number }).iteration;
  } catch {
    return Number.POSITIVE_INFINITY; // a line that a crash cut short
  }
}

import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import { allInOrder } from '../../engine/all-in-order.ts';
import { adaptationCost } from '../../model/adaptation/cost.ts';
import { TrunkError } from '../../model/trunk/trunk.ts';
import { byCodePoint } from '../../model/task/canonical-support.ts';
import { CheckpointError, formatOf } from '../../model/checkpoint/checkpoint-file.ts';
import { checkpointFormat, decodeCheckpoint } from '../../model/checkpoint/checkpoint.ts';
import { decodeRegressionCheckpoint, regressionFormat } from '../../model/regression/checkpoint.ts';
import { sha256 } from '../storage/sha256.ts';
import { servedTrunk } from './load-trunk.ts';
import type { ImagesCheckpoint, Kind, RegressionCheckpoint } from '../ports.ts';

interface InFile {
  readonly path: string;
}

export type ImagesFile = ImagesCheckpoint & InFile;

/** A checkpoint's file, as the workers load it. */
export type CheckpointFile = ImagesFile | (RegressionCheckpoint & InFile);

/** A file before it is known which ones are the defaults. */
type ReadFile = Omit<ImagesFile, 'default'> | Omit<RegressionCheckpoint & InFile, 'default'>;

/** Names the default checkpoint of images of a folder that comes with the service. */
const defaultsFile = 'default.json';
const defaultsSchema = z.strictObject({ images: z.string().min(1) });

const kinds: readonly Kind[] = ['images', 'regression'];

/** The checkpoints cannot be served as configured; thrown at start. */
export class CheckpointSetupError extends Error {
  override readonly name = 'CheckpointSetupError';
}

export interface CheckpointSources {
  /** the folder that comes with the service; it may be missing */
  readonly bundled: string;
  /** MNAS_CHECKPOINTS */
  readonly added: string | undefined;
  /** MNAS_DEFAULT_CHECKPOINT */
  readonly defaultId: string | undefined;
}

/**
 * Reads and checks every `*.safetensors` of the folders that is not hidden: the default of each kind first, the others by
 * id. The default by name is that of its kind only; of a kind without one it is the bundled one that `default.json` beside
 * it names, or else the first one bundled, which an added checkpoint must not replace unasked.
 * @throws CheckpointSetupError when a folder cannot be read, a file is no checkpoint, two different files have one id
 *   or a default is missing
 */
export async function loadCheckpoints(sources: CheckpointSources): Promise<readonly CheckpointFile[]> {
  const bundled = existsSync(sources.bundled) ? await readFolder(sources.bundled) : [];
  const added = sources.added === undefined ? [] : await readFolder(sources.added, 'MNAS_CHECKPOINTS: ');
  const files = withoutCopies([...bundled, ...added]);
  const named = files.find(({ id }) => id === sources.defaultId);
  if (sources.defaultId !== undefined && !named)
    throw new CheckpointSetupError(
      `MNAS_DEFAULT_CHECKPOINT: ${sources.defaultId} is not among: ${files.map(({ id }) => id).join(', ')}`,
    );
  const first = await bundledDefault(sources.bundled, bundled);
  const candidates = [named, first, ...bundled, ...files].filter((file) => file !== undefined);
  const defaults = kinds.flatMap((kind) => candidates.find((file) => file.kind === kind)?.id ?? []);
  const marked = files.map((file): CheckpointFile => ({ ...file, default: defaults.includes(file.id) }));
  return [
    ...defaults.flatMap((id) => marked.filter((file) => file.id === id)),
    ...marked.filter((file) => !file.default),
  ];
}

/** The checkpoint that the folder's `default.json` names; undefined where there is no such file. */
async function bundledDefault(folder: string, files: readonly ReadFile[]): Promise<ReadFile | undefined> {
  const path = join(folder, defaultsFile);
  if (!existsSync(path)) return undefined;
  const { images } = await readDefaults(path);
  const file = files.find(({ kind, id }) => kind === 'images' && id === images);
  if (!file)
    throw new CheckpointSetupError(
      `${path}: ${images} is no checkpoint of images in the folder of this file`,
    );
  return file;
}

async function readDefaults(path: string): Promise<z.infer<typeof defaultsSchema>> {
  try {
    return defaultsSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    throw new CheckpointSetupError(`${path} is not {"images": "ID"}`, { cause: error });
  }
}

/** A folder's checkpoints by id; `source` is where an error says that the folder was named. */
async function readFolder(folder: string, source = ''): Promise<ReadFile[]> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (error) {
    throw new CheckpointSetupError(`${source}the folder ${folder} cannot be read (${String(error)})`, {
      cause: error,
    });
  }
  const visible = names.filter((name) => !name.startsWith('.')); // macOS puts `._` files beside what it copies
  const paths = visible.filter((name) => name.endsWith('.safetensors')).map((name) => join(folder, name));
  return (await allInOrder(paths.sort(byCodePoint).map(readCheckpoint))).sort(byId);
}

const byId = (a: ReadFile, b: ReadFile) => byCodePoint(a.id, b.id);

/** By id. @throws CheckpointSetupError when files with one id differ */
function withoutCopies(files: readonly ReadFile[]): ReadFile[] {
  const kept = new Map<string, ReadFile>();
  for (const file of files) {
    const other = kept.get(file.id) ?? file;
    if (other.sha256 !== file.sha256)
      throw new CheckpointSetupError(`${file.path} and ${other.path} have the same id ${file.id}`);
    kept.set(file.id, other);
  }
  return [...kept.values()].sort(byId);
}

/**
 * The bytes of a checkpoint's file, which must be those that were read at start, since ids name their hash.
 * @throws Error when there is none of that id, or its file has changed
 */
export async function readCheckpointFile(files: readonly CheckpointFile[], id: string): Promise<Uint8Array> {
  const file = files.find((checkpoint) => checkpoint.id === id);
  if (!file) throw new Error(`there is no checkpoint ${id}`);
  const bytes = await readFile(file.path);
  if (sha256(bytes) !== file.sha256) throw new Error(`${file.path} changed while the service was running`);
  return bytes;
}

async function readCheckpoint(path: string): Promise<ReadFile> {
  try {
    const bytes = await readFile(path);
    const common = { path, sha256: sha256(bytes), bytes: bytes.length };
    const format = formatOf(bytes);
    if (format === checkpointFormat.name) {
      const checkpoint = decodeCheckpoint(bytes);
      const { id, configuration, genotypes } = checkpoint;
      const { head, image, innerLoop, network, mirroring, crops } = configuration;
      if (network.kind !== 'cells')
        throw new CheckpointError(`its network is a ${network.kind}, which has no architecture to search`);
      if (head.kind === 'linear')
        throw new CheckpointError(`its head has ${head.outputs} outputs, whatever the classes of a task`);
      const trunk = await servedTrunk(configuration, dirname(path));
      return {
        ...common,
        kind: 'images',
        id,
        ...(trunk ? { imageSize: trunk.side, trunk } : { imageSize: image.size }),
        views: { ...(mirroring && { mirroring }), ...(trunk && crops && { crops }) },
        cost: adaptationCost(checkpoint),
        steps: innerLoop.steps,
        genotypes: genotypes.length,
        int8: configuration.int8 ?? false,
      };
    }
    if (format === regressionFormat.name) {
      const { id, configuration } = decodeRegressionCheckpoint(bytes);
      const { model, order } = configuration;
      return { ...common, kind: 'regression', id, order, steps: model.innerLoop.steps };
    }
    throw new CheckpointError(`its format ${JSON.stringify(format)} is not known`);
  } catch (error) {
    if (error instanceof TrunkError)
      throw new CheckpointSetupError(`${path}: ${error.message}`, { cause: error });
    const reason = error instanceof Error ? error.message : String(error);
    throw new CheckpointSetupError(`${path} is not a checkpoint: ${reason}`, { cause: error });
  }
}

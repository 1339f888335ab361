import { strToU8, zipSync } from 'fflate';
import type { Schema } from '../../../contract/schema.ts';
import { describeTask } from '../describe-task.ts';
import { sha256 } from '../../storage/sha256.ts';
import type { TaskRecord } from '../../storage/record.ts';
import type { StoredTask } from '../../storage/storage.ts';
import { readmeOf } from './readme.ts';
import { modelConfigurationOf } from './triton.ts';

/** The earliest date that a zip can hold: nothing in a bundle depends on when it was made. */
const zipDate = new Date(1980, 0, 1);

/**
 * A task as a model repository for Triton or KServe, a zip: one folder, named by the id as the model is in this service's
 * own /v2, so that several bundles unpack into one repository. The same task gives the same bytes: files are
 * stored as they are, in a fixed order, without times.
 */
export function bundleOf(task: StoredTask): Uint8Array {
  const { record, model } = task;
  const files: Record<string, Uint8Array> = {
    '1/model.onnx': model,
    'README.md': strToU8(readmeOf(record)),
    'config.pbtxt': strToU8(modelConfigurationOf(record)),
    ...(record.kind === 'images'
      ? { 'labels.txt': strToU8(record.classes.map(({ label }) => `${label}\n`).join('')) }
      : {}),
  };
  const manifest = {
    format: 'm-nas-bundle/1',
    task: descriptionOf(record),
    files: Object.entries(files).map(([path, bytes]) => ({
      path,
      bytes: bytes.length,
      sha256: sha256(bytes),
    })),
  };
  const all = { ...files, 'manifest.json': strToU8(`${JSON.stringify(manifest, null, 2)}\n`) };
  const entries = Object.entries(all).map(([path, bytes]) => [`${record.id}/${path}`, bytes] as const);
  return zipSync(Object.fromEntries(entries), { level: 0, mtime: zipDate });
}

/** Without what is true of one making of the task only, or of the service that made it. */
function descriptionOf(record: TaskRecord): Partial<Schema<'Task'>> {
  const description: Partial<Schema<'Task'>> = describeTask(record);
  delete description.links;
  delete description.createdAt;
  delete description.timings;
  return description;
}

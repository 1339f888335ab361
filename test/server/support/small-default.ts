import { writeTrunkCheckpoint } from '../../support/trunk-files.ts';
import { temporaryFolder } from './harness.ts';

/**
 * Settings of a service whose default checkpoint of images is a tiny one: what a start compiles of the bundled one
 * takes seconds. The bundled ones are served, too. Its folder goes with the test.
 */
export async function smallDefault(): Promise<{
  readonly MNAS_CHECKPOINTS: string;
  readonly MNAS_DEFAULT_CHECKPOINT: string;
}> {
  const folder = await temporaryFolder();
  await writeTrunkCheckpoint(folder, 'standing');
  return { MNAS_CHECKPOINTS: folder, MNAS_DEFAULT_CHECKPOINT: 'standing' };
}

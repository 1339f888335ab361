import { ServiceError } from '../errors/errors.ts';
import type { CheckpointInfo, Kind } from '../ports.ts';

type OfKind<K extends Kind> = Extract<CheckpointInfo, { readonly kind: K }>;

/**
 * The checkpoint that a task starts from: the one of the id, or the default of the kind.
 * @throws ServiceError `unknown-checkpoint`, `wrong-kind`; `no-checkpoint`, or `not-ready` when there is none at all
 */
export function pickCheckpoint<K extends Kind>(
  checkpoints: readonly CheckpointInfo[],
  kind: K,
  id: string | undefined,
): OfKind<K> {
  if (checkpoints.length === 0)
    throw new ServiceError('not-ready', { detail: 'The service has no checkpoint.' });
  const candidates = checkpoints.filter((checkpoint): checkpoint is OfKind<K> => checkpoint.kind === kind);
  const picked = candidates.find((checkpoint) =>
    id === undefined ? checkpoint.default : checkpoint.id === id,
  );
  if (picked) return picked;
  if (id === undefined)
    throw new ServiceError('no-checkpoint', { detail: `The service has no checkpoint of ${kind}.` });
  const known = candidates.map((candidate) => candidate.id).join(', ') || 'none';
  const other = checkpoints.find((checkpoint) => checkpoint.id === id);
  const fault = other
    ? `The checkpoint ${JSON.stringify(id)} is of ${other.kind}, the body of ${kind}`
    : `No checkpoint has the id ${JSON.stringify(id)}`;
  throw new ServiceError(other ? 'wrong-kind' : 'unknown-checkpoint', {
    detail: `${fault}; of ${kind} there are: ${known}.`,
  });
}

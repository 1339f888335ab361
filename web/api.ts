import { ForeignAnswerError, MnasClient, MnasError } from '../client/index.ts';
import { knownKey } from './key.ts';

/** The service that this page is of, with the key that was given last. */
export function service(): MnasClient {
  const apiKey = knownKey();
  return new MnasClient({ baseUrl: location.origin, ...(apiKey !== null && { apiKey }) });
}

/** The status of a refusal, by the service or by a proxy before it; undefined of other errors. */
export const refusalStatus = (error: unknown): number | undefined =>
  error instanceof MnasError || error instanceof ForeignAnswerError ? error.status : undefined;

/** Files of one class, in a request. */
export interface ClassFiles {
  readonly label: string;
  readonly files: readonly File[];
}

/** Files by label, as the client takes them; no two classes have one label. */
export const filesByLabel = (classes: readonly ClassFiles[]): Readonly<Record<string, readonly File[]>> =>
  Object.fromEntries(classes.map(({ label, files }) => [label, files]));

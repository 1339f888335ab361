import type { components, operations } from './openapi.ts';

/** A schema of openapi.yaml, by name. */
export type Schema<Name extends keyof components['schemas']> = components['schemas'][Name];

/** The JSON body that openapi.yaml promises for an operation and a status. */
export type Body<Operation extends keyof operations, Status extends PropertyKey> =
  operations[Operation]['responses'] extends Record<Status, { content: { 'application/json': infer Json } }>
    ? Json
    : never;

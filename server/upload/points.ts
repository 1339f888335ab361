import * as z from 'zod';
import type { Point } from '../../model/regression/adapt.ts';
import { failingAs, parseMembers } from './json.ts';

export const pointLimits = { support: 100, query: 10_000 } as const;

const notFloat32 = 'must be a number that is finite in float32';
const float32 = z.number(notFloat32).refine((value) => Number.isFinite(Math.fround(value)), notFloat32);
/** As the model gets it: rounded to float32, and zero without a sign, so that equal points are equal numbers. */
const rounded = float32.transform((value) => Math.fround(value) + 0);

/** An array whose length is right before any of its elements is looked at. */
const list = <T extends z.ZodType>(element: T, what: string, limit: number) =>
  z
    .array(z.unknown(), `must be an array of ${what}`)
    .min(1, 'must not be empty')
    .refine(({ length }) => length <= limit, {
      error: ({ input }) => `has ${(input as unknown[]).length} elements, ${limit} are allowed`,
      ...failingAs('too-many-points'),
    })
    .pipe(z.array(element));

const supportSchema = z.strictObject(
  {
    support: list(
      z.tuple([rounded, rounded], 'must be a point [x, y]'),
      'points [x, y]',
      pointLimits.support,
    ),
  },
  'must be an object with the member support',
);

const querySetSchema = z.strictObject(
  {
    query: list(z.tuple([float32, float32], 'must be a point [x, y]'), 'points [x, y]', pointLimits.query),
  },
  'must be an object with the member query',
);

const querySchema = z.strictObject(
  { x: list(float32, 'numbers', pointLimits.query) },
  'must be an object with the member x',
);

/** The points of a body `{"support": [[x, y], …]}` in float32. @throws ServiceError naming the member at fault */
export const parseSupport = (body: unknown): readonly Point[] =>
  parseMembers(supportSchema, body, 'invalid-support').support;

/** The numbers of a body `{"x": [x, …]}`, as they are. @throws ServiceError naming the member at fault */
export const parseX = (body: unknown): readonly number[] => parseMembers(querySchema, body, 'invalid-x').x;

/** The points of a body `{"query": [[x, y], …]}`, as they are. @throws ServiceError naming the member at fault */
export const parseQuerySet = (body: unknown): readonly (readonly [number, number])[] =>
  parseMembers(querySetSchema, body, 'invalid-query-set').query;

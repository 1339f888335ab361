import * as z from 'zod';
import { viewCount } from '../../model/task/views.ts';
import { splits } from '../data/domain.ts';
import type { ImageClass } from '../data/domain.ts';

const count = z.number().int().nonnegative();
const positive = z.number().int().positive();

/** Which views of an image a configuration wants. */
export const viewPlanSchema = z.strictObject({
  mirror: z
    .boolean()
    .default(false)
    .describe('the mirror image is a view; says, too, that classes are the same in a mirror'),
  crops: z.number().int().min(0).max(16).default(0).describe('crops of the image that are views'),
  served: z
    .boolean()
    .default(false)
    .describe('training classes have the crops of served tasks: for domains that nothing is trained on'),
});

const planesSchema = z.object({
  /** Of an output of the trunk. */
  name: z.string(),
  /** Channels, height, width; pooled features have the height and width 1. */
  shape: z.tuple([positive, positive, positive]),
});

/** Everything of a domain's planes but where they lie. */
export const planeIndexSchema = z.object({
  name: z.string(),
  classes: z.array(z.object({ name: z.string(), split: z.enum(splits), first: count, count })),
  views: viewPlanSchema,
  taps: z.array(planesSchema),
  teacher: planesSchema.nullable(),
  fingerprint: z.string(),
  pixelHash: z.string(),
  skipped: z.array(z.string()).optional(),
});

/** The planes of one output of a trunk. */
export type TapPlanes = z.infer<typeof planesSchema>;

/**
 * The planes of a domain's images on disk. Plain data, for worker threads too; `PlaneReader` reads it.
 *
 * A row belongs to one view of one image: the planes of the taps in their order, each [c, h, w], and then the features
 * that are to be learned from a teacher. The file at `path` has the rows of image 0's views, then image 1's, in float16.
 */
export interface PlaneDomain {
  readonly name: string;
  /** What is drawn from; the file may hold images of further classes. */
  readonly classes: readonly ImageClass[];
  /** Images in the file. */
  readonly images: number;
  readonly views: Readonly<z.infer<typeof viewPlanSchema>>;
  readonly taps: readonly TapPlanes[];
  /** The output that is learned from; null without. */
  readonly teacher: TapPlanes | null;
  /** Names trunk, outputs, views, source and decoder: equal fingerprints mean equal rows. */
  readonly fingerprint: string;
  /** Of classes and pixels of all images, wherever they lie: what a run's identity contains. */
  readonly pixelHash: string;
  /** What was said of images that could not be decoded and are left out, where there are such. */
  readonly skipped?: readonly string[] | undefined;
  readonly path: string;
}

/** Numbers of a tap's planes. */
export const planesLength = ({ shape: [channels, height, width] }: TapPlanes): number =>
  channels * height * width;

/** Numbers of a row's planes, teacher apart: Σ c·h·w. */
export const rowLength = ({ taps }: Pick<PlaneDomain, 'taps'>): number =>
  taps.reduce((sum, tap) => sum + planesLength(tap), 0);

/** Numbers of a row's teacher; 0 without. */
export const teacherLength = ({ teacher }: Pick<PlaneDomain, 'teacher'>): number =>
  teacher === null ? 0 : planesLength(teacher);

/** Bytes of a row on disk. */
export const rowBytes = (outputs: Pick<PlaneDomain, 'taps' | 'teacher'>): number =>
  2 * (rowLength(outputs) + teacherLength(outputs));

export const imageCount = (classes: readonly ImageClass[]): number =>
  classes.reduce((sum, { count }) => sum + count, 0);

/** Rows of a domain's file: images times views. */
export const rowCount = ({ images, views }: Pick<PlaneDomain, 'images' | 'views'>): number =>
  images * viewCount(views);

import type { Key } from '../../model/random.ts';
import { viewCount } from '../../model/task/views.ts';
import { drawView, renderView } from '../data/augment.ts';
import type { Augmentation } from '../data/augment.ts';
import { partOf } from '../data/class-splits.ts';
import type { ImageDomain } from '../data/domain.ts';
import type { PlaneDomain } from '../planes/plane-domain.ts';
import { teacherLength } from '../planes/plane-domain.ts';
import { PlaneReader } from '../planes/plane-reader.ts';

/** A domain of the stage: planes of a trunk, or images that a stem reads, each time seen otherwise. */
export type ClassifiedDomain =
  | { readonly kind: 'planes'; readonly domain: PlaneDomain }
  | {
      readonly kind: 'images';
      readonly domain: ImageDomain;
      readonly augmentation: Augmentation;
      /** Planes of the same images: where their teacher's features come from. */
      readonly taught: PlaneDomain | null;
    };

/** Views to draw from: of images there is one, which is never the same. */
export const viewsOf = (own: ClassifiedDomain): number =>
  own.kind === 'planes' ? viewCount(own.domain.views) : 1;

/** Length of the teacher's features of a domain; 0 without. */
export const taughtLength = (own: ClassifiedDomain): number => {
  const planes = own.kind === 'planes' ? own.domain : own.taught;
  return planes ? teacherLength(planes) : 0;
};

/** The part of a domain that the stage learns, see `partOf`. */
export const classifiedPart = (own: ClassifiedDomain, share: number): ClassifiedDomain =>
  own.kind === 'planes'
    ? { ...own, domain: partOf(own.domain, 'classified', share) }
    : { ...own, domain: partOf(own.domain, 'classified', share) };

/** Reads what is trained on: a row of planes or of pixels, and the teacher's features of the image. For one thread. */
export interface SampleReader {
  readonly rowLength: number;
  readonly teacherLength: number;
  /**
   * @param key of this sample alone
   * @param into float32, written from `offset` on
   * @param teacher float32 [teacherLength]
   */
  read(
    sample: { readonly image: number; readonly view: number },
    key: Key,
    into: Float32Array,
    offset: number,
    teacher: Float32Array,
  ): void;
}

export const sampleReader = (own: ClassifiedDomain): SampleReader =>
  own.kind === 'planes' ? new PlaneSamples(own.domain) : new ImageSamples(own);

class PlaneSamples implements SampleReader {
  readonly #reader: PlaneReader;

  constructor(domain: PlaneDomain) {
    this.#reader = new PlaneReader(domain);
  }

  get rowLength(): number {
    return this.#reader.rowLength;
  }

  get teacherLength(): number {
    return this.#reader.teacherLength;
  }

  read(...[sample, , into, offset, teacher]: Parameters<SampleReader['read']>): void {
    this.#reader.rows([sample], into, offset, teacher);
  }
}

/** Images, each as a random view of it; the teacher has seen it whole, or its mirror image. */
class ImageSamples implements SampleReader {
  readonly rowLength: number;
  readonly teacherLength: number;
  readonly #own: Extract<ClassifiedDomain, { kind: 'images' }>;
  readonly #teacher: PlaneReader | null;
  readonly #planes: Float32Array;

  constructor(own: Extract<ClassifiedDomain, { kind: 'images' }>) {
    const { size } = own.domain;
    this.#own = own;
    this.rowLength = 3 * size ** 2;
    this.teacherLength = taughtLength(own);
    this.#teacher = own.taught && new PlaneReader(own.taught);
    this.#planes = new Float32Array(this.#teacher?.rowLength ?? 0);
  }

  read(...[{ image }, key, into, offset, teacher]: Parameters<SampleReader['read']>): void {
    const { domain, augmentation } = this.#own;
    const view = drawView(key, augmentation, 0, domain.size);
    renderView(domain.pixels, image * this.rowLength, domain.size, view, into, offset);
    if (!this.#teacher) return;
    const mirrored = view.flip && viewCount(this.#teacher.domain.views) > 1;
    this.#teacher.rows([{ image, view: mirrored ? 1 : 0 }], this.#planes, 0, teacher);
  }
}

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { viewCount } from '../../model/task/views.ts';
import { blockLength, halfBytes, widenHalves } from './float16.ts';
import { rowBytes, rowCount, rowLength, teacherLength } from './plane-domain.ts';
import type { PlaneDomain } from './plane-domain.ts';

/** One row: a view of an image of the domain (`ImageClass` says which are a class's). */
export interface PlaneRequest {
  readonly image: number;
  readonly view: number;
}

/** Reads rows of a domain; the system's page cache keeps what is read often. For one thread, closed by its owner. */
export class PlaneReader {
  readonly domain: PlaneDomain;
  /** Numbers of a row's planes, and of its teacher's features. */
  readonly rowLength: number;
  readonly teacherLength: number;
  readonly #file: number;
  readonly #views: number;
  readonly #rows: number;
  readonly #rowBytes: number;

  /** @throws Error when the file is missing, or is not as long as its rows */
  constructor(domain: PlaneDomain) {
    this.domain = domain;
    this.rowLength = rowLength(domain);
    this.teacherLength = teacherLength(domain);
    this.#views = viewCount(domain.views);
    this.#rows = rowCount(domain);
    this.#rowBytes = rowBytes(domain);
    this.#file = openSync(domain.path, 'r');
    const { size } = fstatSync(this.#file);
    const expected = this.#rows * this.#rowBytes;
    if (size === expected) return;
    this.close();
    throw new Error(`${domain.path}: ${size} bytes instead of ${expected}; delete it`);
  }

  /**
   * Reads the planes of each request, in their order.
   * @param into float32 [requests, rowLength], written from `offset` on
   * @param teacher where given, float32 [requests, teacherLength], for the teacher's features, written from its start
   * @throws RangeError when a request is not of the domain, or has no room
   */
  rows(requests: readonly PlaneRequest[], into: Float32Array, offset = 0, teacher?: Float32Array): void {
    const { rowLength, teacherLength } = this;
    if (offset + requests.length * rowLength > into.length)
      throw new RangeError(`${requests.length} rows of ${rowLength} do not fit`);
    if (teacher !== undefined && requests.length * teacherLength > teacher.length)
      throw new RangeError(`the features of ${requests.length} rows do not fit`);
    requests.forEach((request, index) => {
      const position = this.#positionOf(request);
      this.#read(position, into, offset + index * rowLength, rowLength);
      if (teacher === undefined) return;
      this.#read(position + 2 * rowLength, teacher, index * teacherLength, teacherLength);
    });
  }

  close(): void {
    closeSync(this.#file);
  }

  /** The first byte of a row. */
  #positionOf({ image, view }: PlaneRequest): number {
    const row = image * this.#views + view;
    const known = Number.isInteger(row) && row >= 0 && row < this.#rows;
    if (!known || !Number.isInteger(view) || view < 0 || view >= this.#views)
      throw new RangeError(`${this.domain.name} has no view ${view} of an image ${image}`);
    return row * this.#rowBytes;
  }

  #read(position: number, into: Float32Array, offset: number, length: number): void {
    for (let at = 0; at < length; at += blockLength) {
      const count = Math.min(blockLength, length - at);
      const read = readSync(this.#file, halfBytes, 0, 2 * count, position + 2 * at);
      if (read !== 2 * count) throw new Error(`${this.domain.path} is cut short; delete it`);
      into.set(widenHalves(count), offset + at);
    }
  }
}

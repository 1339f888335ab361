import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { viewCount } from '../../model/task/views.ts';
import { float16Values } from './float16.ts';
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
  readonly #scratch: Uint16Array<ArrayBuffer>;
  readonly #bytes: Uint8Array<ArrayBuffer>;

  /** @throws Error when the file is missing, or is not as long as its rows */
  constructor(domain: PlaneDomain) {
    this.domain = domain;
    this.rowLength = rowLength(domain);
    this.teacherLength = teacherLength(domain);
    this.#views = viewCount(domain.views);
    this.#rows = rowCount(domain);
    this.#scratch = new Uint16Array(this.rowLength + this.teacherLength);
    this.#bytes = new Uint8Array(this.#scratch.buffer);
    this.#file = openSync(domain.path, 'r');
    const { size } = fstatSync(this.#file);
    const expected = this.#rows * rowBytes(domain);
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
    const bytes = 2 * (teacher === undefined ? rowLength : rowLength + teacherLength);
    let to = offset;
    let toTeacher = 0;
    for (const request of requests) {
      this.#read(request, bytes);
      widen(this.#scratch, 0, into, to, rowLength);
      to += rowLength;
      if (teacher === undefined) continue;
      widen(this.#scratch, rowLength, teacher, toTeacher, teacherLength);
      toTeacher += teacherLength;
    }
  }

  close(): void {
    closeSync(this.#file);
  }

  /** Reads the first bytes of a row into the scratch memory. */
  #read({ image, view }: PlaneRequest, bytes: number): void {
    const row = image * this.#views + view;
    const known = Number.isInteger(row) && row >= 0 && row < this.#rows;
    if (!known || !Number.isInteger(view) || view < 0 || view >= this.#views)
      throw new RangeError(`${this.domain.name} has no view ${view} of an image ${image}`);
    const read = readSync(this.#file, this.#bytes, 0, bytes, row * this.#bytes.length);
    if (read !== bytes) throw new Error(`${this.domain.path}: row ${row} is cut short; delete it`);
  }
}

/** float16 to float32; a plain loop over local variables, as this runs for every number that is trained on. */
function widen(source: Uint16Array, from: number, target: Float32Array, to: number, length: number): void {
  const table = float16Values;
  for (let at = 0; at < length; at++) target[to + at] = table[source[from + at]!]!;
}

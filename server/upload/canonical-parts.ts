import { Transform } from 'node:stream';
import type { TransformCallback } from 'node:stream';
import { partError, ServiceError } from '../errors/errors.ts';
import type { Part } from '../errors/errors.ts';
import { HeaderError, parsePartHeaders } from './disposition.ts';

/** Of the headers of one part, bytes. */
const headerBytes = 16 * 1024;
/** Of what stands behind a boundary in its line, bytes. */
const paddingBytes = 1000;
const emptyLine = Buffer.from('\r\n\r\n');

/**
 * Rewrites a body of multipart/form-data, so that the parser behind it cannot pass over a part that it does not
 * understand: every part gets the field name and the file name `0`, `1`, … by its position, and `parts` what its own
 * headers said. A part that is not understood, and a delimiter that is not quite one, end the body with an error.
 */
export class CanonicalParts extends Transform {
  /** The parts whose headers have come, in order. */
  readonly parts: Part[] = [];
  readonly #boundary: Buffer;
  readonly #line: Buffer;
  readonly #refuse: (error: ServiceError) => void;
  #state: 'preamble' | 'delimiter' | 'headers' | 'content' | 'epilogue' = 'preamble';
  /** what came and is not passed on yet; in the preamble it begins with the line's end that a delimiter takes */
  #pending: Buffer = Buffer.from('\r\n');
  /** bytes at the start of `#pending` that are no content: the end of the headers, which a delimiter may take */
  #lead = 0;
  #sawBytes = false;

  /** @param refuse is told of the one error, after which nothing more is passed on */
  constructor(boundary: string, refuse: (error: ServiceError) => void) {
    super();
    this.#boundary = Buffer.from(`--${boundary}`, 'latin1');
    this.#line = Buffer.concat([Buffer.from('\n'), this.#boundary]);
    this.#refuse = refuse;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#pending = Buffer.concat([this.#pending, chunk]);
    this.#sawBytes ||= chunk.length > 0;
    try {
      while (this.#step());
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      this.#pending = Buffer.alloc(0);
      this.#refuse(error); // which ends this stream
    }
    done();
  }

  override _flush(done: TransformCallback): void {
    if (this.#state === 'content') this.push(this.#pending.subarray(this.#lead));
    if (this.#state === 'preamble' && this.#sawBytes)
      this.#refuse(
        new ServiceError('malformed-multipart', {
          detail: `The boundary ${JSON.stringify(this.#boundary.toString('latin1', 2))} of the Content-Type stands nowhere in the body.`,
        }),
      );
    done();
  }

  /** Whether there may be more to do without more bytes. */
  #step(): boolean {
    switch (this.#state) {
      case 'preamble':
      case 'epilogue':
        return this.#outside();
      case 'content':
        return this.#content();
      case 'delimiter':
        return this.#delimiter();
      case 'headers':
        return this.#headers();
    }
  }

  /** Before the first delimiter and after the last one there may be anything but parts (RFC 2046, 5.1.1). */
  #outside(): boolean {
    const at = this.#pending.indexOf(this.#boundary);
    if (at < 0) {
      this.#take(Math.max(0, this.#pending.length - this.#boundary.length - 1));
      return false;
    }
    if (this.#state === 'epilogue') throw this.#broken('the body goes on after its end');
    if (!this.#endsLine(at)) throw this.#broken('the boundary stands within a line');
    this.#take(at + this.#boundary.length);
    this.#state = 'delimiter';
    return true;
  }

  #content(): boolean {
    const at = this.#pending.indexOf(this.#line) + 1;
    if (at > 0) {
      if (!this.#endsLine(at)) throw this.#broken('a delimiter follows no CRLF');
      this.push(this.#pending.subarray(Math.min(this.#lead, at - 2), at - 2));
      this.#take(at + this.#boundary.length);
      this.#state = 'delimiter';
      return true;
    }
    const sure = this.#pending.length - this.#boundary.length - 2; // the rest may be the start of a delimiter
    if (sure > this.#lead) {
      this.push(this.#pending.subarray(this.#lead, sure));
      this.#take(sure);
      this.#lead = 0;
    }
    return false;
  }

  /** After the boundary: `--` at the end of the body, else the line's end, maybe after white space. */
  #delimiter(): boolean {
    const start = this.#pending.toString('latin1', 0, paddingBytes);
    const line = /^(?:(--)|[ \t]*(\r\n)|[ \t]*\r?$|-$)/.exec(start);
    if (line === null) throw this.#broken('a line begins with the boundary, but is no delimiter');
    const [text, last, next] = line;
    if (last !== undefined) {
      this.push(Buffer.concat([Buffer.from('\r\n'), this.#boundary, Buffer.from('--\r\n')]));
      this.#state = 'epilogue';
    } else if (next !== undefined) {
      this.push(Buffer.concat([Buffer.from('\r\n'), this.#boundary, Buffer.from('\r\n')]));
      this.#state = 'headers';
    } else if (text.length < paddingBytes) return false;
    else throw this.#broken(`a boundary is followed by ${paddingBytes} bytes and no end of the line`);
    this.#take(text.length);
    return true;
  }

  #headers(): boolean {
    const end = this.#pending.subarray(0, 2).equals(emptyLine.subarray(2))
      ? 0
      : this.#pending.indexOf(emptyLine);
    if ((end < 0 ? this.#pending.length : end) > headerBytes)
      throw this.#broken(`its headers have more than ${headerBytes} bytes`);
    if (end < 0) return false;
    this.#begin(this.#pending.subarray(0, end));
    this.#take(end === 0 ? 0 : end + 2);
    this.#lead = 2;
    this.#state = 'content';
    return true;
  }

  /** Notes a part, and passes on headers that stand for its own. */
  #begin(block: Buffer): void {
    const index = this.parts.length;
    const { name, file } = this.#parse(block);
    const part = { index, ...(name !== undefined && { name }), ...(file && { file }) };
    if (name === undefined) throw partError('missing-field-name', part, 'the part has no field name.');
    this.parts.push(part);
    const filename = file === undefined ? '' : `; filename="${index}"`;
    this.push(`Content-Disposition: form-data; name="${index}"${filename}\r\n\r\n`);
  }

  #parse(block: Buffer) {
    try {
      return parsePartHeaders(block);
    } catch (error) {
      if (error instanceof HeaderError) throw this.#broken(error.message, error);
      throw error;
    }
  }

  /** The error about the part whose headers are next, or that the body is in. */
  #broken(reason: string, cause?: unknown): ServiceError {
    const isNext = this.#state === 'headers' || this.parts.length === 0;
    const part = isNext ? { index: this.parts.length } : this.parts.at(-1)!;
    return partError('malformed-multipart', part, `${reason}.`, cause);
  }

  #endsLine = (at: number) => this.#pending[at - 2] === 0x0d && this.#pending[at - 1] === 0x0a;

  #take(count: number): void {
    this.#pending = this.#pending.subarray(count);
  }
}

import binary from './binary.ts';
import type { Taps } from './lanczos.ts';

/** `assembly/lanczos.ts` tells what they do. */
interface Kernels {
  readonly memory: WebAssembly.Memory;
  flatten(row: number, pixels: number, out: number): void;
  part(row: number, pixels: number, lines: number, lineBytes: number): void;
  across(
    lines: number,
    lineBytes: number,
    targets: number,
    firsts: number,
    counts: number,
    high: number,
    low: number,
    stride: number,
    out: number,
  ): void;
  down(rows: number, rowBytes: number, count: number, high: number, low: number, out: number): void;
}

/** One resizing to a square. */
export interface Plan {
  /** Weights over a source row, whose positions count from the row's first pixel that is read. */
  readonly columns: Taps;
  /** Weights over the source rows. */
  readonly rows: Taps;
  /** Pixels of a source row that are read. */
  readonly span: number;
  /** Whether columns are resampled before rows. */
  readonly columnsFirst: boolean;
}

/** Pointers to where a plan's numbers lie, and their sizes in bytes. */
interface Layout {
  readonly firsts: number;
  readonly counts: number;
  readonly columns: Halves;
  readonly rows: Halves;
  /** A source row with alpha. */
  readonly given: number;
  /** A source row, or one that columns were resampled to. */
  readonly source: number;
  readonly lines: number;
  readonly lineBytes: number;
  readonly target: number;
  readonly window: number;
  readonly rowBytes: number;
  /** Rows that the window has room for. */
  readonly room: number;
  readonly end: number;
}

/** Weights in two halves of 16 bits, see `assembly/lanczos.ts`. */
interface Halves {
  readonly high: number;
  readonly low: number;
}

/** Below it the module may keep data of its own. */
const firstByte = 1024;
const pageBytes = 65_536;
/** The kernels take this much at a time, and read as far beyond the end of what they are given. */
const block = 16;
const halfBits = 11;

const aligned = (bytes: number): number => block * Math.ceil(bytes / block);

let compiled: WebAssembly.Module | undefined;

/** Compiled when first needed. */
function moduleOf(): WebAssembly.Module {
  const bytes = () => Uint8Array.from(atob(binary), (character) => character.charCodeAt(0));
  return (compiled ??= new WebAssembly.Module(bytes()));
}

/**
 * The kernels' memory and what lies there during one resizing: weights, and a window of rows that slides down the
 * picture. Rows are added from the top; each row of the square is made of those in the window.
 */
export class Workspace {
  readonly #kernels = new WebAssembly.Instance(moduleOf()).exports as unknown as Kernels;
  #bytes = new Uint8Array(this.#kernels.memory.buffer);
  #plan!: Plan;
  #layout!: Layout;
  /** The source row that lies at the window's start, and the one after the last. */
  #top = 0;
  #bottom = 0;

  get size(): number {
    return this.#bytes.length;
  }

  begin(plan: Plan): void {
    this.#plan = plan;
    this.#layout = layoutOf(plan);
    const missing = this.#layout.end - this.#bytes.length;
    if (missing > 0) this.#kernels.memory.grow(Math.ceil(missing / pageBytes));
    this.#bytes = new Uint8Array(this.#kernels.memory.buffer);
    const { columns, rows } = plan;
    this.#write(columns.first, this.#layout.firsts);
    this.#write(columns.count, this.#layout.counts);
    this.#writeHalves(columns, this.#layout.columns);
    this.#writeHalves(rows, this.#layout.rows);
    this.#top = this.#bottom = rows.first[0]!;
  }

  /** Puts the next source row into the window: `span` pixels of interleaved RGB, or RGBA, which is put on white. */
  add(row: Uint8Array | Uint8ClampedArray): void {
    const { given, source, window, rowBytes } = this.#layout;
    const { span, columnsFirst } = this.#plan;
    const place = window + (this.#bottom - this.#top) * rowBytes;
    const first = columnsFirst ? place : source;
    if (row.length === 3 * span) this.#bytes.set(row, first);
    else {
      this.#bytes.set(row, given);
      this.#kernels.flatten(given, span, first);
    }
    if (!columnsFirst) this.#across(place);
    this.#bottom++;
  }

  /** Makes room for the source rows of row y of the square, by letting go of those above. */
  prepare(y: number): void {
    const { window, rowBytes, room } = this.#layout;
    const { first, count } = this.#plan.rows;
    if (first[y]! + count[y]! - this.#top <= room) return;
    const start = window + (first[y]! - this.#top) * rowBytes;
    this.#bytes.copyWithin(window, start, window + (this.#bottom - this.#top) * rowBytes);
    this.#top = first[y]!;
  }

  /** Row y of the square, interleaved RGB, when its source rows have been added; a view that the next call changes. */
  row(y: number): Uint8Array {
    const { source, target, window, rowBytes, rows } = this.#layout;
    const { columnsFirst, columns } = this.#plan;
    const { first, count, stride } = this.#plan.rows;
    const from = window + (first[y]! - this.#top) * rowBytes;
    const weights = 2 * y * stride;
    const out = columnsFirst ? source : target;
    this.#kernels.down(from, rowBytes, count[y]!, rows.high + weights, rows.low + weights, out);
    if (columnsFirst) this.#across(target);
    return this.#bytes.subarray(target, target + 3 * columns.first.length);
  }

  /** Resamples the row that lies at `source`. */
  #across(out: number): void {
    const { firsts, counts, columns, source, lines, lineBytes } = this.#layout;
    const { first, stride } = this.#plan.columns;
    this.#kernels.part(source, this.#plan.span, lines, lineBytes);
    this.#kernels.across(
      lines,
      lineBytes,
      first.length,
      firsts,
      counts,
      columns.high,
      columns.low,
      stride,
      out,
    );
  }

  #write(numbers: Int32Array, at: number): void {
    new Int32Array(this.#bytes.buffer, at, numbers.length).set(numbers);
  }

  #writeHalves({ weights }: Taps, at: Halves): void {
    const high = new Int16Array(this.#bytes.buffer, at.high, weights.length);
    const low = new Int16Array(this.#bytes.buffer, at.low, weights.length);
    for (let i = 0; i < weights.length; i++) {
      high[i] = (weights[i]! + (1 << (halfBits - 1))) >> halfBits;
      low[i] = weights[i]! - (high[i]! << halfBits);
    }
  }
}

function layoutOf({ columns, rows, span, columnsFirst }: Plan): Layout {
  let end = firstByte;
  const place = (bytes: number): number => {
    const at = end;
    end += aligned(bytes) + block;
    return at;
  };
  const halves = ({ weights }: Taps): Halves => ({
    high: place(2 * weights.length),
    low: place(2 * weights.length),
  });
  const targets = columns.first.length;
  const rowBytes = aligned(3 * (columnsFirst ? span : targets) + block); // `across` and `flatten` write some bytes more
  const lineBytes = aligned(2 * span) + 2 * block;
  const room = 2 * Math.max(...rows.count); // rows are moved half as often as they are added at most
  return {
    firsts: place(4 * targets),
    counts: place(4 * targets),
    columns: halves(columns),
    rows: halves(rows),
    given: place(4 * span + block),
    source: place(Math.max(rowBytes, 3 * span + 3 * block)),
    lines: place(3 * lineBytes),
    lineBytes,
    target: place(Math.max(rowBytes, 3 * targets + 1)),
    window: place((room + 1) * rowBytes),
    rowBytes,
    room,
    end,
  };
}

/** Workspaces that nobody works in. */
const idle: Workspace[] = [];
/** Larger ones are not kept. */
const keptBytes = 8 * 1024 * 1024;

/** A workspace for the plan, this caller's own until it gives it back; one that isn't given back is collected. */
export function borrowWorkspace(plan: Plan): Workspace {
  const workspace = idle.pop() ?? new Workspace();
  workspace.begin(plan);
  return workspace;
}

export function returnWorkspace(workspace: Workspace): void {
  if (workspace.size <= keptBytes) idle.push(workspace);
}

import type { TensorValues } from '../model/graph/executor.ts';

const mebibyte = 1024 ** 2;

/*
 * Measured of the bundled checkpoints' graphs and files by the resident memory of a process, onnxruntime 1.30 on the CPU.
 */
/** of an operator: what the session knows of it */
const bytesOfNode = 1536;
/** of a file's bytes: float16 weights become float32, and are packed for products */
const timesFile = 4;
/** of a session without any */
const bytesAtLeast = mebibyte;
/** The arena grows by blocks of twice the size of the last one; of the last one it touches what it needs. */
const timesValues = 1.3;
/** Values of a network behind a trunk, of one image: planes of 96 channels and half the side, two of them at once. */
const timesInputs = 20;

/** What is known of a session's size. */
export interface SessionSize {
  /** bytes of its ONNX file */
  readonly file: number;
  /** operators in it; none where they are not counted */
  readonly nodes?: number;
  /** bytes of the values that are alive at the same time in a run; not known before a run where they depend on its inputs */
  readonly values?: number;
}

/** What a session takes, in bytes, as estimated: itself, and what its arena keeps of its largest run. */
export const sessionBytes = ({ file, nodes = 0, values = 0 }: SessionSize): number =>
  Math.ceil(bytesAtLeast + timesFile * file + bytesOfNode * nodes + arenaBytes(values));

/** What an arena takes for values of so many bytes. */
export const arenaBytes = (values: number): number => timesValues * values;

/** Bytes of the values of a file's run, as estimated by its inputs: what is in the file is not looked at. */
export const valuesOfFile = (inputs: TensorValues): number =>
  Object.values(inputs).reduce((sum, { data }) => sum + timesInputs * data.byteLength, 0);

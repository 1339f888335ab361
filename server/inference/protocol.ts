import * as z from 'zod';
import type { TensorValue } from '../../model/graph/executor.ts';
import { sizeOf } from '../../model/graph/shapes.ts';
import type { Schema } from '../../contract/schema.ts';
import { memberError, ServiceError } from '../errors/errors.ts';
import { parseMembers } from '../upload/json.ts';
import type { InferenceBody } from './body.ts';
import { bytesOf, classificationOf } from './classification.ts';
import type { Classification } from './classification.ts';

type Tensor = Schema<'Tensor'>;

/** What an inference request is checked against. */
export interface InferenceModel {
  readonly input: Tensor;
  readonly outputs: readonly Tensor[];
  /** of the columns of outputs that have such, by the output's name */
  readonly labels: Readonly<Record<string, readonly string[]>>;
  /** rows of one request */
  readonly maxRows: number;
}

export interface Inference {
  readonly id?: string;
  readonly input: TensorValue & { readonly name: string };
  /** the outputs that are asked for, in their order */
  readonly outputs: readonly AskedOutput[];
}

interface AskedOutput {
  readonly name: string;
  readonly binary: boolean;
  /** how many classes are wanted in place of the numbers, if they are */
  readonly classes: number | undefined;
}

const flag = z.boolean('must be true or false').optional();
/** Triton's extensions `system_shared_memory` and `cuda_shared_memory`. */
const sharedMemoryRegion = z
  .undefined('is of shared memory, which is not offered: data are JSON, or binary after it')
  .optional();
const requestSchema = z.object(
  {
    id: z
      .string()
      .max(200, 'has more than 200 characters')
      .regex(/^\P{Cs}*$/u, 'has half of a surrogate pair')
      .optional(),
    parameters: z.object({ binary_data_output: flag }).optional(),
    inputs: z
      .array(
        z.object(
          {
            name: z.string('must be a string'),
            shape: z.array(z.number().int().nonnegative(), 'must be an array of whole numbers'),
            datatype: z.string('must be a string'),
            parameters: z
              .object({
                binary_data_size: z.number().int().nonnegative().optional(),
                shared_memory_region: sharedMemoryRegion,
              })
              .optional(),
            // its elements are looked at below, once
            data: z.custom<readonly unknown[]>(Array.isArray, 'must be an array').optional(),
          },
          'must be a tensor: name, shape, datatype, data',
        ),
        'must be an array of tensors',
      )
      .length(1, 'must have just one tensor, the one input of the model'),
    outputs: z
      .array(
        z.object({
          name: z.string('must be a string'),
          parameters: z
            .object({
              binary_data: flag,
              classification: z
                .number('must be a number of classes')
                .int('must be a number of classes')
                .positive('must be 1 or more')
                .optional(),
              shared_memory_region: sharedMemoryRegion,
            })
            .optional(),
        }),
      )
      .optional(),
  },
  'must be an object with the member inputs',
);

const errorCode = 'invalid-tensor';

/** A task does not change, so every model has this version and no other. */
export const modelVersion = '1';

/**
 * An inference request as a tensor of the model's input. Members that the protocol does not know are passed over, as it says.
 * @throws ServiceError `invalid-tensor`, naming the member at fault
 */
export function parseInference(
  { value, binary }: InferenceBody,
  { input, outputs, maxRows }: InferenceModel,
): Inference {
  const { id, inputs, outputs: asked = [], parameters } = parseMembers(requestSchema, value, errorCode);
  const { name, shape, datatype, data, parameters: { binary_data_size: size } = {} } = inputs[0]!;
  const fault = (path: readonly PropertyKey[], detail: string) => memberError(errorCode, path, `${detail}.`);
  if (name !== input.name)
    throw fault(['inputs', 0, 'name'], `the model's input is ${JSON.stringify(input.name)}`);
  if (datatype !== 'FP32') throw fault(['inputs', 0, 'datatype'], `the model's input is of FP32`);
  const [count = 0, ...row] = shape;
  if (shape.length !== input.shape.length || row.some((size, axis) => size !== input.shape[axis + 1]))
    throw fault(['inputs', 0, 'shape'], `the model's input has the shape [${shapeOf(input).join(', ')}]`);
  if (count < 1 || count > maxRows)
    throw fault(['inputs', 0, 'shape', 0], `1 to ${maxRows} rows are allowed in one request`);
  const known = outputs.map((output) => output.name);
  asked.forEach((output, i) => {
    if (!known.includes(output.name))
      throw fault(['outputs', i, 'name'], `the model's outputs are ${known.join(', ')}`);
  });
  const wanted: Readonly<typeof asked> = asked.length > 0 ? asked : outputs;
  return {
    ...(id === undefined ? {} : { id }),
    input: {
      name,
      shape,
      data: size === undefined ? jsonFloats(data, binary, shape) : binaryFloats(size, data, binary, shape),
    },
    outputs: wanted.map((output) => ({
      name: output.name,
      binary: output.parameters?.binary_data ?? parameters?.binary_data_output ?? false,
      classes: output.parameters?.classification,
    })),
  };
}

const dataPath = ['inputs', 0, 'data'];

function jsonFloats(
  data: readonly unknown[] | undefined,
  binary: Buffer,
  shape: readonly number[],
): Float32Array {
  if (data === undefined)
    throw memberError(errorCode, dataPath, 'must be an array where there is no binary_data_size.');
  if (binary.length > 0)
    throw memberError(
      errorCode,
      [],
      `has ${binary.length} bytes after its JSON, which no input's binary_data_size is of.`,
    );
  return floatsOf(data, shape, dataPath);
}

/** The binary data after the JSON: little-endian float32, row-major. @throws ServiceError `invalid-tensor` */
function binaryFloats(
  size: number,
  data: readonly unknown[] | undefined,
  binary: Buffer,
  shape: readonly number[],
): Float32Array {
  const path = ['inputs', 0, 'parameters', 'binary_data_size'];
  const length = sizeOf(shape);
  if (data !== undefined) throw memberError(errorCode, dataPath, 'must not be there with binary_data_size.');
  if (size !== 4 * length)
    throw memberError(
      errorCode,
      path,
      `must be ${4 * length}, the bytes of the shape [${shape.join(', ')}] in FP32.`,
    );
  if (size !== binary.length)
    throw memberError(errorCode, path, `is ${size}, but ${binary.length} bytes come after the JSON.`);
  const values = Float32Array.from({ length }, (_, i) => binary.readFloatLE(4 * i));
  const strange = values.findIndex((value) => !Number.isFinite(value));
  if (strange >= 0) throw memberError(errorCode, path, `the number ${strange} of the data is not finite.`);
  return values;
}

/** Row-major data, flat or nested as the shape is. @throws ServiceError `invalid-tensor` */
function floatsOf(
  data: readonly unknown[],
  shape: readonly number[],
  path: readonly PropertyKey[],
): Float32Array {
  const values = new Float32Array(sizeOf(shape));
  let filled = 0;
  /** Numbers of one array; paths are made of faults only, since there may be half a million numbers. */
  const fill = (numbers: readonly unknown[], where: readonly PropertyKey[]): void => {
    for (const [i, value] of numbers.entries()) {
      const number = typeof value === 'number' ? Math.fround(value) : Number.NaN;
      if (!Number.isFinite(number))
        throw memberError(errorCode, [...where, i], 'must be a number that is finite in float32.');
      values[filled++] = number;
    }
  };
  const walk = (
    part: unknown,
    [size = 0, ...inner]: readonly number[],
    where: readonly PropertyKey[],
  ): void => {
    if (!Array.isArray(part) || part.length !== size)
      throw memberError(errorCode, where, `must be an array of ${size}, as the shape says.`);
    if (inner.length === 0) fill(part, where);
    else part.forEach((child: unknown, i) => walk(child, inner, [...where, i]));
  };
  if (Array.isArray(data[0])) walk(data, shape, path);
  else if (data.length === values.length) fill(data, path);
  else
    throw memberError(
      errorCode,
      path,
      `has ${data.length} numbers, the shape [${shape.join(', ')}] needs ${values.length}.`,
    );
  return values;
}

const shapeOf = ({ shape }: Tensor): number[] => shape.map((size) => (typeof size === 'number' ? size : -1));

const describe = (tensor: Tensor): Schema<'InferenceTensorMetadata'> => ({
  name: tensor.name,
  datatype: 'FP32',
  shape: shapeOf(tensor),
});

/** The protocol's description of a model; -1 is the free batch size. */
export const metadataOf = (
  name: string,
  { input, outputs }: Pick<InferenceModel, 'input' | 'outputs'>,
): Schema<'InferenceModelMetadata'> => ({
  name,
  versions: [modelVersion],
  platform: 'onnxruntime_onnx',
  inputs: [describe(input)],
  outputs: outputs.map(describe),
});

/** The protocol's answer: JSON, and the binary data that come after it. */
export interface InferenceAnswer {
  readonly json: Schema<'InferenceResponse'>;
  readonly binary: readonly Buffer[];
}

type AnsweredTensor = Schema<'InferenceResponse'>['outputs'][number];

/** The answer of a model; data are row-major, in JSON flat. @throws ServiceError `not-predictable` */
export function answerOf(
  model: string,
  { id, outputs }: Inference,
  results: Readonly<Record<string, TensorValue>>,
  labels: InferenceModel['labels'],
): InferenceAnswer {
  const tensors = outputs.map((output) => {
    const value = results[output.name];
    if (!value) throw new Error(`the exported model has no output named ${output.name}`);
    // neither JSON nor an order of classes has other numbers; binary data have
    if ((!output.binary || output.classes !== undefined) && !value.data.every(Number.isFinite))
      throw new ServiceError('not-predictable', {
        detail: `The output ${output.name} is not finite for this input.`,
      });
    return output.classes === undefined
      ? numbersOf(output, value)
      : textsOf(output, classificationOf(value, output.classes, labels[output.name]));
  });
  return {
    json: {
      model_name: model,
      model_version: modelVersion,
      ...(id === undefined ? {} : { id }),
      outputs: tensors.map(({ tensor }) => tensor),
    },
    binary: tensors.flatMap(({ bytes }) => (bytes ? [bytes] : [])),
  };
}

interface Answered {
  readonly tensor: AnsweredTensor;
  /** what comes after the JSON */
  readonly bytes?: Buffer;
}

function numbersOf({ name, binary }: AskedOutput, { shape, data }: TensorValue): Answered {
  const described = { name, datatype: 'FP32' as const, shape: [...shape] };
  if (!binary) return { tensor: { ...described, data: Array.from(data) } };
  const bytes = Buffer.alloc(4 * data.length);
  data.forEach((number, i) => bytes.writeFloatLE(number, 4 * i));
  return withBytes(described, bytes);
}

function textsOf({ name, binary }: AskedOutput, { shape, texts }: Classification): Answered {
  const described = { name, datatype: 'BYTES' as const, shape: [...shape] };
  return binary ? withBytes(described, bytesOf(texts)) : { tensor: { ...described, data: [...texts] } };
}

const withBytes = (tensor: AnsweredTensor, bytes: Buffer): Answered => ({
  tensor: { ...tensor, parameters: { binary_data_size: bytes.length } },
  bytes,
});

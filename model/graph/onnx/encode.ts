import { onnx } from './proto.js';

/** An operator's attribute; the closed set that our operators need. */
export type OnnxAttribute =
  | { readonly kind: 'int'; readonly value: number }
  | { readonly kind: 'ints'; readonly value: readonly number[] }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'floats'; readonly value: readonly number[] }
  | { readonly kind: 'string'; readonly value: string };

export interface OnnxNode {
  readonly operator: string;
  /** operator set; absent for ONNX's own operators */
  readonly domain?: string;
  /** an empty string stands for an optional input that is left out */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, OnnxAttribute>>;
  readonly name?: string;
}

export interface OnnxInitializer {
  readonly name: string;
  readonly shape: readonly number[];
  /** a `Uint16Array` has the bits of float16 values */
  readonly data: Float32Array | BigInt64Array | Uint16Array | Int8Array | Int32Array;
}

/** A graph input or output; a string in the shape names a dynamic axis; the type is float unless given. */
export interface OnnxValueInfo {
  readonly name: string;
  readonly shape: readonly (number | string)[];
  readonly type?: 'float' | 'int64';
}

export interface OnnxModel {
  readonly name: string;
  /** in topological order, as ONNX demands */
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxInitializer[];
  readonly inputs: readonly OnnxValueInfo[];
  readonly outputs: readonly OnnxValueInfo[];
  /** `value_info`: types and shapes of tensors between inputs and outputs, as far as they are told */
  readonly values?: readonly OnnxValueInfo[];
  /** version of ONNX's own operator set */
  readonly opset: number;
  readonly domains?: readonly { readonly domain: string; readonly version: number }[];
  /** `metadata_props` */
  readonly metadata?: Readonly<Record<string, string>>;
  readonly documentation?: string;
}

/** The model cannot be written, or the bytes are not a model of the supported subset. */
export class OnnxFormatError extends Error {
  override readonly name = 'OnnxFormatError';
}

/** ONNX 1.12-1.13, the version that goes with opset 17. */
const irVersion = 8;
const producer = 'm-nas';

const { AttributeType } = onnx.AttributeProto;
const { DataType } = onnx.TensorProto;
const utf8 = { encoder: new TextEncoder(), decoder: new TextDecoder() };

const elementType = { float: DataType.FLOAT, int64: DataType.INT64 } as const;

/**
 * The bytes of an ONNX file (ir_version 8). The same model gives the same bytes: attributes and metadata are
 * written in the order of their names. Tensors are written as raw data, little-endian like every host we run on.
 * @throws OnnxFormatError when an initializer's data does not fill its shape or an integer is not a safe one
 */
export function encodeModel(model: OnnxModel): Uint8Array<ArrayBuffer> {
  const message: onnx.ModelProto.$Properties = {
    irVersion,
    producerName: producer,
    opsetImport: [{ domain: '', version: model.opset }, ...(model.domains ?? [])],
    graph: {
      node: model.nodes.map(encodeNode),
      name: model.name,
      initializer: model.initializers.map(encodeInitializer),
      input: model.inputs.map(encodeValueInfo),
      output: model.outputs.map(encodeValueInfo),
      valueInfo: (model.values ?? []).map(encodeValueInfo),
    },
    metadataProps: sortedEntries(model.metadata ?? {}).map(([key, value]) => ({ key, value })),
  };
  if (model.documentation !== undefined) message.docString = model.documentation;
  return ownBytes(onnx.ModelProto.encode(message).finish());
}

/** The bytes that one entry of `metadata` takes in the file of a model. */
export const metadataSize = (key: string, value: string): number =>
  onnx.ModelProto.encode({ metadataProps: [{ key, value }] }).finish().length;

function encodeNode(node: OnnxNode): onnx.NodeProto.$Properties {
  const message: onnx.NodeProto.$Properties = {
    input: node.inputs as string[],
    output: node.outputs as string[],
    opType: node.operator,
  };
  if (node.name !== undefined) message.name = node.name;
  if (node.domain !== undefined) message.domain = node.domain;
  if (node.attributes !== undefined) {
    message.attribute = sortedEntries(node.attributes).map(([name, value]) => encodeAttribute(name, value));
  }
  return message;
}

function encodeAttribute(name: string, attribute: OnnxAttribute): onnx.AttributeProto.$Properties {
  switch (attribute.kind) {
    case 'int':
      return { name, type: AttributeType.INT, i: safeInteger(name, attribute.value) };
    case 'ints':
      return {
        name,
        type: AttributeType.INTS,
        ints: attribute.value.map((value) => safeInteger(name, value)),
      };
    case 'float':
      return { name, type: AttributeType.FLOAT, f: attribute.value };
    case 'floats':
      return { name, type: AttributeType.FLOATS, floats: attribute.value as number[] };
    case 'string':
      return { name, type: AttributeType.STRING, s: utf8.encoder.encode(attribute.value) };
  }
}

function safeInteger(name: string, value: number): number {
  if (!Number.isSafeInteger(value)) throw new OnnxFormatError(`${name}: ${value} is not a safe integer`);
  return value;
}

function encodeInitializer({ name, shape, data }: OnnxInitializer): onnx.TensorProto.$Properties {
  const size = shape.reduce((product, length) => product * length, 1);
  if (size !== data.length) {
    throw new OnnxFormatError(`initializer ${name}: ${data.length} values for shape [${shape.join(', ')}]`);
  }
  return {
    name,
    dims: shape as number[],
    dataType: dataTypeOf(data),
    rawData: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  };
}

/** ONNX's element types by the arrays that hold them. */
const arrays = [
  [Float32Array, DataType.FLOAT],
  [Uint16Array, DataType.FLOAT16],
  [Int8Array, DataType.INT8],
  [Int32Array, DataType.INT32],
  [BigInt64Array, DataType.INT64],
] as const;

function dataTypeOf(data: OnnxInitializer['data']): onnx.TensorProto.DataType {
  return arrays.find(([array]) => data instanceof array)![1];
}

function encodeValueInfo({ name, shape, type = 'float' }: OnnxValueInfo): onnx.ValueInfoProto.$Properties {
  const dim = shape.map((length) =>
    typeof length === 'number' ? { dimValue: length } : { dimParam: length },
  );
  return { name, type: { tensorType: { elemType: elementType[type], shape: { dim } } } };
}

/**
 * Reads an ONNX file of the supported subset, for tests and inspection. Value types are always given, empty
 * optional fields are left out.
 * @throws OnnxFormatError when the file is broken or uses what {@link OnnxModel} cannot express
 */
export function decodeModel(bytes: Uint8Array): OnnxModel {
  const { graph, opsetImport, metadataProps, docString } = parse(bytes);
  if (!graph) throw new OnnxFormatError('the file has no graph');
  const opset = opsetImport.find(({ domain }) => !domain);
  if (!opset) throw new OnnxFormatError('the file imports no ONNX operator set');
  const domains = opsetImport
    .filter(({ domain }) => domain)
    .map(({ domain, version }) => ({ domain: domain ?? '', version: Number(version) }));
  const values = (graph.valueInfo ?? []).map(decodeValueInfo);
  const metadata = metadataProps.map(({ key, value }) => [key ?? '', value ?? ''] as const);
  return {
    name: graph.name ?? '',
    nodes: (graph.node ?? []).map(decodeNode),
    initializers: (graph.initializer ?? []).map(decodeInitializer),
    inputs: (graph.input ?? []).map(decodeValueInfo),
    outputs: (graph.output ?? []).map(decodeValueInfo),
    ...(values.length > 0 && { values }),
    opset: Number(opset.version),
    ...(domains.length > 0 && { domains }),
    ...(metadata.length > 0 && { metadata: Object.fromEntries(metadata) }),
    ...(docString !== '' && { documentation: docString }),
  };
}

function parse(bytes: Uint8Array): onnx.ModelProto {
  try {
    return onnx.ModelProto.decode(bytes);
  } catch (error) {
    throw new OnnxFormatError('not an ONNX file', { cause: error });
  }
}

function decodeNode(node: onnx.NodeProto.$Properties): OnnxNode {
  const attributes = (node.attribute ?? []).map((each) => [each.name ?? '', decodeAttribute(each)] as const);
  return {
    operator: node.opType ?? '',
    inputs: node.input ?? [],
    outputs: node.output ?? [],
    ...(node.domain && { domain: node.domain }),
    ...(node.name && { name: node.name }),
    ...(attributes.length > 0 && { attributes: Object.fromEntries(attributes) }),
  };
}

function decodeAttribute(attribute: onnx.AttributeProto.$Properties): OnnxAttribute {
  switch (attribute.type) {
    case AttributeType.INT:
      return { kind: 'int', value: Number(attribute.i) };
    case AttributeType.INTS:
      return { kind: 'ints', value: (attribute.ints ?? []).map(Number) };
    case AttributeType.FLOAT:
      return { kind: 'float', value: attribute.f ?? 0 };
    case AttributeType.FLOATS:
      return { kind: 'floats', value: attribute.floats ?? [] };
    case AttributeType.STRING:
      return { kind: 'string', value: utf8.decoder.decode(attribute.s ?? new Uint8Array()) };
    default:
      throw new OnnxFormatError(`attribute ${attribute.name ?? ''}: type ${attribute.type ?? 'absent'}`);
  }
}

function decodeInitializer(tensor: onnx.TensorProto.$Properties): OnnxInitializer {
  const name = tensor.name ?? '';
  const shape = (tensor.dims ?? []).map(Number);
  // copied, because a view into the file is rarely aligned
  const { buffer } = Uint8Array.from(tensor.rawData ?? []);
  const size = shape.reduce((product, length) => product * length, 1);
  const array = arrayOf(tensor.dataType);
  if (!array) throw new OnnxFormatError(`initializer ${name}: data type ${tensor.dataType ?? 'absent'}`);
  if (buffer.byteLength !== size * array.BYTES_PER_ELEMENT) {
    throw new OnnxFormatError(`initializer ${name}: ${buffer.byteLength} raw bytes for ${size} values`);
  }
  return { name, shape, data: new array(buffer) };
}

const arrayOf = (type: number | null | undefined) => arrays.find(([, own]) => own === type)?.[0];

function decodeValueInfo({ name, type }: onnx.ValueInfoProto.$Properties): OnnxValueInfo {
  const tensor = type?.tensorType;
  const element = Object.entries(elementType).find(([, code]) => code === tensor?.elemType)?.[0];
  if (element !== 'float' && element !== 'int64') {
    throw new OnnxFormatError(`value ${name ?? ''}: element type ${tensor?.elemType ?? 'absent'}`);
  }
  const shape = (tensor?.shape?.dim ?? []).map(({ dimValue, dimParam }) => dimParam ?? Number(dimValue));
  return { name: name ?? '', shape, type: element };
}

/** In the order of the names, so that equal records give equal bytes. */
function sortedEntries<T>(record: Readonly<Record<string, T>>): [string, T][] {
  return Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));
}

/** protobufjs hands out slices of a pool under Node; a buffer of its own can be transferred to another thread. */
function ownBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer } = bytes;
  const whole = buffer instanceof ArrayBuffer && buffer.byteLength === bytes.byteLength;
  return whole ? new Uint8Array(buffer) : new Uint8Array(bytes);
}

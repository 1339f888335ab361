import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { expect } from 'vitest';
import { parse } from 'yaml';

export interface Operation {
  readonly responses: Readonly<Record<string, object>>;
  readonly requestBody?: {
    readonly content: Readonly<
      Record<string, { readonly examples?: Readonly<Record<string, { readonly $ref: string }>> }>
    >;
  };
}
interface Header {
  readonly $ref?: string;
  readonly required?: boolean;
  readonly schema?: { readonly type?: string };
}
interface Contract {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly headers: Readonly<Record<string, Header>>;
    readonly schemas: Readonly<Record<string, object>>;
    readonly examples: Readonly<Record<string, { readonly value: unknown }>>;
  };
}

export const contract = parse(
  readFileSync(new URL('../../../openapi.yaml', import.meta.url), 'utf8'),
) as Contract;

const ajv = new Ajv2020({ strict: false, allErrors: true });
addFormats.default(ajv);
ajv.addSchema(contract, 'openapi');

/** The validator of the JSON pointer's schema within openapi.yaml. */
function validator(pointer: string): ValidateFunction {
  return ajv.getSchema(`openapi#${pointer}`) ?? ajv.compile({ $ref: `openapi#${pointer}` });
}

/** Fails with ajv's errors when the value does not fit the named schema. */
export function expectSchema(name: string, value: unknown): void {
  const validate = validator(`/components/schemas/${name}`);
  validate(value);
  expect(validate.errors ?? [], `schema ${name}`).toEqual([]);
}

const escapePointer = (text: string) => encodeURIComponent(text.replaceAll('~', '~0').replaceAll('/', '~1'));

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** Fails when openapi.yaml does not promise this status, these headers, content type and body for the operation. */
export function expectContract(answer: Answer, method: string, path: string): void {
  const responses = contract.paths[path]?.[method]?.responses ?? {};
  const status = String(answer.status) in responses ? String(answer.status) : 'default';
  expect(Object.keys(responses), `${method} ${path} ${answer.status}`).toContain(status);
  const response = resolve(responses[status]!);
  const at = response.pointer ?? `/paths/${escapePointer(path)}/${method}/responses/${status}`;
  for (const name of Object.keys(response.headers ?? {}))
    expectHeader(answer, name, `${at}/headers/${name}`, response.headers![name]!);
  const contentType = answer.headers['content-type']?.split(';')[0];
  const promised = Object.keys(response.content ?? {});
  if (promised.length === 0) {
    expect(contentType).toBeUndefined();
    return;
  }
  expect(promised).toContain(contentType);
  const isYaml = contentType!.endsWith('yaml');
  if (!isYaml && !contentType!.endsWith('json')) return;
  const validate = validator(`${at}/content/${escapePointer(contentType!)}/schema`);
  validate(isYaml ? parse(String(answer.body)) : answer.body);
  expect(validate.errors ?? [], `${method} ${path} ${answer.status}`).toEqual([]);
}

/** Fails when a header that is required is missing, or one that is there does not fit its schema. */
function expectHeader(answer: Answer, name: string, at: string, promised: Header): void {
  const pointer = promised.$ref?.slice(1) ?? at;
  const { required = false, schema } = promised.$ref
    ? contract.components.headers[pointer.split('/').at(-1)!]!
    : promised;
  const value = answer.headers[name.toLowerCase()];
  if (value === undefined) {
    expect(required, `${name} is missing`).toBe(false);
    return;
  }
  const validate = validator(`${pointer}/schema`);
  validate(schema?.type === 'integer' ? Number(value) : value);
  expect(validate.errors ?? [], `${name}: ${value}`).toEqual([]);
}

/** The path of the contract that a request's path is one of. */
export function templateOf(path: string): string | undefined {
  const [plain = ''] = path.split('?');
  return Object.keys(contract.paths).find((template) =>
    new RegExp(`^${template.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(plain),
  );
}

/** Fails when openapi.yaml does not allow a JSON body that the service has accepted. */
export function expectRequest(method: string, path: string, body: unknown): void {
  const pointer = `/paths/${escapePointer(path)}/${method}/requestBody/content/${escapePointer('application/json')}/schema`;
  const validate = validator(pointer);
  validate(body);
  expect(validate.errors ?? [], `${method} ${path}: the request`).toEqual([]);
}

function resolve(response: object): {
  readonly headers?: Readonly<Record<string, Header>>;
  readonly content?: object;
  readonly pointer?: string;
} {
  if (!('$ref' in response)) return response;
  const pointer = String(response.$ref).slice(1);
  const name = pointer.split('/').at(-1)!;
  const components = contract.components as unknown as { responses: Record<string, object> };
  return { ...components.responses[name], pointer };
}

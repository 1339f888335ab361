/** What a part's headers say of it. */
export interface PartHeaders {
  /** the field name; undefined where there is none, or an empty one */
  readonly name: string | undefined;
  /** undefined for a text field, empty where no file was chosen; of a path its last segment */
  readonly file: string | undefined;
}

/** Why headers cannot be understood; the message is a clause without a full stop. */
export class HeaderError extends Error {
  override readonly name = 'HeaderError';
}

/** Controls but the tab: no header has any (RFC 9110, 5.5). */
// eslint-disable-next-line no-control-regex -- they are what is looked for
const controls = /[\0-\x08\x0a-\x1f\x7f]/;
const tokenValue = /^[\w!#$%&'*+.^`|~-]+$/;
/** Encodings that leave the bytes as they are (RFC 2045, 6.2). */
const plainEncodings: ReadonlySet<string> = new Set(['7bit', '8bit', 'binary']);

/**
 * The headers of a part of multipart/form-data, as browsers, curl, Python's, Java's and .NET's clients write them.
 * @param block the lines between the delimiter and the empty line, without the last line's end
 * @throws HeaderError when they are not understood whole
 */
export function parsePartHeaders(block: Uint8Array): PartHeaders {
  const headers = headersOf(new TextDecoder('utf-8', { ignoreBOM: true }).decode(block));
  const encoding = headers.get('content-transfer-encoding')?.toLowerCase() ?? 'binary';
  if (!plainEncodings.has(encoding))
    throw new HeaderError(`its Content-Transfer-Encoding ${JSON.stringify(encoding)} is not accepted`);
  const disposition = headers.get('content-disposition');
  if (disposition === undefined) throw new HeaderError('it has no Content-Disposition');
  const type = /^[^\s;]*/.exec(disposition)![0];
  if (type.toLowerCase() !== 'form-data')
    throw new HeaderError(`its Content-Disposition is ${JSON.stringify(type)}, not form-data`);
  const parameters = parametersOf(disposition.slice(type.length));
  const valueOf = (name: string) => parameters.get(`${name}*`) ?? parameters.get(name);
  const file = valueOf('filename');
  return { name: valueOf('name') || undefined, file: file === undefined ? undefined : lastSegment(file) };
}

/** Headers by name in lower case; lines that begin with white space go on with the one before (RFC 5322, 2.2.3). */
function headersOf(text: string): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  for (const line of text.replace(/\r\n[ \t]+/g, ' ').split('\r\n')) {
    if (controls.test(line)) throw new HeaderError('its headers have a control character');
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    if (colon < 0 || !tokenValue.test(name)) throw new HeaderError('it has a line that is no header');
    if (headers.has(name)) throw new HeaderError(`it has two headers ${name}`);
    headers.set(name, line.slice(colon + 1).trim());
  }
  return headers;
}

/** One parameter at the start of a text: `name=`, and the value when it is not quoted. */
const parameter = /^([\w!#$%&'*+.^`|~-]+)[ \t]*=[ \t]*(?:(?=")|([^;]*))/;
/**
 * A quoted value. It ends at the quote that a semicolon or nothing follows; other quotes are themselves. A backslash
 * escapes a quote, a backslash or white space, as curl and aiohttp write these; before all else it is itself, as in
 * the paths of Windows.
 */
const quotedValue = /^"((?:\\(?:["\\ \t]|(?!["\\ \t]))|"(?![ \t]*(?:;|$))|[^"\\])*)"[ \t]*(?=;|$)/;

/** Parameters by name in lower case, decoded. @throws HeaderError when one is no `name=value`, or there twice */
function parametersOf(text: string): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  for (let rest = text; ;) {
    rest = rest.replace(/^[ \t;]+/, '');
    if (rest === '') return parameters;
    const [head, given, plain] = parameter.exec(rest) ?? [];
    if (head === undefined || given === undefined)
      throw new HeaderError('its Content-Disposition has a parameter that is no name=value');
    rest = rest.slice(head.length);
    const name = given.toLowerCase();
    const quoted = plain === undefined ? quotedValue.exec(rest) : undefined;
    if (quoted === null) throw new HeaderError(`the quotes of its ${name} are not closed`);
    rest = rest.slice(quoted?.[0].length ?? 0);
    if (parameters.has(name)) throw new HeaderError(`it has two parameters ${name}`);
    if (/^(?:file)?name\*\d/.test(name)) throw new HeaderError(`its ${name} is a continuation (RFC 2231)`);
    const value = quoted ? quoted[1]!.replace(/\\(["\\ \t])/g, '$1') : (plain ?? '').trimEnd();
    parameters.set(name, name.endsWith('*') ? decodeExtended(name, value) : decodePlain(name, value));
  }
}

/**
 * Undoes what HTML's forms and curl do to names: of all escapes, these three only. Mail's encoded words (RFC 2047) are
 * decoded, too, which Java's and Python's mail libraries write.
 */
function decodePlain(name: string, value: string): string {
  const words = /^(?:=\?[^?\s]+\?[bq]\?[^?\s]*\?=[ \t]*)+$/i.test(value);
  if (!words) return value.replace(/%0A|%0D|%22/gi, decodeURIComponent);
  const word = /=\?([^?\s]+)\?([bq])\?([^?\s]*)\?=[ \t]*/gi;
  return value.replace(word, (_word, charset: string, kind: string, text: string) => {
    const isBase64 = kind.toLowerCase() === 'b';
    return isBase64
      ? decodeBytes(name, charset, Buffer.from(text, 'base64'))
      : decodeBytes(name, charset, unescapeBytes(name, text.replaceAll('_', ' '), '='));
  });
}

/** An extended value, `charset'language'percent-encoded` (RFC 8187), of any charset that the platform knows. */
function decodeExtended(name: string, value: string): string {
  const [, charset, text] = /^([^']+)'[^']*'(.*)$/s.exec(value) ?? [];
  if (charset === undefined || text === undefined)
    throw new HeaderError(`its ${name} is not charset'language'value`);
  return decodeBytes(name, charset, unescapeBytes(name, text, '%'));
}

/** The bytes of a text in which some are written as `%` (or `=`) and two hexadecimal digits. */
function unescapeBytes(name: string, text: string, sign: '%' | '='): Uint8Array {
  const chunks = text.split(sign).map((chunk, index) => {
    if (index === 0) return Buffer.from(chunk);
    if (!/^[\da-f]{2}/i.test(chunk)) throw new HeaderError(`its ${name} has a ${sign} without two digits`);
    return Buffer.concat([Buffer.from(chunk.slice(0, 2), 'hex'), Buffer.from(chunk.slice(2))]);
  });
  return Buffer.concat(chunks);
}

function decodeBytes(name: string, charset: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder(charset, { fatal: true }).decode(bytes);
  } catch {
    throw new HeaderError(`its ${name} is not ${JSON.stringify(charset)}, or that charset is not known`);
  }
}

/** What follows the last slash or backslash; nothing where that names no file. */
function lastSegment(path: string): string {
  const name = /[^/\\]*$/.exec(path)![0];
  return name === '.' || name === '..' ? '' : name;
}

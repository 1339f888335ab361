/** Characters of a line, as far as an array or object is put on one. */
const lineLength = 110;
const level = '  ';

/**
 * JSON for people: arrays and objects that fit on a line are on one, the others have a member a line. The
 * same value as `JSON.stringify` gives, with other white space.
 */
export const layOut = (value: unknown): string => `${laidOut(value, '', '')}\n`;

/** @param before what its line has before it beside the indent */
function laidOut(value: unknown, indent: string, before: string): string {
  const short = onOneLine(value);
  if (typeof value !== 'object' || value === null) return short;
  if (indent.length + before.length + short.length < lineLength) return short;
  const inner = indent + level;
  const line = (name: string, member: unknown) => `${inner}${name}${laidOut(member, inner, name)}`;
  if (Array.isArray(value))
    return lines(
      '[',
      value.map((member) => line('', member)),
      `${indent}]`,
    );
  const members = membersOf(value).map(([name, member]) => line(`${JSON.stringify(name)}: `, member));
  return lines('{', members, `${indent}}`);
}

const lines = (open: string, members: readonly string[], close: string): string =>
  members.length === 0 ? `${open}${close.trimStart()}` : `${open}\n${members.join(',\n')}\n${close}`;

/** Members that JSON has: those of the value undefined are none. */
const membersOf = (value: object) => Object.entries(value).filter(([, member]) => member !== undefined);

function onOneLine(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(onOneLine).join(', ')}]`;
  const members = membersOf(value).map(([name, member]) => `${JSON.stringify(name)}: ${onOneLine(member)}`);
  return members.length === 0 ? '{}' : `{ ${members.join(', ')} }`;
}

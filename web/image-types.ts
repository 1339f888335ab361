/** Types of the images that the service decodes, by the endings of files' names. */
const types: ReadonlyMap<string, string> = new Map([
  ['jpg', 'image/jpeg'],
  ['jpeg', 'image/jpeg'],
  ['png', 'image/png'],
  ['webp', 'image/webp'],
  ['avif', 'image/avif'],
  ['gif', 'image/gif'],
  ['tif', 'image/tiff'],
  ['tiff', 'image/tiff'],
]);

/** What the service decodes. */
export const accepted: readonly string[] = [...new Set(types.values())];

/** The type of an image by its name, for systems and archives that do not know it; undefined of what is not decoded. */
export const typeByName = (name: string): string | undefined =>
  types.get(/\.([^.]*)$/.exec(name)?.[1]!.toLowerCase() ?? '');

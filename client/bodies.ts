/** Image files by label, or a zip archive with a folder a class. */
export type Images = Readonly<Record<string, readonly Blob[]>> | Blob;

/** Points [x, y]. */
export type Points = readonly (readonly [x: number, y: number])[];

/** Images, or points [x, y]. */
export type Support = Images | Points;

export const arePoints = (set: Support): set is Points => Array.isArray(set);

/** Points as JSON has them. */
export const pairsOf = (points: Points) => points.map(([x, y]) => [x, y]);

/** A body that openapi.yaml describes by its parts: they are appended one by one, so that a label can occur often. */
export function form(parts: readonly (readonly [name: string, file: Blob])[]) {
  const body = new FormData();
  for (const [name, file] of parts) body.append(name, file, file instanceof File ? file.name : 'image');
  return { body: {} as never, bodySerializer: () => body };
}

/** A form of labelled images, or of the one archive. */
export function formOf(images: Images) {
  if (images instanceof Blob) return form([['support', images]]);
  const classes = Object.entries(images);
  return form(classes.flatMap(([label, files]) => files.map((file) => [label, file] as const)));
}

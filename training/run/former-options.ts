/**
 * Options that are gone, as JSON has them where nobody asked for them. A run that was begun with them is the same run: it goes
 * on where it stopped.
 */
const formerOptions = ['"multiStepIterations":0,'];

/** The JSON of a configuration without them. */
export const withoutFormerOptions = (json: string): string =>
  formerOptions.reduce((left, option) => left.replaceAll(option, ''), json);

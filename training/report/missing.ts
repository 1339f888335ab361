/** What of a study is not there yet: a row, in words, and the command that makes it. */
export interface MissingRow {
  readonly row: string;
  readonly command: string;
}

/** The section that lists them; empty where nothing is missing. */
export const missingSection = (missing: readonly MissingRow[]): string =>
  missing.length === 0
    ? ''
    : `## Missing\n\nNot trained yet, so that nothing below compares with it:\n\n${missing.map(({ row, command }) => `- ${row}: \`${command}\``).join('\n')}\n`;

import { parsePage } from './blocks.ts';

const mostCharacters = 100;
const mostWords = 25;

export interface Fault {
  /** of the page, from 1 */
  readonly line: number;
  readonly what: string;
}

/** A full stop after these ends no sentence. */
const abbreviation = /(?:^|[\s(])(?:e\.g|i\.e|Eq|Eqs|Alg|Fig|vs|al|No|cf)\.$/;

/**
 * The lines and sentences of a page that are too long. A line may go on where it has no blank to be broken at,
 * as with a long link.
 */
export function faultsOf(markdown: string): readonly Fault[] {
  const { lines, blocks } = parsePage(markdown);
  const long = lines.flatMap(({ line, text }) =>
    /\s/.test(text.slice(mostCharacters)) ? [{ line, what: `${text.length} characters` }] : [],
  );
  const wordy = blocks.flatMap(({ line, text }) =>
    sentencesOf(text).flatMap((sentence) => {
      const words = wordsOf(sentence);
      return words > mostWords ? [{ line, what: `${words} words: ${opening(sentence)} …` }] : [];
    }),
  );
  return [...long, ...wordy].sort((a, b) => a.line - b.line);
}

/** The sentences of a text: they end with a full stop, a question or an exclamation mark before a blank. */
export function sentencesOf(text: string): string[] {
  const sentences: string[] = [];
  let rest = text;
  for (const part of text.split(/(?<=[.!?][)"”»]?)\s+(?=[^\s\p{Ll}])/u)) {
    const soFar = rest.slice(0, rest.indexOf(part) + part.length);
    if (abbreviation.test(soFar)) continue;
    sentences.push(soFar.trim());
    rest = rest.slice(soFar.length);
  }
  if (rest.trim() !== '') sentences.push(rest.trim());
  return sentences;
}

const wordsOf = (sentence: string): number =>
  sentence.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word)).length;

const opening = (sentence: string): string => sentence.split(/\s+/).slice(0, 6).join(' ');

/** Most changes of single letters between a misspelt word and the one that was meant. */
const mostChanges = 2;

/** The word that was probably meant; undefined when none is near. */
export function closest(word: string, words: readonly string[]): string | undefined {
  const rated = words
    .map((candidate) => ({ candidate, changes: changesBetween(word.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.changes - b.changes);
  const [best] = rated;
  return best && best.changes <= Math.min(mostChanges, word.length - 1) ? best.candidate : undefined;
}

/** Letters to insert, remove or replace (Levenshtein). */
function changesBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++)
      next.push(Math.min(row[j]! + Number(a[i] !== b[j]), row[j + 1]! + 1, next[j]! + 1));
    row = next;
  }
  return row[b.length]!;
}

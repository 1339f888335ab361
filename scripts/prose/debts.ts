/** Faults that pages may have, by their paths. */
export type Debts = Readonly<Record<string, number>>;

/** What is wrong with pages of so many faults, one line each: too many, or a debt that is too high by now. */
export function complaintsOf(faults: Debts, debts: Debts): readonly string[] {
  const pages = [...new Set([...Object.keys(faults), ...Object.keys(debts)])].sort();
  return pages.flatMap((page) => {
    const [found, allowed] = [faults[page] ?? 0, debts[page] ?? 0];
    if (found > allowed) return [`${page}: ${found} faults, ${allowed} allowed`];
    if (found < allowed) return [`${page}: ${found} faults, its debt of ${allowed} can shrink (--shrink)`];
    return [];
  });
}

/** Debts as low as the faults let them be: none rises, none is new. */
export function shrunk(faults: Debts, debts: Debts): Debts {
  const left = Object.entries(debts).map(
    ([page, allowed]) => [page, Math.min(allowed, faults[page] ?? 0)] as const,
  );
  return Object.fromEntries(left.filter(([, count]) => count > 0));
}

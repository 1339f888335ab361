/** Rounds before the clock starts: one that compiles and one that gets the memory from the system. */
const warmUps = 2;

/** Milliseconds of so many runs of each, by name: in turn, so that a busy machine is busy for all. */
export async function timesInTurn<Name extends string>(
  runs: number,
  work: Readonly<Record<Name, () => Promise<unknown>>>,
): Promise<Record<Name, number[]>> {
  const names = Object.keys(work) as Name[];
  const times = Object.fromEntries(names.map((name): [Name, number[]] => [name, []])) as Record<
    Name,
    number[]
  >;
  for (let run = -warmUps; run < runs; run++) {
    for (const name of names) {
      const start = performance.now();
      await work[name]();
      if (run >= 0) times[name].push(performance.now() - start);
    }
  }
  return times;
}

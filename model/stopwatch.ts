/** Measures stages one after another: `lap` ends one, `laps` has the milliseconds of each by name. */
export function stopwatch(): { laps: Record<string, number>; lap(name: string): void } {
  let last = performance.now();
  const laps: Record<string, number> = {};
  return {
    laps,
    lap: (name) => {
      const now = performance.now();
      laps[name] = now - last;
      last = now;
    },
  };
}

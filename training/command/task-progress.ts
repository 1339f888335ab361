/** Tells how many tasks are done, every so many of them, on one line of stderr. */
export const taskProgress =
  (tasks: string, every: number) =>
  (done: number, total: number): void => {
    if (done % every === 0) process.stderr.write(`\r${done} of ${total} ${tasks}`);
  };

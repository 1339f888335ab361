import { z } from 'zod';

/** Runs a command; mistakes of a configuration and of its files end it with what their messages say, without a stack. */
export async function runCommand(main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (error) {
    if (error instanceof z.ZodError) console.error(z.prettifyError(error));
    else console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}

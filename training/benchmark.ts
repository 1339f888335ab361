import { Command } from 'commander';
import { runCommand } from './command/run-command.ts';
import { addImageCommands } from './studies/images/commands.ts';
import { addToyCommands } from './studies/toy/commands.ts';

const program = new Command('benchmark').description("The paper's experiments, row by row.");
addToyCommands(program);
addImageCommands(program);
await runCommand(() => program.parseAsync());

import { pino } from 'pino';
import { openDiskStorage } from '../../../server/storage.ts';
import { storedTask } from './stored-task.ts';

// Writes tasks until it is killed, telling its parent each one that is safe; every third is removed while others come.
const [folder, start] = process.argv.slice(2);
const storage = await openDiskStorage(folder!, pino({ level: 'silent' }));
for (let number = Number(start); ; number++) {
  await Promise.all([
    storage.write(storedTask(number)),
    storage.write(storedTask(-number - 1)).then(() => storage.remove(storedTask(-number - 1).record.id)),
  ]);
  process.send!(number);
}

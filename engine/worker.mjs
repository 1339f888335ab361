import { once } from 'node:events';
import { workerData } from 'node:worker_threads';

process.setSourceMapsEnabled(true); // stacks name the sources
const [bundle] = await once(workerData.bundle, 'message');
workerData.bundle.close();
const { serve, jobs } = await import(bundle);
serve(jobs);

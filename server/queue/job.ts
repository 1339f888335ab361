import type { Job, Queue } from 'bullmq';
import type { Kind } from '../ports.ts';
import type { Link } from './link.ts';
import type {
  EstimateOrder,
  ImagesEvaluationOrder,
  PointsEvaluationOrder,
  TaskOrder,
} from '../tasks/orders.ts';
import type { TaskOutline } from '../tasks/progress.ts';
import type { TraceHeaders } from '../tracing/traces.ts';

/** An order as workers elsewhere get it: they read a task that is to be evaluated themselves. */
export type CarriedOrder =
  TaskOrder | EstimateOrder | Carried<ImagesEvaluationOrder> | Carried<PointsEvaluationOrder>;

/** An evaluation with its task's id. */
type Carried<Order extends EvaluationOrder> = Omit<Order, 'task'> & { readonly task: string };

export type EvaluationOrder = ImagesEvaluationOrder | PointsEvaluationOrder;

/** What a job says of itself; its order stands beside it. */
export interface JobData extends Omit<TaskOutline, 'kind'> {
  readonly kind: CarriedOrder['kind'];
  /** told apart from an earlier or later job of the same id */
  readonly run: string;
  readonly client: string;
  /** multiply-adds, as estimated */
  readonly cost: number;
  /** who can fulfil it, `makerOf` */
  readonly maker: string;
  /** whether tasks have owners where it was asked for */
  readonly owned: boolean;
  /** of the request that has asked for it first */
  readonly trace: TraceHeaders;
}

/** What a job leaves that ended well: how fast it was. */
export interface JobReturn {
  readonly cost: number;
  /** 0 where nothing was computed, or where its cost does not tell, `tellsSpeed` */
  readonly seconds: number;
}

/** What is told while a run goes on: all of its events so far, so that a lost one comes with the next. */
export interface JobProgress {
  readonly run: string;
  readonly events: readonly unknown[];
}

export type WorkJob = Job<JobData, JobReturn>;
export type WorkQueue = Queue<JobData, JobReturn>;

/** The id of a task's job: equal tasks are one job. */
export const taskJobId = (id: string): string => `task-${id}`;

/** Whether its cost tells how long a job takes: of points it does not, whose time is compiling and the way. */
export const tellsSpeed = (kind: JobData['kind']): boolean =>
  kind !== 'regression' && kind !== 'points-evaluation';

export const isTask = (kind: JobData['kind']): kind is Kind => kind === 'images' || kind === 'regression';

/** The job of an id, whoever has asked for it. @throws ServiceError `queue-unavailable` */
export const jobOf = (link: Link, queue: WorkQueue, jobId: string) => link.ask(() => queue.getJob(jobId));

/** What a job is about. */
export type JobOutline = Pick<JobData, 'id' | 'kind' | 'steps' | 'requestId'>;

export const outlineOf = ({ id, kind, steps, requestId }: JobOutline): JobOutline => ({
  id,
  kind,
  steps,
  requestId,
});

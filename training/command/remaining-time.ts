/** Iterations of whose pace the mean is taken. */
const windowLength = 50;

/** What is known of a run's course. */
interface Course {
  /** Iterations of the whole run. */
  readonly total: number;
  /** Iterations from one validation to the next. */
  readonly validateEvery: number;
}

/**
 * How long a run still takes: by the pace of the last iterations of its stage that compiled no graph, and by what the last
 * validation took. Before there is such an iteration nothing is known.
 */
export class RemainingTime {
  readonly #course: Course;
  #pace: number[] = [];
  #stage: string | undefined;
  #iteration: number;
  #validation = 0;

  /** @param first iterations that are done already */
  constructor(first: number, course: Course) {
    this.#iteration = first;
    this.#course = course;
  }

  /** Whether no iteration of the stage has told the pace yet. */
  get compiling(): boolean {
    return this.#pace.length === 0;
  }

  /** Mean seconds of an iteration; NaN before one is known. */
  get pace(): number {
    return this.#pace.reduce((total, own) => total + own, 0) / this.#pace.length;
  }

  iteration(iteration: number, stage: string, seconds: number, compiled: boolean): void {
    if (stage !== this.#stage) this.#pace = [];
    this.#stage = stage;
    this.#iteration = iteration;
    if (!compiled) this.#pace = [...this.#pace.slice(1 - windowLength), seconds];
  }

  validation(seconds: number): void {
    this.#validation = seconds;
  }

  /** Seconds; undefined while it is not known. */
  get seconds(): number | undefined {
    if (this.compiling) return undefined;
    const { total, validateEvery } = this.#course;
    const validations = Math.floor(total / validateEvery) - Math.floor(this.#iteration / validateEvery);
    return (total - this.#iteration) * this.pace + validations * this.#validation;
  }
}

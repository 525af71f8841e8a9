import { Context } from "effect"

/** Parameters of a benchmark run. */
export class Plan extends Context.Service<
  Plan,
  {
    /** Number of interleaved rounds. */
    readonly rounds: number
    /** Duration of one measurement. */
    readonly seconds: number
    /** Concurrent connections of the load. */
    readonly connections: number
    /** Subscribers of the streams. */
    readonly clients: number
    /** Pairs that are requested, such as `USD:NGN`. */
    readonly pairs: ReadonlyArray<string>
    /** Rows of the large rate table. */
    readonly rows: number
  }
>()("effex/bench/Plan") {}

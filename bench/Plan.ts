import { Context } from "effect"

/** What to measure, and for how long. */
export class Plan extends Context.Service<
  Plan,
  {
    /** How often everything is measured, in turns. */
    readonly rounds: number
    /** How long one measurement takes. */
    readonly seconds: number
    /** Connections of the load. */
    readonly connections: number
    /** Clients that are told of every change. */
    readonly clients: number
    /** The pairs that are asked for, such as `USD:NGN`. */
    readonly pairs: ReadonlyArray<string>
    /** Rows of the large table of rates. */
    readonly rows: number
  }
>()("effex/bench/Plan") {}

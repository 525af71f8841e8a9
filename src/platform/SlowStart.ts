import { Effect, Fiber } from "effect"

/** Time after which a step of the start is reported. */
const REPORT_AFTER = "2 seconds"

/** Logs what the start waits for, if the step takes longer than two seconds. */
export const report =
  (message: string) =>
  <A, E, R>(step: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.flatMap(Effect.forkChild(Effect.delay(Effect.logInfo(message), REPORT_AFTER)), (fiber) =>
      Effect.ensuring(step, Fiber.interrupt(fiber))
    )

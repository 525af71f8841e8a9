import { Context, Effect, type Fiber, Option, Tracer } from "effect"

/** What a request is called, in its answer, in the log and in traces. */
export interface RequestId {
  /** 32 hexadecimal digits; those of the caller, where it sent a trace. */
  readonly traceId: string
  /** What the caller calls it, where it said so. */
  readonly given: string | undefined
}

/** The request that is being answered; none for what the process does by itself. */
export class CurrentRequest extends Context.Reference<RequestId | undefined>(
  "effex/platform/RequestId/CurrentRequest",
  { defaultValue: () => undefined }
) {}

/** What names whatever a fiber does: the request, or else the trace that it is a part of. */
export const traceIdOf = (fiber: Fiber.Fiber<unknown, unknown>): string | undefined =>
  Context.get(fiber.context, CurrentRequest)?.traceId ?? spanOf(fiber.context)?.traceId

/** The span that is open. */
export const spanOf = (context: Context.Context<never>): Tracer.AnySpan | undefined =>
  Option.getOrUndefined(Context.getOption(context, Tracer.ParentSpan))

/** As {@link traceIdOf}, of this fiber. */
export const currentTraceId: Effect.Effect<string | undefined> = Effect.withFiber((fiber) =>
  Effect.succeed(traceIdOf(fiber))
)

import { Effect, Predicate, Stdio, Stream } from "effect"

/** Writes text to standard output, with back-pressure. Ends without an error when the reader closes the pipe. */
export const write = Effect.fnUntraced(function* <E>(text: Stream.Stream<string, E>) {
  const stdio = yield* Stdio.Stdio
  yield* Stream.run(text, stdio.stdout()).pipe(Effect.catchIf(isBrokenPipe, () => Effect.void))
})

/** The reader closed the pipe, as in `effex history … | head`, which is not an error. */
const isBrokenPipe = (error: unknown) =>
  Predicate.hasProperty(error, "reason") &&
  Predicate.hasProperty(error.reason, "cause") &&
  Predicate.hasProperty(error.reason.cause, "code") &&
  error.reason.cause.code === "EPIPE"

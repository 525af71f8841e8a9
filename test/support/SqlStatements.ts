import { Effect, Tracer } from "effect"

/** Returns the texts of the statements of an effect, and `sql.transaction` for each of its transactions. */
export const of = Effect.fnUntraced(function* <A, E, R>(effect: Effect.Effect<A, E, R>) {
  const spans: Array<Tracer.NativeSpan> = []
  const tracer = Tracer.make({
    span: (options) => {
      const span = new Tracer.NativeSpan(options)
      if (options.kind === "client" || options.name === "sql.transaction") spans.push(span)
      return span
    }
  })
  yield* Effect.provideService(effect, Tracer.Tracer, tracer)
  return spans.map(({ attributes, name }) => String(attributes.get("db.query.text") ?? name))
})

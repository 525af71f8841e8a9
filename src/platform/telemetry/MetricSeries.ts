import { Clock, type Context, Duration, Effect, type Exit, Metric, type Scope } from "effect"

/** Values of labels that the settings decide, by the names of the labels. */
export type GivenLabels = Readonly<Record<string, ReadonlyArray<string>>>

/** A metric with labels: one series for each combination of their values. */
export interface Labelled<M, L extends string> {
  readonly id: string
  readonly description: string
  /** The series of these values, the same object each time. */
  readonly of: (values: Readonly<Record<L, string>>) => M
  /** Every series that is known beforehand. */
  readonly known: (given: GivenLabels) => ReadonlyArray<M>
}

/**
 * The labels of a metric, and those of their values that are known beforehand: none for a label whose values
 * {@link startAtZero} is given.
 */
type Labels<L extends string> = Readonly<Record<L, ReadonlyArray<string>>>

const labelled = <M, L extends string>(
  id: string,
  description: string,
  labels: Labels<L>,
  make: (attributes: Record<string, string>) => M
): Labelled<M, L> => {
  const names = Object.keys(labels).filter((name): name is L => name in labels)
  const series = new Map<string, M>()

  const find = (values: Readonly<Record<string, string>>) => {
    let key = ""
    for (const name of names) key += `${values[name]}\n`
    let found = series.get(key)
    if (found === undefined) {
      found = make({ ...values })
      series.set(key, found)
    }
    return found
  }

  const known = (given: GivenLabels) => {
    let combinations: ReadonlyArray<Readonly<Record<string, string>>> = [{}]
    for (const name of names) {
      const values = [...labels[name], ...(given[name] ?? [])]
      combinations = combinations.flatMap((rest) => values.map((value) => ({ ...rest, [name]: value })))
    }
    return combinations.map(find)
  }

  return { id, description, of: find, known }
}

/** Counts up only. */
export const counter = (id: string, description: string) =>
  Metric.counter(id, { description, incremental: true })

/** A counter with labels. */
export const counterBy = <L extends string>(id: string, description: string, labels: Labels<L>) =>
  labelled(id, description, labels, (attributes) =>
    Metric.counter(id, { description, attributes, incremental: true })
  )

/** What goes up and down. */
export const gauge = (id: string, description: string) => Metric.gauge(id, { description })

/** A gauge with labels. */
export const gaugeBy = <L extends string>(id: string, description: string, labels: Labels<L>) =>
  labelled(id, description, labels, (attributes) => Metric.gauge(id, { description, attributes }))

/** How often a value was at most as large as each of the boundaries. */
export const histogram = (id: string, description: string, boundaries: ReadonlyArray<number>) =>
  Metric.histogram(id, { description, boundaries })

/** A histogram with labels. */
export const histogramBy = <L extends string>(
  id: string,
  description: string,
  boundaries: ReadonlyArray<number>,
  labels: Labels<L>
) =>
  labelled(id, description, labels, (attributes) =>
    Metric.histogram(id, { description, attributes, boundaries })
  )

type AnyMetric = Metric.Metric<never, unknown>

/**
 * Makes every series that is known beforehand, at 0, so that its first event is an increase, and no query finds nothing.
 */
export const startAtZero = (
  metrics: ReadonlyArray<AnyMetric | Pick<Labelled<AnyMetric, never>, "known">>,
  given: GivenLabels
): Effect.Effect<void> =>
  Effect.contextWith((context) => {
    for (const metric of metrics) {
      const series = "known" in metric ? metric.known(given) : [metric]
      for (const one of series) one.valueUnsafe(context)
    }
    return Effect.void
  })

/** Tells a histogram how many seconds an effect took, whatever came of it. */
export const timed = (seconds: Metric.Histogram<number>) => timedBy<unknown>(() => seconds)

/** As {@link timed}, by what came of the effect. */
export const timedBy =
  <B>(seconds: (exit: Exit.Exit<B, unknown>) => Metric.Histogram<number>) =>
  <A extends B, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.flatMap(Clock.currentTimeNanos, (begun) =>
      Effect.onExit(effect, (exit) =>
        Effect.flatMap(Clock.currentTimeNanos, (now) =>
          Metric.update(seconds(exit), Duration.toSeconds(Duration.nanos(now - begun)))
        )
      )
    )

/** Counts up while an effect is under way, and down again afterwards. */
export const underWay =
  (gauge: Metric.Gauge<number>) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.acquireUseRelease(
      Metric.modify(gauge, 1),
      () => effect,
      () => Metric.modify(gauge, -1)
    )

/** Reads a gauge whenever the metrics are told, for as long as the scope is open. */
export const observe = (gauge: Metric.Gauge<number>, read: () => number) =>
  registered((context) =>
    Metric.registerUnsafe(gauge, context, { ...readOnly, get: () => ({ value: read() }) })
  )

/** Reads a counter whenever the metrics are told, for as long as the scope is open. */
export const observeCounter = (counter: Metric.Counter<number>, read: () => number) =>
  registered((context) =>
    Metric.registerUnsafe(counter, context, {
      ...readOnly,
      get: () => ({ count: read(), incremental: true })
    })
  )

const readOnly = { update: () => undefined, modify: () => undefined }

const registered = (
  register: (context: Context.Context<never>) => Metric.Registration
): Effect.Effect<void, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.contextWith((context) => Effect.sync(() => register(context))),
    (registration) => Effect.sync(() => registration.remove())
  )

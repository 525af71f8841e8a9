import { Clock, type Context, Duration, Effect, type Exit, Metric, type Scope } from "effect"

/** Label values that depend on the settings, by label name. */
export type LabelValues = Readonly<Record<string, ReadonlyArray<string>>>

/** A metric with labels. It has one series for each combination of label values. */
export interface LabeledMetric<M, L extends string> {
  readonly id: string
  readonly description: string
  /** Returns the series of these label values, cached by value. */
  readonly of: (values: Readonly<Record<L, string>>) => M
  /** Returns every series whose label values are known in advance. */
  readonly predefined: (values: LabelValues) => ReadonlyArray<M>
}

/** Labels of a metric with their fixed values: none for a label whose values are given to {@link startAtZero}. */
type Labels<L extends string> = Readonly<Record<L, ReadonlyArray<string>>>

const makeLabeled = <M, L extends string>(
  id: string,
  description: string,
  labels: Labels<L>,
  make: (attributes: Record<string, string>) => M
): LabeledMetric<M, L> => {
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

  const predefined = (given: LabelValues) => {
    let combinations: ReadonlyArray<Readonly<Record<string, string>>> = [{}]
    for (const name of names) {
      const values = [...labels[name], ...(given[name] ?? [])]
      combinations = combinations.flatMap((labels) => values.map((value) => ({ ...labels, [name]: value })))
    }
    return combinations.map(find)
  }

  return { id, description, of: find, predefined }
}

/** A counter without labels. */
export const counter = (id: string, description: string) =>
  Metric.counter(id, { description, incremental: true })

/** A counter with labels. */
export const counterBy = <L extends string>(id: string, description: string, labels: Labels<L>) =>
  makeLabeled(id, description, labels, (attributes) =>
    Metric.counter(id, { description, attributes, incremental: true })
  )

/** A gauge without labels. */
export const gauge = (id: string, description: string) => Metric.gauge(id, { description })

/** A gauge with labels. */
export const gaugeBy = <L extends string>(id: string, description: string, labels: Labels<L>) =>
  makeLabeled(id, description, labels, (attributes) => Metric.gauge(id, { description, attributes }))

/** A histogram with the given upper bounds of its buckets. */
export const histogram = (id: string, description: string, boundaries: ReadonlyArray<number>) =>
  Metric.histogram(id, { description, boundaries })

/** A histogram with labels. */
export const histogramBy = <L extends string>(
  id: string,
  description: string,
  boundaries: ReadonlyArray<number>,
  labels: Labels<L>
) =>
  makeLabeled(id, description, labels, (attributes) =>
    Metric.histogram(id, { description, attributes, boundaries })
  )

type AnyMetric = Metric.Metric<never, unknown>

/** Creates every predefined series with value 0, so that `increase()` sees the first event and no query is empty. */
export const startAtZero = (
  metrics: ReadonlyArray<AnyMetric | Pick<LabeledMetric<AnyMetric, never>, "predefined">>,
  values: LabelValues
): Effect.Effect<void> =>
  Effect.contextWith((context) => {
    for (const metric of metrics) {
      const allSeries = "predefined" in metric ? metric.predefined(values) : [metric]
      for (const series of allSeries) series.valueUnsafe(context)
    }
    return Effect.void
  })

/** Records the duration of an effect, successful or not, in seconds. */
export const timed = (seconds: Metric.Histogram<number>) => timedByExit<unknown>(() => seconds)

/** Like {@link timed}, with a histogram chosen by the outcome. */
export const timedByExit =
  <B>(seconds: (exit: Exit.Exit<B, unknown>) => Metric.Histogram<number>) =>
  <A extends B, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.flatMap(Clock.monotonicTimeNanos, (startedAt) =>
      Effect.onExit(effect, (exit) =>
        Effect.flatMap(Clock.monotonicTimeNanos, (now) =>
          Metric.update(seconds(exit), Duration.toSeconds(Duration.nanos(now - startedAt)))
        )
      )
    )

/** Counts the runs of an effect that are in flight. */
export const trackInFlight =
  (gauge: Metric.Gauge<number>) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.acquireUseRelease(
      Metric.modify(gauge, 1),
      () => effect,
      () => Metric.modify(gauge, -1)
    )

/** Reads a gauge from a function on each scrape, until the scope is closed. */
export const observe = (gauge: Metric.Gauge<number>, read: () => number) =>
  registerScoped((context) =>
    Metric.registerUnsafe(gauge, context, { ...readOnly, get: () => ({ value: read() }) })
  )

/** Reads a counter from a function on each scrape, until the scope is closed. */
export const observeCounter = (counter: Metric.Counter<number>, read: () => number) =>
  registerScoped((context) =>
    Metric.registerUnsafe(counter, context, {
      ...readOnly,
      get: () => ({ count: read(), incremental: true })
    })
  )

const readOnly = { update: () => undefined, modify: () => undefined }

const registerScoped = (
  register: (context: Context.Context<never>) => Metric.Registration
): Effect.Effect<void, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.contextWith((context) => Effect.sync(() => register(context))),
    (registration) => Effect.sync(() => registration.remove())
  )

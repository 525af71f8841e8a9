import { Duration, Effect, Layer, Metric, Option, Schedule } from "effect"
import { Settings } from "../../config/Settings.ts"
import * as AuditMetrics from "../../platform/metrics/AuditMetrics.ts"
import type { HeadDestination } from "./HeadDestination.ts"
import * as HeadLogFile from "./HeadLogFile.ts"
import * as HeadWebhook from "./HeadWebhook.ts"
import { AuditSealer } from "../AuditSealer.ts"
import { SealRepo } from "../SealRepo.ts"

/** Heads of one request, about 45 KB. */
const MAX_BATCH_SIZE = 100
const POLL_INTERVAL = Duration.seconds(1)
const MAX_RETRY_DELAY = Duration.minutes(1)

const retryDelays = Schedule.exponential("1 second").pipe(
  Schedule.modifyDelay(({ duration }) => Effect.succeed(Duration.min(duration, MAX_RETRY_DELAY)))
)

/** Publishes new heads to one place. `publish` publishes one batch and returns the number of its heads. */
export const make = Effect.fnUntraced(function* (destination: HeadDestination) {
  const repo = yield* SealRepo
  const { kind, setting } = destination
  let lostSize = -1

  const reportLost = Effect.fnUntraced(function* (treeSize: number) {
    if (lostSize === treeSize) return
    lostSize = treeSize
    yield* Effect.logError(
      `The audit no longer has the head of ${treeSize} records that ${setting} received: it was rewritten, or an older backup was restored. Run \`effex audit verify --head\` with the received heads`
    )
  })

  const nextHeads = Effect.gen(function* () {
    const last = yield* destination.last
    if (Option.isNone(last)) return yield* repo.headsAfter(0, MAX_BATCH_SIZE)
    const { rootHash, treeSize } = last.value
    const [same] = yield* repo.headsAfter(treeSize - 1, 1)
    const isKept =
      same?.treeSize === treeSize && Option.getOrElse(rootHash, () => same.rootHash).equals(same.rootHash)
    if (isKept) return yield* repo.headsAfter(treeSize, MAX_BATCH_SIZE)
    yield* reportLost(treeSize)
    // Continues with the newest head: the place then has both, which proves the contradiction.
    return Option.toArray(yield* repo.latestHead)
  })

  const publishBatch = Effect.gen(function* () {
    const heads = yield* nextHeads
    if (heads.length === 0) return 0
    yield* destination.publish(heads)
    yield* Metric.update(AuditMetrics.headsPublished.of({ destination: kind }), heads.length)
    return heads.length
  })

  const publish = Effect.gen(function* () {
    // Takes the lock only if there is something to publish.
    const pending = yield* nextHeads
    return pending.length === 0 ? 0 : yield* destination.exclusively(publishBatch)
  }).pipe(
    Effect.tapError(() => Metric.update(AuditMetrics.headPublishFailures.of({ destination: kind }), 1)),
    Effect.withSpan("HeadPublisher.publish", { attributes: { destination: kind } })
  )
  return { publish }
})

/** Publishes until the scope is closed. Retries after 1 second, and later after at most a minute. */
const run = Effect.fnUntraced(function* (destination: HeadDestination) {
  const { publish } = yield* make(destination)
  const publishAll = Effect.repeat(publish, { while: (count: number) => count === MAX_BATCH_SIZE })
  yield* publishAll.pipe(
    Effect.tapError(({ message }) =>
      Effect.logWarning(`Signed heads could not be published to ${destination.setting}, retrying: ${message}`)
    ),
    Effect.retry(retryDelays),
    Effect.andThen(Effect.sleep(POLL_INTERVAL)),
    Effect.forever,
    Effect.catchDefect((defect) =>
      Effect.andThen(
        Effect.logError(`Publishing heads to ${destination.setting} crashed, restarting it`, defect),
        Effect.sleep(MAX_RETRY_DELAY)
      )
    ),
    Effect.forever,
    Effect.forkScoped
  )
})

/** Makes the sealer continue only an audit that has the last head of the file. */
const rememberLastHead = Effect.fnUntraced(
  function* (file: string) {
    const sealer = yield* AuditSealer
    const head = yield* HeadLogFile.lastHead(file)
    if (Option.isSome(head)) yield* sealer.expect(head.value)
  },
  Effect.catch(({ message }) =>
    Effect.logWarning(`The last head of AUDIT_HEADS_FILE could not be read: ${message}`)
  )
)

/**
 * Publishes signed heads to `AUDIT_HEADS_FILE` and `AUDIT_HEADS_URL` in the background. The file is also evidence: build
 * this layer before the one that seals.
 */
export const layerBackground = Layer.effectDiscard(
  Effect.gen(function* () {
    const { auditHeadsFile, auditHeadsUrl } = yield* Settings
    if (Option.isSome(auditHeadsFile)) {
      yield* rememberLastHead(auditHeadsFile.value)
      yield* run(yield* HeadLogFile.make(auditHeadsFile.value))
    }
    if (Option.isSome(auditHeadsUrl)) yield* run(yield* HeadWebhook.make(auditHeadsUrl.value))
  })
)

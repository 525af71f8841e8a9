import { DateTime, Duration, Effect } from "effect"
import { type FundingAnswer, type FundingRequest, FundingUnknown } from "../../domain/wallets/Funding.ts"

// The sandbox has no state: its answer depends only on the request and the time, so that every node gives the same one,
// also after a restart.

const PREFIX = "sandbox:"
const FAULTS =
  "sandbox:later <seconds>, sandbox:never, sandbox:fail, sandbox:lost, sandbox:down <seconds> or sandbox:twice"

/** Time until the first answer with the fault `twice`: the settler has asked and got the same answer by then. */
const TWICE_DELAY = Duration.seconds(4)

/** Returns the fault that a note such as `sandbox:later 5` requests, or undefined. */
const faultOf = (note: string | null) => {
  if (note === null || !note.startsWith(PREFIX)) return undefined
  const [, name = "", seconds] = /^([a-z]+)(?: (\d{1,6}))?$/.exec(note.slice(PREFIX.length).trim()) ?? []
  return { name, seconds: seconds === undefined ? 5 : Number(seconds) }
}

const unknown = new FundingUnknown({ cause: "a fault of the sandbox" })

const answer = Effect.fnUntraced(function* ({ id, note, requestedAt }: FundingRequest) {
  const completed: FundingAnswer = { state: "completed", reference: `${PREFIX}${id}` }
  const fault = faultOf(note)
  if (fault === undefined) return completed
  const isOver = DateTime.isLessThanOrEqualTo(
    DateTime.add(requestedAt, { seconds: fault.seconds }),
    yield* DateTime.now
  )
  const pending: FundingAnswer = { state: "pending" }
  switch (fault.name) {
    case "later":
      return isOver ? completed : pending
    case "never":
      return pending
    case "fail":
      return { state: "failed", reason: "The sandbox was asked to fail" } satisfies FundingAnswer
    case "down":
      return isOver ? completed : yield* unknown
    case "lost":
    case "twice":
      return completed
    default:
      return {
        state: "failed",
        reason: `The sandbox does not know this note; use ${FAULTS}`
      } satisfies FundingAnswer
  }
})

/** Accepts every request. `lost` loses the answer after accepting; `twice` delays it until the settler has asked. */
export const submit = Effect.fn("SandboxFunding.submit")(function* (request: FundingRequest) {
  const fault = faultOf(request.note)?.name
  if (fault === "lost") return yield* unknown
  if (fault === "twice") yield* Effect.sleep(TWICE_DELAY)
  return yield* answer(request)
})

export const find = Effect.fn("SandboxFunding.find")((request: FundingRequest) =>
  Effect.asSome(answer(request))
)

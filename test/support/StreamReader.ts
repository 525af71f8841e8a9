import { Effect } from "effect"
import { open } from "./SocketClient.ts"

interface ReceivedRate {
  readonly rate_id: string
  readonly fetched_at: string
}

interface Message extends ReceivedRate {
  readonly type: string
  readonly stale: boolean
  readonly epoch: string
  readonly sequence: number
  readonly from: string
  readonly to: string
  readonly rates: ReadonlyArray<Message>
}

/** Follows the rate stream of a node, and records violations of the order of events. */
export const follow = Effect.fnUntraced(function* (url: string) {
  const { webSocket } = yield* open(`${url}/ws/rates/`)
  const rates = new Map<string, ReceivedRate>()
  const violations: Array<string> = []
  const position = { epoch: "", sequence: 0 }
  let epochs = 0

  const apply = ({ fetched_at, from, rate_id, to }: Message) => {
    const previous = rates.get(`${from}:${to}`)
    if (previous !== undefined && previous.fetched_at > fetched_at)
      violations.push(`${from}:${to} of ${fetched_at} after that of ${previous.fetched_at}`)
    rates.set(`${from}:${to}`, { rate_id, fetched_at })
  }
  webSocket.on("message", (data: Buffer) => {
    const message: Message = JSON.parse(data.toString())
    const { epoch, sequence } = message
    if (message.type === "all_rates") {
      if (epoch !== position.epoch) epochs++
      message.rates.forEach(apply)
      Object.assign(position, { epoch, sequence })
    }
    if (message.type !== "rate_update") return
    // A rate that turns stale is repeated at the position of the last change.
    if (message.stale && epoch === position.epoch && sequence === position.sequence) return
    if (epoch !== position.epoch || sequence !== position.sequence + 1)
      violations.push(`${epoch}-${sequence} after ${position.epoch}-${position.sequence}`)
    apply(message)
    Object.assign(position, { epoch, sequence })
  })
  return {
    position,
    violations,
    /** Returns the number of epochs so far. */
    epochs: () => epochs,
    /** Returns the id of the last received rate of each pair. */
    rateIds: () => new Map(Array.from(rates, ([pair, { rate_id }]) => [pair, rate_id]))
  }
})

export type StreamReader = Effect.Success<ReturnType<typeof follow>>

import { Effect } from "effect"
import { open } from "./SocketClient.ts"

interface Told {
  readonly rate_id: string
  readonly fetched_at: string
}

interface Message extends Told {
  readonly type: string
  readonly epoch: string
  readonly sequence: number
  readonly from: string
  readonly to: string
  readonly rates: ReadonlyArray<Message>
}

/** A reader of a node's changes, who believes what it is told and notes what is told out of order. */
export const follow = Effect.fnUntraced(function* (url: string) {
  const { webSocket } = yield* open(`${url}/ws/rates/`)
  const view = new Map<string, Told>()
  const violations: Array<string> = []
  const position = { epoch: "", sequence: 0 }
  let epochs = 0

  const believe = ({ fetched_at, from, rate_id, to }: Message) => {
    const known = view.get(`${from}:${to}`)
    if (known !== undefined && known.fetched_at > fetched_at)
      violations.push(`${from}:${to} of ${fetched_at} after that of ${known.fetched_at}`)
    view.set(`${from}:${to}`, { rate_id, fetched_at })
  }
  webSocket.on("message", (data: Buffer) => {
    const message: Message = JSON.parse(data.toString())
    const { epoch, sequence } = message
    if (message.type === "all_rates") {
      if (epoch !== position.epoch) epochs++
      message.rates.forEach(believe)
      Object.assign(position, { epoch, sequence })
    }
    if (message.type !== "rate_update") return
    if (epoch !== position.epoch || sequence !== position.sequence + 1)
      violations.push(`${epoch}-${sequence} after ${position.epoch}-${position.sequence}`)
    believe(message)
    Object.assign(position, { epoch, sequence })
  })
  return {
    position,
    violations,
    /** In how many epochs it has been. */
    epochs: () => epochs,
    /** The newest rate of each pair that it was told, by its id. */
    view: () => new Map(Array.from(view, ([pair, { rate_id }]) => [pair, rate_id]))
  }
})

export type StreamReader = Effect.Success<ReturnType<typeof follow>>

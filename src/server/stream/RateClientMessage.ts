import { Schema } from "effect"
import * as WebSocketMessages from "./WebSocketMessages.ts"

const Pairs = Schema.Array(Schema.String).check(Schema.isMinLength(1))

/** Schemas of client messages by their `type`. */
const schemas = {
  get_all_rates: Schema.Struct({ type: Schema.Literal("get_all_rates") }),
  get_rate: Schema.Struct({
    type: Schema.Literal("get_rate"),
    source_currency: Schema.String,
    destination_currency: Schema.String
  }),
  subscribe: Schema.Struct({ type: Schema.Literal("subscribe"), pairs: Pairs }),
  unsubscribe: Schema.Struct({ type: Schema.Literal("unsubscribe"), pairs: Pairs }),
  ping: Schema.Struct({ type: Schema.Literal("ping") })
}

export type RateClientMessage = (typeof schemas)[keyof typeof schemas]["Type"]

/** Decodes a message of a client of the rate stream. */
export const decode = WebSocketMessages.decoderOf<RateClientMessage>(schemas)

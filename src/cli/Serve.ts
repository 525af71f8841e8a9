import { Layer } from "effect"
import { Command } from "effect/cli"

/** `effex serve`: runs a node until it receives a signal to stop. */
export const make = <A, E>(app: Layer.Layer<A, E>) =>
  Command.make("serve", {}, () => Layer.launch(app)).pipe(
    Command.withDescription("Keep the rates fresh and serve them over HTTP")
  )

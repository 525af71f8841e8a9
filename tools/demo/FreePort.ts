import { Effect, Schema } from "effect"
import { createServer } from "node:net"

class PortTaken extends Schema.TaggedError<PortTaken>()("PortTaken", { cause: Schema.Defect() }) {}

/**
 * Fails if a server cannot listen on a port. Without this, Amara and Kofi would spend the money of another effex that
 * listens there.
 */
export const require = (host: string, port: number): Effect.Effect<void, PortTaken> =>
  Effect.callback((resume) => {
    const server = createServer()
    server.once("error", (cause) => resume(Effect.fail(new PortTaken({ cause }))))
    server.listen(port, host, () => server.close(() => resume(Effect.void)))
  })

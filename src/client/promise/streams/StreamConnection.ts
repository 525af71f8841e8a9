import type { UserHeaders } from "../Requests.ts"

/** Subscription of a connection. */
export interface Subscription {
  /** Position after which the stream resumes. */
  readonly position: string | undefined
  /** Credentials of the connection. */
  readonly credentials: UserHeaders
}

export interface ConnectionHandlers {
  /** The server accepted the connection. */
  readonly onOpen: () => void
  /** The server sent something, such as a heartbeat. */
  readonly onContact: () => void
  /** `name` is the event of SSE, or the type of a WebSocket message. `id` is that of an SSE event. */
  readonly onMessage: (name: string, json: unknown, id?: string) => void
}

/** Opens a connection. Resolves when it ends, and rejects with an `EffexError` when it fails. */
export type Connect = (
  subscription: Subscription,
  handlers: ConnectionHandlers,
  signal: AbortSignal
) => Promise<void>

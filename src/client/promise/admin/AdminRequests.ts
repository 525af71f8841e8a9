import * as Json from "../Json.ts"
import * as Options from "../Options.ts"
import * as Pages from "../Pages.ts"
import { CALL_OPTIONS, type CallOptions, type RequestInput, send, type ServerAccess } from "../Requests.ts"

/** Options of a list. */
export interface ListOptions extends CallOptions {
  /** Rows per request, 1 to 1000. Default: 50. */
  readonly pageSize?: number | undefined
}

/** Reason of an action of an administrator. It is recorded. */
export interface Reason {
  readonly reason: string
}

/** Options of a change that must not overwrite another one. */
export interface ChangeOptions extends CallOptions {
  /** The version that was read. The call fails with the code `precondition-failed` if there is a newer one. */
  readonly ifVersion?: number | undefined
  /** Why. It is recorded in the log of administrators. */
  readonly reason?: string | undefined
}

/** Makes requests of an administrator. `name` is that of the call, for errors. */
export const make = (access: ServerAccess) => {
  /** Sends a request, and returns the response as the server sent it. */
  const sendRaw = (
    name: string,
    input: RequestInput,
    field: string,
    { ifVersion, reason, ...options }: ChangeOptions = {}
  ) => {
    Options.requireKnown(name, options, CALL_OPTIONS)
    const headers = ifVersion === undefined ? {} : { "if-match": `"${ifVersion}"` }
    const request = {
      headers,
      ...input,
      path: `/api/v1/admin${input.path}`,
      query: { ...input.query, reason },
      as: "user"
    } as const
    return send(access, request, field, options)
  }

  const sendDecoded = async <A>(name: string, input: RequestInput, field: string, options?: ChangeOptions) =>
    Json.decode<A>(await sendRaw(name, input, field, options))

  return {
    sendRaw,
    send: sendDecoded,

    get: <A>(name: string, path: string, field: string, options?: CallOptions) =>
      sendDecoded<A>(name, { path }, field, options),

    /** Returns a list whose filters are options. */
    list: <A>(name: string, path: string, options: ListOptions, filters: ReadonlyArray<string> = []) => {
      Options.requireKnown(name, options, [...filters, "pageSize", ...CALL_OPTIONS])
      const query: Record<string, string | undefined> = { page_size: Options.pageSize(options.pageSize) }
      for (const filter of filters) query[snakeCase(filter)] = textOf(filter, Reflect.get(options, filter))
      return Pages.read<A>(access, { path: `/api/v1/admin${path}`, query, as: "user" }, options)
    },

    /** Makes an action on one thing, with a body such as its reason. */
    action:
      <A, Body extends object>(
        name: string,
        pathOf: (id: string) => string,
        fields: ReadonlyArray<string>,
        field = "id"
      ) =>
      async (id: string, body: Body, options?: CallOptions) => {
        Options.requireKnown(name, body, fields)
        const path = pathOf(Options.pathId("id", id))
        const input = { path, body: Object.fromEntries(Object.entries(body)), isUnsafe: true }
        return sendDecoded<A>(name, input, field, options)
      }
  }
}

export type AdminRequests = ReturnType<typeof make>

const snakeCase = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

const textOf = (name: string, value: unknown) => {
  if (value === undefined || typeof value === "string") return value
  throw Options.invalid(name, "text", value)
}

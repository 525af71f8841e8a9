import { VERSION } from "../../../config/Version.ts"
import type { Redact } from "../Redaction.ts"
import { causesOf, type ErrorReport, publicText } from "./ErrorReport.ts"
import * as StackFrames from "./StackFrames.ts"

/** Fields that all reports of a process share. */
export interface Deployment {
  readonly environment: string
  readonly serverName: string | undefined
}

/** Name and version of the program, as Sentry groups releases. */
const RELEASE = `effex@${VERSION}`

/**
 * Serializes a report as a Sentry envelope with one event. It has errors, stacks and ids of traces, nothing of the request, its
 * user or the environment; `redact` removes secrets from what is left.
 *
 * @see https://develop.sentry.dev/sdk/data-model/envelopes/
 */
export const serialize = (
  report: ErrorReport,
  identity: { readonly eventId: string; readonly fingerprint: string; readonly repeated: number },
  deployment: Deployment,
  redact: Redact
): string => {
  const { content, level, time, traceId } = report
  // Secrets first: what else is removed or cut off may be a part of one.
  const cleaned = (text: string) => publicText(redact(text))
  const event = {
    event_id: identity.eventId,
    timestamp: time / 1000,
    platform: "node",
    level,
    release: RELEASE,
    environment: deployment.environment,
    ...(deployment.serverName === undefined ? {} : { server_name: deployment.serverName }),
    fingerprint: [identity.fingerprint],
    contexts: {
      runtime: { name: "node", version: process.versions.node },
      // Sentry requires a span, which a report has not.
      ...(traceId === undefined ? {} : { trace: { trace_id: traceId, span_id: traceId.slice(0, 16) } })
    },
    tags: traceId === undefined ? {} : { trace_id: traceId },
    ...(identity.repeated === 0 ? {} : { extra: { not_reported_since: identity.repeated } }),
    ...(content._tag === "Message"
      ? { logentry: { formatted: cleaned(content.text) } }
      : {
          exception: {
            values: causesOf(content.error)
              .map((error) => exceptionOf(error, cleaned))
              .toReversed()
          }
        })
  }
  const payload = redact(JSON.stringify(event))
  const item = { type: "event", content_type: "application/json", length: Buffer.byteLength(payload) }
  return `${JSON.stringify({ event_id: identity.eventId })}\n${JSON.stringify(item)}\n${payload}\n`
}

const exceptionOf = (error: Error, cleaned: (text: string) => string) => ({
  type: cleaned(error.name),
  value: cleaned(error.message),
  mechanism: { type: "generic", handled: true },
  stacktrace: { frames: StackFrames.parse(error.stack) }
})

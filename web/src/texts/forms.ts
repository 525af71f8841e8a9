/** What went wrong, for codes of problems that every form can meet. */
const problems: Readonly<Record<string, string>> = {
  unreachable: "The server could not be reached. Check your connection, then try again.",
  timeout: "The server did not answer in time. Try again.",
  "rate-limited": "Too many attempts.",
  overloaded: "The server is busy. Try again in a moment.",
  "store-unavailable": "The server cannot complete this now. Try again in a moment.",
  internal: "Something failed on the server. Try again; if it fails again, tell the operator the id below.",
  "unexpected-response":
    "The answer was not one of this server. A network in between may require you to sign in.",
  "account-locked": "An administrator locked this account. Ask the operator of this server.",
  "session-ended": "Your session has ended. Sign in again.",
  forbidden: "This account may not do that."
}

/** Texts of form controls and of failed requests. */
export const texts = {
  problems,
  show: "Show",
  hide: "Hide",
  optional: "optional",
  busy: "One moment…",
  cancel: "Cancel",
  back: "Back",
  close: "Close",
  noMoneyMoved: "No money moved.",
  moneyUnknown: "It is not known yet if money moved. Trying again is safe: it happens at most once.",
  retryAfter: (duration: string) => `Try again in ${duration}.`,
  traceId: (id: string) => `Trace id ${id}`,
  seconds: (count: number) => (count === 1 ? "1 second" : `${count} seconds`),
  minutes: (count: number) => (count === 1 ? "1 minute" : `${count} minutes`),
  pages: "Pages",
  more: "Show more",
  loading: "Loading…",
  retry: "Try again"
} as const

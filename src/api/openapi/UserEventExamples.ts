import type { Examples } from "./Example.ts"

/** Examples of the events of users, by operation id. */
export const UserEventExamples: Examples = {
  "userEvents.stream": {
    parameters: { since: "5f0c3a9be1d27846-7-1796005878204.31-12.32-4" }
  },
  "account.securityEvents": {
    parameters: { page_size: "2" },
    response: {
      data: [
        {
          number: 7,
          event: "password-changed",
          session: "01a22a37-9d02-7c11-8a3e-6f1d2b5c4e90",
          created_at: "2026-11-30T02:31:18.204Z"
        },
        {
          number: 6,
          event: "signed-in",
          session: "01a22a37-9d02-7c11-8a3e-6f1d2b5c4e90",
          created_at: "2026-11-30T02:09:52.031Z"
        }
      ],
      has_more: true,
      next: "Ng"
    }
  }
}

/** Texts of the admin log. */
export const texts = {
  lead: "What administrators did, and why. The log is immutable.",
  empty: "No administrator has acted yet.",
  openUser: "User",
  columns: {
    at: "Time",
    by: "By",
    action: "Action",
    subject: "On",
    details: "Details"
  }
} as const

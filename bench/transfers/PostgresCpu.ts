import { readdirSync, readFileSync } from "node:fs"

/** Linux reports CPU time in ticks of 1/100 s on every architecture that Node supports. */
const CLOCK_TICKS = 100

/** Fields of `/proc/<pid>/stat` after the name of the program; undefined if the process has ended. */
const fieldsOf = (pid: string) => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8")
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  } catch {
    return undefined
  }
}

/** Process id of a PostgreSQL server, from that of one of its backends. */
export const serverOf = (backend: number) => Number(fieldsOf(String(backend))?.[1])

/** CPU time of a PostgreSQL server and its backends so far, also of those that have ended, in seconds. */
export const secondsOf = (server: number): number => {
  let ticks = 0
  for (const pid of readdirSync("/proc")) {
    if (!/^\d+$/.test(pid)) continue
    const fields = fieldsOf(pid)
    if (fields === undefined) continue
    const [user = 0, system = 0, ended = 0, endedSystem = 0] = fields.slice(11, 15).map(Number)
    if (Number(pid) === server) ticks += user + system + ended + endedSystem
    else if (Number(fields[1]) === server) ticks += user + system
  }
  return ticks / CLOCK_TICKS
}

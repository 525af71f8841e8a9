/** Number of random histories that a simulation in memory plays. `npm run test:faults` plays more. */
export const SIMULATION_RUNS = Number(process.env["SIMULATION_RUNS"] ?? "200")

import { loadavg } from 'node:os'
import { z } from 'zod'
import { table } from './results.ts'

/** What a program printed of itself: `cpu` in seconds of user and system time with its children, `rss` at its peak in octets where that counts. */
const figures = z.object({ operations: z.number(), cpu: z.number(), rss: z.number().optional() })
export type Figures = z.infer<typeof figures>

/** undefined: not installed here. */
export type Contestant = () => Figures | undefined | Promise<Figures | undefined>

export function readFigures(printed: string | undefined): Figures | undefined {
  return printed === undefined ? undefined : figures.parse(JSON.parse(printed))
}

/** Runs all in turn, `rounds` times, so that a busy machine disturbs them alike; of each the round with the least CPU for an operation. */
export async function contest(
  rounds: number,
  contestants: Readonly<Record<string, Contestant>>,
): Promise<ReadonlyMap<string, Figures>> {
  const best = new Map<string, Figures>()
  for (let round = 0; round < rounds; round++)
    for (const [name, contestant] of Object.entries(contestants)) {
      const got = await contestant()
      const before = best.get(name)
      if (got !== undefined && (before === undefined || rate(got) > rate(before))) best.set(name, got)
    }
  return best
}

/** Operations per CPU-second and peak memory of each, and how the first compares. */
export function contestTable(operation: string, best: ReadonlyMap<string, Figures>): string {
  const [first] = best.values()
  const rows = [...best].map(([name, figure]) => [
    name,
    rate(figure).toLocaleString('en', { maximumFractionDigits: 0 }),
    figure.rss === undefined ? '' : `${(figure.rss / 1e6).toFixed(0)} MB`,
    first === undefined || figure === first ? '' : (rate(first) / rate(figure)).toFixed(2),
  ])
  return table(['', `${operation} per CPU-second`, 'peak memory', 'vigil / this'], rows)
}

/** How busy the machine is besides. */
export function load(): string {
  return `Load average ${(loadavg()[0] ?? NaN).toFixed(1)}`
}

function rate({ operations, cpu }: Figures): number {
  return operations / cpu
}

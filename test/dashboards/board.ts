import { readFileSync } from 'node:fs'
import { z } from 'zod'

export const BOARD_FILE = 'dashboards/grafana/overview.json'

const datasource = z.object({ type: z.string(), uid: z.string() })
const gridPos = z.object({ x: z.number(), y: z.number(), w: z.number(), h: z.number() })
const target = z.object({
  datasource,
  expr: z.string(),
  refId: z.string(),
  instant: z.boolean().optional(),
  range: z.boolean().optional(),
})
const panel = z.object({
  id: z.number(),
  type: z.string(),
  title: z.string(),
  description: z.string().optional(),
  gridPos,
  datasource: datasource.optional(),
  targets: z.array(target).default([]),
})
const board = z.object({
  uid: z.string(),
  templating: z.object({
    list: z.array(z.object({ type: z.string(), name: z.string(), query: z.string() })),
  }),
  panels: z.array(panel),
})

/** What of the committed board the tests look at. */
export function readBoard(): z.infer<typeof board> {
  return board.parse(JSON.parse(readFileSync(BOARD_FILE, 'utf8')))
}

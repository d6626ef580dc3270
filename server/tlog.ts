import express from 'express'
import type { Router } from 'express'
import { ServerError } from './error.ts'

// What C2SP tlog-tiles names, and nothing else that lies in the journal's directory: `tile/<L>/<N>`, `tile/entries/<N>`, with N in
// groups of three digits (`x001/x234/067`), and `.p/<W>` for a partial one.
const TILE = /^\/tile\/(?:entries|[0-9]|[1-5][0-9]|6[0-3])\/(?:x\d{3}\/){0,5}\d{3}(?:\.p\/(?:[1-9]\d{0,2}))?$/
const YEAR_S = 31_536_000

/** Serves the public part of the journal under /tlog/, so that standard clients can follow and verify it. */
export function tlogRouter(journalDirectory: string): Router {
  const router = express.Router({ caseSensitive: true, strict: true })
  router.use((request, response, next) => {
    const { path } = request
    const tile = TILE.test(path)
    if (!tile && path !== '/checkpoint' && path !== '/vkey')
      throw new ServerError('not_found', `expected checkpoint, vkey or a tile, got ${JSON.stringify(path)}`)
    response.sendFile(
      path.slice(1),
      {
        root: journalDirectory,
        dotfiles: 'allow', // "067.p/12" is no dotfile; the pattern above is what decides
        cacheControl: false,
        headers: {
          // A tile never changes once it was published, not even a partial one; the checkpoint is what moves.
          'Cache-Control': tile ? `public, max-age=${YEAR_S}, immutable` : 'no-cache',
          'Content-Type': tile ? 'application/octet-stream' : 'text/plain; charset=utf-8',
        },
      },
      (error?: Error) => {
        if (error === undefined || response.headersSent) return
        next(new ServerError('not_found', `there is no ${path.slice(1)}`, { cause: error }))
      },
    )
  })
  return router
}

import express from 'express'
import type { Request, Response, Router } from 'express'
import { largePath, parseLargePath } from '../journal/artifactReader.ts'
import { nodeDisk } from '../journal/disk.ts'
import { historyNames } from '../journal/follow/mirrorFiles.ts'
import { MAX_HISTORY_LIST } from '../journal/follow/remote.ts'
import { isHistoryPath, TIMESTAMP_ENDING } from '../journal/publisher.ts'
import { parseSegmentPath } from '../journal/segments.ts'
import { ServerError } from './error.ts'

// What C2SP tlog-tiles names, and what a mirror needs beside it. Nothing else that lies in the journal's directory. `tile/<L>/<N>`, `tile/entries/<N>`, with N in
// groups of three digits (`x001/x234/067`), and `.p/<W>` for a partial one.
const TILE = /^\/tile\/(?:entries|[0-9]|[1-5][0-9]|6[0-3])\/(?:x\d{3}\/){0,5}\d{3}(?:\.p\/(?:[1-9]\d{0,2}))?$/
const SMALL_ARTIFACT = /^\/artifact\/([0-9a-f]{64})$/
const YEAR_S = 31_536_000
const IMMUTABLE = `public, max-age=${YEAR_S}, immutable`

/** An artifact of the journal; undefined: it has none of this digest. */
export type ReadArtifact = (digest: string) => Promise<Uint8Array | undefined>

/** Serves the public part of the journal under /tlog/, so that standard clients can follow and verify it, and a vigil can mirror it. */
export function tlogRouter(journalDirectory: string, artifact: ReadArtifact): Router {
  const router = express.Router({ caseSensitive: true, strict: true })
  router.get('/checkpoints', async (request, response) => {
    await listHistory(journalDirectory, request, response)
  })
  router.use(async (request, response, next) => {
    const { path } = request
    const digest = SMALL_ARTIFACT.exec(path)?.[1]
    if (digest !== undefined) {
      await sendSmallArtifact(journalDirectory, artifact, digest, response)
      return
    }
    const kind = kindOf(path)
    if (kind === undefined)
      throw new ServerError(
        'not_found',
        `expected checkpoint, vkey, a tile or another public file of the journal, got ${JSON.stringify(path)}`,
      )
    response.sendFile(
      path.slice(1),
      {
        root: journalDirectory,
        dotfiles: 'allow', // "067.p/12" is no dotfile; the pattern above is what decides
        cacheControl: false,
        headers: {
          'Cache-Control': kind.isFinal ? IMMUTABLE : 'no-cache',
          'Content-Type': kind.isText ? 'text/plain; charset=utf-8' : 'application/octet-stream',
        },
      },
      (error?: Error) => {
        if (error === undefined || response.headersSent) return
        // A part that begins where the file ends: there is nothing new.
        if ('status' in error && error.status === 416) response.status(416).end()
        else next(new ServerError('not_found', `there is no ${path.slice(1)}`, { cause: error }))
      },
    )
  })
  return router
}

interface FileKind {
  /** It never changes once it is there. */
  readonly isFinal: boolean
  readonly isText: boolean
}

/** undefined: it is not public. */
function kindOf(path: string): FileKind | undefined {
  const name = path.slice(1)
  if (name === 'checkpoint' || name === 'vkey') return { isFinal: false, isText: true }
  // A tile never changes once it was published, not even a partial one.
  if (TILE.test(path)) return { isFinal: true, isText: false }
  // A record in a sealed segment may be erased.
  if (parseSegmentPath(name) !== undefined) return { isFinal: false, isText: false }
  if (isHistoryPath(name)) return { isFinal: true, isText: true }
  if (name.endsWith(TIMESTAMP_ENDING) && isHistoryPath(name.slice(0, -TIMESTAMP_ENDING.length)))
    return { isFinal: true, isText: false }
  if (parseLargePath(name) !== undefined) return { isFinal: true, isText: false }
  return undefined
}

/** Names of kept checkpoints and their timestamps after an hour, one a line. */
async function listHistory(directory: string, { query }: Request, response: Response): Promise<void> {
  const { after = '', ...others } = query
  const isHour =
    typeof after === 'string' && (after === '' || isHistoryPath(`checkpoints/${after.slice(0, 4)}/${after}`))
  if (!isHour || Object.keys(others).length > 0)
    throw new ServerError('bad_request', 'expected after=2026-11-22T06Z and nothing else')
  const names = (await historyNames(nodeDisk, directory, after)).slice(0, MAX_HISTORY_LIST)
  response
    .set('Cache-Control', 'no-cache')
    .type('text/plain')
    .send(names.map((name) => `${name}\n`).join(''))
}

/** Of those in packs: a large one is served as the file that it is, without being decompressed for whoever asks. */
async function sendSmallArtifact(
  directory: string,
  artifact: ReadArtifact,
  digest: string,
  response: Response,
): Promise<void> {
  const isLarge = (await nodeDisk.readPart(`${directory}/${largePath(digest)}`, 0, 1)) !== undefined
  const bytes = isLarge ? undefined : await artifact(digest)
  if (bytes === undefined)
    throw new ServerError('not_found', `there is no artifact ${digest} of less than 64 KiB`)
  response.set('Cache-Control', IMMUTABLE).type('application/octet-stream').send(Buffer.from(bytes))
}

import { generateKeyPairSync } from 'node:crypto'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import express from 'express'
import { Mirror } from '../../../journal/follow/mirror.ts'
import { ArtifactReader } from '../../../journal/artifactReader.ts'
import { nodeDisk, type Disk } from '../../../journal/disk.ts'
import type { Journal, JournalOptions } from '../../../journal/journal.ts'
import { formatVerifierKey, verifierKey, type Signer, type VerifierKey } from '../../../journal/note.ts'
import { keySigner } from '../../../journal/signer.ts'
import { readIdentity } from '../../../journal/identity.ts'
import type { ProbeResult } from '../../../model/observation.ts'
import { probeFollow } from '../../../probes/follow.ts'
import { followPolicy } from '../../../probes/fetch/follow.ts'
import { systemNames } from '../../../probes/fetch/resolve.ts'
import { tlogRouter } from '../../../server/tlog.ts'
import { FakeClock, makePlace, numbered, openTestJournal, type Place } from '../support.ts'

/** A journal that is served on a port of its own, and a mirror of it that looks when the test says so. */
export interface Followed extends Place {
  readonly clock: FakeClock
  journal: Journal
  /** Of the mirror. */
  readonly mirrorDirectory: string
  readonly cosigners: readonly Signer[]
  /** What the server answers instead of what there is; reset by undefined. */
  intercept: RequestListener | undefined
  /** What the server answers by itself. */
  serve: RequestListener
  /** Directory that is served. */
  served: string
  /** Paths that were asked for since the last look began. */
  readonly asked: string[]
  look(options?: { readonly budget?: number }): Promise<ProbeResult>
  grow(count: number): Promise<void>
  /** As after a restart of the follower; `disk`: one that fails. */
  reopenMirror(disk?: Disk): Promise<Mirror>
  closeMirror(): Promise<void>
  trusted(): Promise<readonly VerifierKey[]>
  /** The verifier keys of log and cosigners, as --trust takes them. */
  trust(): Promise<string>
}

export async function startFollowed(
  t: Pick<TestContext, 'after'>,
  options: Partial<JournalOptions> = {},
): Promise<Followed> {
  const place = await makePlace(t)
  const root = await mkdtemp(join(tmpdir(), 'vigil-mirror-'))
  t.after(() => rm(root, { recursive: true, force: true }))
  const clock = new FakeClock()
  const journal = await openTestJournal(place, { now: clock.now, ...options })
  const server = createServer((request, response) => {
    // Of /tlog/checkpoint: /checkpoint.
    request.url = (request.url ?? '').slice('/tlog'.length)
    followed.asked.push(request.url)
    const answer = followed.intercept ?? followed.serve
    answer(request, response)
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const cosigners = [ed25519Cosigner(), mlDsaCosigner()]
  let mirror: Mirror | undefined
  t.after(() => mirror?.close())
  const followed: Followed = {
    ...place,
    clock,
    journal,
    mirrorDirectory: join(root, 'mirror'),
    cosigners,
    intercept: undefined,
    serve(request, response) {
      const reader = new ArtifactReader(nodeDisk, followed.served)
      const honest = express()
      honest.use(tlogRouter(followed.served, (digest) => reader.get(digest)))
      honest.use((_error: unknown, _request: express.Request, answer: express.Response, next: () => void) => {
        if (answer.headersSent) next()
        else answer.status(404).end()
      })
      honest(request, response)
    },
    served: place.directory,
    asked: [],
    trusted: async () => (await readIdentity(nodeDisk, place.directory)).keys.slice(0, 1),
    async trust() {
      const keys = [...(await followed.trusted()), ...cosigners.map(({ key }) => key)]
      return keys.map((key) => `${formatVerifierKey(key)}\n`).join('')
    },
    async closeMirror() {
      await mirror?.close()
      mirror = undefined
    },
    async reopenMirror(disk = nodeDisk) {
      await followed.closeMirror()
      const { mirrorDirectory: directory } = followed
      mirror = await Mirror.open({
        directory,
        trusted: await followed.trusted(),
        cosigners,
        now: clock.now,
        disk,
      })
      return mirror
    },
    async look({ budget = 60_000 } = {}) {
      followed.asked.length = 0
      return await probeFollow(
        {
          subject: 'monitor[vigil.test_zone-a]',
          url: `http://127.0.0.1:${port}/tlog/`,
          timeout: 1000,
          budget,
        },
        mirror ?? (await followed.reopenMirror()),
        {
          now: clock.now,
          vantage: 'default',
          network: { names: systemNames({}), follow: followPolicy({ networks: [], declared: [] }) },
          signal: new AbortController().signal,
        },
      )
    },
    async grow(count) {
      for (let i = 0; i < count; i++) await followed.journal.append([numbered(i, clock.ms)])
      await followed.journal.publish()
    },
  }
  t.after(() => followed.journal.close())
  return followed
}

function ed25519Cosigner(): Signer {
  const { privateKey } = generateKeyPairSync('ed25519')
  return keySigner(verifierKey('follower.test', privateKey, 'ed25519_cosigner'), privateKey)
}

function mlDsaCosigner(): Signer {
  const { privateKey } = generateKeyPairSync('ml-dsa-44')
  return keySigner(verifierKey('follower.test', privateKey, 'ml_dsa_44_cosigner'), privateKey)
}

/** A copy of the journal as it is on disk now: what an attacker, or a restore, goes on from. */
export async function copyOf(followed: Followed, name: string): Promise<string> {
  const directory = join(followed.directory, '..', name)
  await cp(followed.directory, directory, { recursive: true })
  await rm(join(directory, 'lock'), { force: true })
  return directory
}

/** A disk of a process that ends before its nth change: what it had written stays. */
export function killedAfter(changes: number): Disk {
  let left = changes
  const count = (): void => {
    if (left-- <= 0) throw new Error('killed')
  }
  return {
    ...nodeDisk,
    replace: async (path, bytes) => {
      count()
      await nodeDisk.replace(path, bytes)
    },
    remove: async (path) => {
      // Opening tidies up, and is not what this is about.
      if (!path.endsWith('.p') && !path.endsWith('.tmp')) count()
      await nodeDisk.remove(path)
    },
  }
}

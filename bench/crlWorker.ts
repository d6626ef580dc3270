// One CRL in a process of its own, for bench/crl.ts. Prints CPU seconds and peak resident octets.
// Usage: crlWorker floor|stream|index|resident FILE ISSUER SERIALS
import { createHash, hash } from 'node:crypto'
import { openSync, readFileSync, readSync } from 'node:fs'

const [what = '', file = '', issuerFile = '', serialsFile = ''] = process.argv.slice(2)
/** Octets that are read at a time. */
const PIECE = 256 * 1024
/** Rounds of a resident process, of which the median counts, after as many to warm up. */
const ROUNDS = 15

const fd = openSync(file, 'r')

function readPieces(take: (piece: Uint8Array) => void): void {
  const buffer = Buffer.allocUnsafeSlow(PIECE)
  for (let at = 0; ;) {
    const length = readSync(fd, buffer, 0, PIECE, at)
    if (length === 0) return
    take(buffer.subarray(0, length))
    at += length
  }
}

function readAt(offset: number, length: number): Uint8Array {
  const octets = Buffer.allocUnsafe(length)
  return octets.subarray(0, readSync(fd, octets, 0, length, offset))
}

function cpu(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

/** Median CPU seconds of a round. */
function rounds(run: () => void): number {
  const figures: number[] = []
  for (let i = 0; i < 2 * ROUNDS; i++) {
    const start = cpu()
    run()
    figures.push(cpu() - start)
  }
  return figures.slice(ROUNDS).toSorted((a, b) => a - b)[ROUNDS >> 1] ?? NaN
}

/** What nobody can do without. */
function floor(): Record<string, number> {
  const digest = createHash('sha256')
  readPieces((piece) => digest.update(piece))
  digest.digest()
  return { cpu: cpu() }
}

/** Not imported by `floor`, which has nothing to load. */
async function product(): Promise<Record<string, number>> {
  const { parseCertificate } = await import('../pki/certificate.ts')
  const { parseCrl, verifyCrl } = await import('../pki/crl.ts')
  const { openCrlReader } = await import('../pki/crlStream.ts')
  const issuer = parseCertificate(readFileSync(issuerFile))
  const serials = readFileSync(serialsFile, 'latin1').split('\n')

  if (what === 'resident') {
    const der = readFileSync(file)
    const judge = rounds(() => {
      const crl = parseCrl(der, { index: true })
      verifyCrl(crl, issuer)
      check(
        crl.reasons.keyCompromise,
        serials.filter((serial) => crl.find(serial) !== undefined),
      )
    })
    const sha256 = rounds(() => hash('sha256', der))
    const unindexed = rounds(() => {
      verifyCrl(parseCrl(der), issuer)
    })
    return { cpu: judge, sha256, unindexed }
  }
  if (what === 'stream') {
    const reader = openCrlReader()
    readPieces((piece) => {
      reader.push(piece)
    })
    const crl = reader.finish()
    verifyCrl(crl, issuer)
    check(crl.reasons.keyCompromise, serials)
  } else {
    const reader = openCrlReader({ readAt, index: true })
    readPieces((piece) => {
      reader.push(piece)
    })
    const crl = reader.finish()
    verifyCrl(crl, issuer)
    check(
      crl.reasons.keyCompromise,
      serials.filter((serial) => crl.find(serial) !== undefined),
    )
  }
  return { cpu: cpu() }
}

function check(compromised: number, found: readonly string[]): void {
  if (compromised === 0 || found.length === 0) throw new Error('expected some reasons and serial numbers')
}

const figures = what === 'floor' ? floor() : await product()
// Not of rusage, which remembers the process that started this one.
const peak = Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'latin1'))?.[1] ?? NaN)
console.log(JSON.stringify({ ...figures, rss: peak * 1024 }))

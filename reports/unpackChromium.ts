// Runs in a worker whose TMPDIR is a private directory (browser.ts says why). Posts where the thing asked for is.
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parentPort, workerData } from 'node:worker_threads'
import chromium, { inflate } from '@sparticuz/chromium'

const bin = join(dirname(fileURLToPath(import.meta.resolve('@sparticuz/chromium'))), '..', 'bin')

async function unpackBrowser(): Promise<string> {
  const [executable] = await Promise.all([
    chromium.executablePath(bin),
    // libnss3, libnspr4 and libexpat, which the package unpacks by itself only on its own platform.
    inflate(join(bin, 'al2023.tar.br')),
  ])
  return executable
}

parentPort?.postMessage(
  workerData === 'browser' ? await unpackBrowser() : await inflate(join(bin, 'fonts.tar.br')),
)

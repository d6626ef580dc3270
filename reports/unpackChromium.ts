// Runs in a worker whose TMPDIR is a private directory (browser.ts says why). Posts the path of the executable.
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parentPort } from 'node:worker_threads'
import chromium, { inflate } from '@sparticuz/chromium'

const bin = join(dirname(fileURLToPath(import.meta.resolve('@sparticuz/chromium'))), '..', 'bin')
chromium.setGraphicsMode = false
const [executable] = await Promise.all([
  chromium.executablePath(bin),
  // libnss3, libnspr4 and libexpat, which the package unpacks by itself only on its own platform.
  inflate(join(bin, 'al2023.tar.br')),
])
parentPort?.postMessage(executable)

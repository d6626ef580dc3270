import { dirname, join } from 'node:path'
import type { BackupTarget } from './backup.ts'
import { nodeDisk } from './disk.ts'
import { directorySource } from './verify/source.ts'

/** A copy in another directory, made with it. */
export function directoryTarget(directory: string): BackupTarget {
  return {
    async list() {
      await nodeDisk.makeDirectory(directory)
      const files = await directorySource(directory).list()
      return new Map(files.flatMap(({ path, size }) => (size === undefined ? [] : [[path, size] as const])))
    },
    async write(path, octets) {
      const file = join(directory, path)
      await nodeDisk.makeDirectory(dirname(file))
      await nodeDisk.replace(file, octets)
    },
    async remove(path) {
      await nodeDisk.remove(join(directory, path))
    },
  }
}

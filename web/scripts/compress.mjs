// SPDX-License-Identifier: Apache-2.0
// Writes NAME.br and NAME.gz beside each text file of the build, where they are smaller.
//   node compress.mjs [FOLDER]
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const folder = process.argv[2] ?? 'dist';
const texts = /\.(html|js|mjs|css|svg|json|webmanifest|txt)$/;
const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } };

for (const name of readdirSync(folder, { recursive: true })) {
  if (texts.test(name)) {
    const path = join(folder, name);
    const plain = readFileSync(path);
    for (const [suffix, packed] of [
      ['br', brotliCompressSync(plain, quality)],
      ['gz', gzipSync(plain, { level: 9 })],
    ]) {
      if (packed.length < plain.length) writeFileSync(`${path}.${suffix}`, packed);
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

// tools/web.sh builds into .cache/web (--outDir); by hand it is web/dist.
export default defineConfig({
  plugins: [react()],
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0, // a data: URL would be one more thing that the page's policy has to allow
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1200,
    rolldownOptions: { input: ['index.html', 'dashboard.html'] },
  },
  worker: { format: 'es' },
  server: {
    // `npx vite` beside a running `auralink dev`
    proxy: {
      '/meet': 'http://localhost:7880',
      '/api': { target: 'http://localhost:7880', ws: true },
      '/rtc': { target: 'ws://localhost:7880', ws: true },
    },
  },
});

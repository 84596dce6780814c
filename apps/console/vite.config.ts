import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const here = fileURLToPath(new URL('.', import.meta.url));

/** `vite apps/console` serves the sources for working on them, beside an API on its usual port; what the API serves is the build. */
export default defineConfig({
  root: here,
  oxc: { jsx: { runtime: 'automatic' } },
  build: {
    outDir: fileURLToPath(new URL('../../dist/console', import.meta.url)),
    emptyOutDir: true,
    // Nothing may be inlined as a data: address: the content security policy allows files of our own only.
    assetsInlineLimit: 0,
    target: 'es2022',
    // Says nothing that anybody reads, and costs a second.
    reportCompressedSize: false,
    // The player's library is a file of its own of some 580 kB, loaded with the first viewing.
    chunkSizeWarningLimit: 700,
    rolldownOptions: {
      onLog: (level, log, report) => {
        // Mantine marks every module for React's server components, which there are none of here.
        if (log.code !== 'MODULE_LEVEL_DIRECTIVE') report(level, log);
      },
    },
  },
  worker: { format: 'es' },
  server: { proxy: { '/api': 'http://127.0.0.1:8080' } },
});

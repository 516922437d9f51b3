/** A bundle holds no native modules. This comes first, and imports nothing: not even that works in every bundle. */

// What bundlers turn into ES modules keeps this name of CommonJS, and has nothing behind it.
if (typeof __dirname === 'undefined') throw bundled();

/** The error of a package that is in a bundle and cannot find its binary. */
export function bundled(cause?: unknown): Error {
  const message =
    'ssf-transmitter is part of a bundle, and its native module cannot be. Exclude the package from the bundle and install ' +
    "it where the bundle runs. esbuild: external: ['ssf-transmitter']; webpack: externals: { 'ssf-transmitter': " +
    "'commonjs ssf-transmitter' }; Rollup: external: [/^ssf-transmitter/]; Vite: ssr: { external: ['ssf-transmitter'] }; " +
    "Next.js: serverExternalPackages: ['ssf-transmitter'].";
  const error = new Error(message, cause === undefined ? undefined : { cause });
  return Object.assign(error, { code: 'SSF_NATIVE_MODULE_BUNDLED' });
}

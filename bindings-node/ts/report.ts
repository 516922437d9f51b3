/** Tells the host of errors that no call of it returns. */

import { types } from 'node:util';

/** A warning of the process. */
export function warn(error: unknown): void {
  process.emitWarning(types.isNativeError(error) ? error : String(error));
}

/** Calls a function of the host, which may be async. What goes wrong in it is a warning of the process. */
export function told(listener: () => unknown): void {
  try {
    Promise.resolve(listener()).catch(warn);
  } catch (error) {
    warn(error);
  }
}

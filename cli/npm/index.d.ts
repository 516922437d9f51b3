/** The path of the command `ssf` for this machine. Throws an error that says what to do where it is not installed. */
export function command(): string;

/** The name of this machine, as the packages have it. */
export function machine(): string;

/** The name of the program in those packages. */
export const program: string;

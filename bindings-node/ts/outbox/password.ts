/** Functions that return the password of a database. */

import { type NativePasswords, native } from '../native.js';
import { typeName } from '../options.js';

/** A password, or a function that returns the one of the moment: see {@link KeptOutboxOptions}. */
export type Password = string | (() => string | Promise<string>);

/** The password as the native part takes it. */
export function passwordOf(password: Password | undefined): string | NativePasswords | undefined {
  if (typeof password !== 'function') return password;
  const passwords = new native.Passwords((number) => void answer(passwords, number, password));
  return passwords;
}

async function answer(passwords: NativePasswords, number: number, password: () => string | Promise<string>) {
  try {
    const found: unknown = await password();
    if (typeof found !== 'string') throw new TypeError(`expected a string, got ${typeName(found)}`);
    passwords.answer(number, found);
  } catch (error) {
    passwords.fail(number, error instanceof Error ? error.name : typeName(error));
  }
}

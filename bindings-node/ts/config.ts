/** The file of settings, `ssf.toml`. */

import { call } from './calls.js';
import { Place, unwrap } from './errors.js';
import { type NativeConfig, type NativeReceiver, native } from './native.js';
import { checkedArgument, string } from './options.js';
import { type Receiver, receiverOf } from './receiver.js';

/**
 * The settings in a file `ssf.toml`: issuer, key, receivers by name, and what else a transmitter is told. The command
 * `ssf` reads the same file.
 *
 * Keys, secrets and other files that it names are read when they are needed, and not before. The page
 * `docs/configuration-file.md` has all settings.
 *
 * @example
 * ```ts
 * const config = await Config.read();
 * const transmitter = await Transmitter.fromConfig(config);
 * const acme = await config.receiver('acme');
 * ```
 */
export class Config {
  readonly #native: NativeConfig;

  private constructor(config: NativeConfig) {
    this.#native = config;
  }

  /**
   * Reads a file; without a path, the nearest `ssf.toml`: in the current folder, or in one around it. Relative paths in
   * the file start at its own folder.
   *
   * @throws {ConfigError} If there is no such file, or something in it is wrong; `pointer` is the key.
   */
  static async read(path?: string): Promise<Config> {
    const at = new Place(Config.read);
    if (path !== undefined) checkedArgument('path', path, string, at);
    return new Config(await call<NativeConfig>((...to) => native.Config.read(...to, path), at));
  }

  /**
   * Reads a text. Relative paths in it start at the current folder.
   *
   * @throws {ConfigError} If something in it is wrong; `pointer` is the key.
   */
  static fromToml(text: string): Config {
    checkedArgument('text', text, string, Config.fromToml);
    return new Config(unwrap(native.Config.fromToml(text), Config.fromToml));
  }

  /** The `iss` of the SETs. */
  get issuer(): string | undefined {
    return this.#native.issuer ?? undefined;
  }

  /** The names of the receivers, in alphabetical order. */
  get receiverNames(): string[] {
    return this.#native.receiverNames;
  }

  /**
   * The receiver with this name. Its secrets are read. Keep it: it holds what its deliveries share, such as an access
   * token.
   *
   * @throws {ConfigError} If there is no such receiver, a secret cannot be read, or a setting is wrong.
   */
  async receiver(name: string): Promise<Receiver> {
    const at = new Place(this.receiver);
    checkedArgument('name', name, string, at);
    return this.#receiver(name, at);
  }

  /** All receivers by name, for a worker of the outbox. */
  async receivers(): Promise<Map<string, Receiver>> {
    const at = new Place(this.receivers);
    const receivers = new Map<string, Receiver>();
    // One after the other: so the error of the first is told, and commands do not ask for passwords at once.
    for (const name of this.receiverNames) receivers.set(name, await this.#receiver(name, at));
    return receivers;
  }

  async #receiver(name: string, at: Place): Promise<Receiver> {
    return receiverOf(await call<NativeReceiver>((...to) => this.#native.receiver(...to, name), at));
  }

  /** Shows issuer and receivers. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `Config { issuer: '${this.issuer ?? ''}', receivers: '${this.receiverNames.join(', ')}' }`;
  }

  /** @internal */
  static handle(config: Config): NativeConfig {
    return config.#native;
  }
}

/** The receiver emulator as a process, asked without waiting for the event loop. `docs/emulator.md` has what is said. */

import { join } from 'node:path';
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';

import { command, mismatch, missing, version } from './command.js';
import { type Caller, errorOf, type Place } from './errors.js';

/** What the thread of an emulator is given. */
export interface Work {
  readonly program: string;
  readonly settings: string;
  readonly port: MessagePort;
  /** How many answers there were. */
  readonly answers: Int32Array;
}

/** What it says first: the first line of the process, or why there is none. */
export interface Start {
  readonly line?: string;
  readonly failed?: { readonly message: string; readonly code: string | undefined };
  readonly ended?: string;
}

/** What it is to tell the process. */
export interface Order {
  readonly line: string;
  readonly isLast: boolean;
}

/** What the emulator says when it is ready. */
export interface Ready {
  readonly base: string;
  readonly push: string;
  readonly token?: string;
  readonly ca_pem?: string;
}

/** How many milliseconds an answer may take: the emulator has it at once. */
const LIMIT = 30_000;

/** An emulator, in a process of its own. */
export class EmulatorProcess {
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #answers: Int32Array;
  readonly #exited: Promise<void>;
  #stopped = false;

  private constructor(program: string, settings: string) {
    const { port1, port2: port } = new MessageChannel();
    this.#port = port1;
    this.#answers = new Int32Array(new SharedArrayBuffer(4));
    const workerData: Work = { program, settings, port, answers: this.#answers };
    const file = join(__dirname, 'emulator-worker.js');
    // Options of this process, such as --test or --inspect-brk, are not for it.
    this.#worker = new Worker(file, { workerData, transferList: [port], execArgv: [] });
    this.#exited = new Promise((resolve) => this.#worker.once('exit', () => resolve()));
  }

  /** Starts one with settings in JSON. It does not keep this process alive. */
  static async start(settings: string, at: Place): Promise<[EmulatorProcess, Ready]> {
    const program = command();
    const started = new EmulatorProcess(program, `${settings}\n`);
    try {
      return [started, await started.#ready(program, at)];
    } catch (error) {
      await started.stop();
      throw error;
    }
  }

  async #ready(program: string, at: Place): Promise<Ready> {
    const { line, failed, ended } = await new Promise<Start>((resolve, reject) => {
      this.#worker.once('message', resolve).once('error', reject);
    });
    this.#worker.unref();
    if (failed?.code === 'ENOENT') throw missing(new Error(failed.message));
    if (failed !== undefined) throw mismatch(program, `does not start (${failed.message})`);
    const said = line === undefined ? undefined : parsed(line);
    if (said === undefined) throw mismatch(program, ended ?? 'says nothing that is understood');
    if (said.version !== version) throw mismatch(program, `is of version ${said.version}`);
    if (said.error !== undefined) throw errorOf('SSF_CONFIGURATION_INVALID', said.error, at);
    return said;
  }

  /** Has it obey a command, and returns the answer. */
  ask(name: 'requests' | 'accepted' | 'clear', at: Caller | Place): unknown {
    if (this.#stopped) throw stopped(at);
    this.#order({ line: `${JSON.stringify({ do: name })}\n`, isLast: false });
    const line = this.#answer();
    const answer = line && parsed(line);
    if (!answer) throw stopped(at);
    if (answer.error !== undefined) throw errorOf('SSF_INTERNAL', answer.error, at);
    return answer.done;
  }

  /** Stops it, once pending requests are answered. */
  stop(): Promise<void> {
    if (!this.#stopped) this.#order({ line: '{"do":"stop"}\n', isLast: true });
    this.#stopped = true;
    this.#worker.ref();
    return this.#exited;
  }

  #order(order: Order): void {
    this.#port.postMessage(order);
  }

  /** Waits for the line that answers; nothing if none comes. */
  #answer(): string | undefined {
    for (;;) {
      const seen = Atomics.load(this.#answers, 0);
      const received = receiveMessageOnPort(this.#port);
      if (received !== undefined) return received.message as string;
      if (Atomics.wait(this.#answers, 0, seen, LIMIT) === 'timed-out') {
        // A late answer would be taken for that of the next command.
        void this.stop();
        return undefined;
      }
    }
  }
}

type Said = Ready & { readonly version?: string; readonly error?: string; readonly done?: unknown };

function parsed(line: string): Said | undefined {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function stopped(at: Caller | Place) {
  return errorOf('SSF_CONFIGURATION_INVALID', 'the emulator is stopped', at);
}

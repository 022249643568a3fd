/** @typedef {import('./bare-loop.mjs').LoopConnection} LoopConnection */

const nothing = new Uint8Array(0);

/** A stream whose bytes are taken out of quiche as soon as they are there. */
export class LoopStream {
  /** @type {Uint8Array[]} */
  #chunks = [];
  #isReadToEnd = false;
  #isEnded = false;
  /** @type {Error | undefined} */
  #error;
  #wakeReader = () => {};
  #wakeWriter = () => {};

  /**
   * @param {LoopConnection} connection
   * @param {number} id
   */
  constructor(connection, id) {
    this.connection = connection;
    this.id = id;
  }

  /** @returns {Promise<Uint8Array | undefined>} */
  async read() {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk !== undefined || this.#isReadToEnd) return chunk;
      if (this.#error !== undefined) throw this.#error;
      await new Promise((resolve) => (this.#wakeReader = () => resolve(undefined)));
    }
  }

  /** @param {Uint8Array} bytes */
  write(bytes) {
    return this.#send(bytes, false);
  }

  async end() {
    await this.#send(nothing, true);
    this.#isEnded = true;
    this.#settle();
  }

  onReadable() {
    const { native, loop } = this.connection;
    try {
      for (let read = native.streamRecv(this.id, loop.scratch); read !== null;) {
        const [length, isEnd] = read;
        if (length > 0) this.#chunks.push(new Uint8Array(loop.scratch.subarray(0, length)));
        this.#isReadToEnd ||= isEnd;
        read = isEnd ? null : native.streamRecv(this.id, loop.scratch);
      }
    } catch (error) {
      this.fail(/** @type {Error} */ (error));
    }
    this.#wakeReader();
    this.#settle();
  }

  onWritable() {
    this.#wakeWriter();
  }

  /** @param {Error} error */
  fail(error) {
    this.#error ??= error;
    this.#wakeReader();
    this.#wakeWriter();
  }

  /**
   * @param {Uint8Array} bytes
   * @param {boolean} isEnd
   */
  async #send(bytes, isEnd) {
    for (let rest = bytes; ;) {
      if (this.#error !== undefined) throw this.#error;
      const taken = this.connection.native.streamSend(this.id, rest, isEnd) ?? 0;
      this.connection.schedule();
      rest = rest.subarray(taken);
      if (rest.length === 0) return;
      await new Promise((resolve) => (this.#wakeWriter = () => resolve(undefined)));
    }
  }

  #settle() {
    if (this.#isReadToEnd && this.#isEnded) this.connection.forget(this.id);
  }
}

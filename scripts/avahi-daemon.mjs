import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { check } from './network-lab.mjs';

/** @typedef {import('./network-lab.mjs').NetworkLab} NetworkLab */

/** avahi in the namespace `theirs`, with a bus and a daemon of its own: those of this machine, if it has any, are left alone. */
export class Avahi {
  #lab;
  #bus;

  /** @param {NetworkLab} lab */
  constructor(lab) {
    this.#lab = lab;
    this.#bus = join(lab.folder, 'bus');
  }

  async start() {
    const busConf = join(this.#lab.folder, 'bus.conf');
    const avahiConf = join(this.#lab.folder, 'avahi.conf');
    writeFileSync(
      busConf,
      `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path=${this.#bus}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow own="*"/><allow send_destination="*" eavesdrop="false"/><allow receive_sender="*"/></policy></busconfig>`,
    );
    writeFileSync(
      avahiConf,
      '[server]\nhost-name=avahi-peer\nuse-ipv4=yes\nuse-ipv6=yes\nallow-interfaces=eth0\nenable-dbus=yes\n[wide-area]\nenable-wide-area=no\n[publish]\n[reflector]\n[rlimits]\n',
    );
    this.#lab.start('theirs', ['dbus-daemon', `--config-file=${busConf}`, '--nofork', '--nopidfile']);
    await check('a bus of our own runs', () => existsSync(this.#bus));
    // The daemon keeps its pid file and socket in a folder of the system: a mount of its own hides it.
    const daemon = `mount -t tmpfs tmpfs /run && exec avahi-daemon --no-drop-root --no-chroot --no-rlimits -f '${avahiConf}'`;
    const started = this.#lab.start('theirs', this.#onBus('unshare', '--mount', 'sh', '-c', daemon));
    await check('avahi runs', () => this.#run('avahi-browse', '-a', '-t', '-p').status === 0);
    return started;
  }

  /** All instances of our service types that it knows, resolved, a line each. */
  browse() {
    const types = ['_icn._udp', '_icn._tcp'];
    return types.map((type) => this.#run('avahi-browse', '-r', '-p', '-t', type).stdout).join('');
  }

  /**
   * What it shows of both services of a node, TLS at the port after that of QUIC; `undefined` until that is all.
   *
   * @param {string} did @param {number} port @param {readonly [string, string]} addresses Of either family.
   */
  resolves(did, port, [hostV4, hostV6]) {
    const lines = this.browse().split('\n');
    const shown = Object.entries({ quic: port, tls: port + 1 }).map(([transport, at]) => {
      const wanted = [`"did=${did}"`, `"transport=${transport}"`, `"port=${at}"`, `;${at};`];
      const line = lines.find((each) => each.startsWith('=') && wanted.every((part) => each.includes(part)));
      if (line === undefined) return undefined;
      // It shows one address; of IPv6 the host has a second, which is link-local, and it shows either.
      const host = line.split(';')[6] ?? '';
      const [v4 = '', v6 = ''] = ['-4', '-6'].map(
        (family) => this.#run('avahi-resolve', family, '-n', host).stdout,
      );
      const isWhole = v4.includes(hostV4) && (v6.includes(hostV6) || v6.includes('fe80::'));
      return isWhole ? `${line}\n${v4}${v6.trimEnd()}` : undefined;
    });
    return shown.includes(undefined) ? undefined : shown.join('\n');
  }

  /** Has it publish a service, until that process ends. @param {string} did @param {number} port */
  publish(did, port) {
    const txt = ['transport=quic', `port=${port}`, `did=${did}`, 'version=1', 'network=icn'];
    const command = ['avahi-publish', '-s', 'a service of avahi', '_icn._udp', String(port), ...txt];
    return this.#lab.start('theirs', this.#onBus(...command));
  }

  /** @param {string[]} command */
  #run(...command) {
    return this.#lab.output('theirs', this.#onBus(...command));
  }

  /** @param {string[]} command */
  #onBus(...command) {
    return ['env', `DBUS_SYSTEM_BUS_ADDRESS=unix:path=${this.#bus}`, ...command];
  }
}

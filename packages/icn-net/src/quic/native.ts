import process from 'node:process';
import type { Quiche } from '@matrixai/quic/native/quiche.js';
import type {
  Config as NativeConfig,
  Connection as NativeConnection,
  Host as HostPort,
} from '@matrixai/quic/native/types.js';
import { NetError } from '../errors.js';

export type { HostPort, NativeConfig, NativeConnection };

/** The part of the binding that we drive; `test/quic-binding.test.ts` holds the installed version to it. */
export type NativeQuic = Pick<Quiche, 'Config' | 'Connection' | 'Shutdown' | 'negotiateVersion' | 'retry'>;

/** What may be replaced to see what a machine without the binary sees. */
export interface NativeQuicOptions {
  readonly load?: () => Promise<{ readonly default: NativeQuic }>;
  readonly platform?: NodeJS.Platform;
  readonly arch?: string;
  /** `glibc` or `musl`; asked of the running process by default. */
  readonly libc?: string;
}

/** Where the pinned version of the package has a binary for. */
const platforms = new Set(['linux-x64-glibc', 'darwin-x64', 'darwin-arm64', 'win32-x64']);

/**
 * Loads quiche as `@matrixai/quic` packages it; only its native binding, none of its JavaScript.
 *
 * @throws NetError `platform-unsupported`, saying which platform this is and what to do about it.
 */
export async function loadNativeQuic(options: NativeQuicOptions = {}): Promise<NativeQuic> {
  const load = options.load ?? (() => import('@matrixai/quic/native/quiche.js'));
  try {
    return (await load()).default;
  } catch (cause) {
    const platform = options.platform ?? process.platform;
    const libc = platform === 'linux' ? (options.libc ?? libcOfThisProcess()) : undefined;
    const name = [platform, options.arch ?? process.arch, libc]
      .filter((part) => part !== undefined)
      .join('-');
    const advice = platforms.has(name)
      ? 'There is a binary for this platform, but it is not installed or cannot be loaded: install again without ' +
        '--omit=optional or --no-optional, on this machine.'
      : 'Run the node on linux-x64 with glibc, macOS or Windows x64, or reach it through a transport other than quic.';
    throw new NetError('platform-unsupported', `no native QUIC binary for ${name}. ${advice}`, { cause });
  }
}

function libcOfThisProcess(): string {
  const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  return report.header?.glibcVersionRuntime === undefined ? 'musl' : 'glibc';
}

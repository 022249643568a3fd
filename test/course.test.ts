// The course names files, names, commands and code of this repository: all of it is there. That its examples run is
// shown by course-examples.test.ts, and what its commands answer by manual.test.ts.

import { describe, expect, it } from '@jest/globals';

import { createProgram } from '../packages/icn-node/src/cli/program.js';
import { run } from '../scripts/run.mjs';
import { blocks, codeSpansIn, coursePages, headingsIn, proseOf, rowsBelow, type Block } from './markdown.js';
import { readRepositoryFile, repositoryFiles } from './repository.js';

const files = repositoryFiles();
const pages = coursePages.map((path) => [path, readRepositoryFile(path)] as const);

type Command = ReturnType<typeof createProgram>;

/** All that a name could be of: sources of packages, labs and scripts, what they depend on, and the lists of counters. */
const sources = files
  .filter((path) =>
    /^(?:packages\/[^/]+\/src|labs|scripts)\/.*\.(?:ts|mjs)$|package\.json$|^packages\/[^/]+\/README\.md$/.test(
      path,
    ),
  )
  .map((path) => readRepositoryFile(path))
  .join('\n');
const scripts = (JSON.parse(readRepositoryFile('package.json')) as { scripts: Record<string, string> })
  .scripts;
/** The labs are a package of their own: what is said of them is checked where they are. */
const labs = files.find((path) => path === 'labs/src/program.ts');

describe('the pages of the course', () => {
  // The headings of the page that the course began with, and of its numbered parts.
  const form = [
    'Why This Matters',
    'What You’ll Read',
    'What You’ll Build',
    'Checkpoint',
    'Artifact',
    'Deep Reference',
  ].map((heading) => heading.replace('’', "'"));
  const read = [
    '1. Transport vs Gossip Separation',
    '2. QUIC Protocol Rationale',
    '3. mDNS Peer Discovery',
    '4. GossipMessage',
    '5. Vector Clocks for Causality',
    '6. Topic-Based Routing',
  ];

  it.each(pages.filter(([path]) => path.startsWith('docs/course/')))(
    'have the form of the course: %s',
    (_, text) => {
      const headings = headingsIn(text);
      expect(headings.filter((heading) => form.includes(heading))).toEqual(form);
      for (const word of ['Phase', 'Tier', 'Patterns introduced', 'Prerequisite'])
        expect(text).toContain(`**${word}:** `);
      expect(text).toContain('Done when:');
      const parts = headings.filter((heading) => /^\d\. /.test(heading));
      expect(parts.map((part) => part.slice(0, 1))).toEqual(parts.map((_, index) => String(index + 1)));
    },
  );

  it('miss nothing of the page on gossip that it began with', () => {
    const text = readRepositoryFile('docs/course/08-network-and-gossip.md');
    const parts = headingsIn(text).filter((heading) => /^\d\. /.test(heading));
    expect(parts.slice(0, read.length)).toEqual(read);
    const said = ['Multiplexing', 'Built-in TLS', 'Connection migration', 'Low latency'];
    const kinds = ['Public:', 'Private:', 'TrustGated:', 'Trace gossip flow:', 'Explain vector clocks:'];
    for (const words of [...said, ...kinds, 'Debug replication:', 'Implement anti-entropy:'])
      expect(text).toContain(`**${words}`);
  });

  it.each(pages)('name what is there: %s', (_, text) => {
    expect(codeSpansIn(text).flatMap((span) => faultOfSpan(span) ?? [])).toEqual([]);
  });

  it.each(commandsOf(blocks))('say how to call what there is: %s', (line) => {
    expect(faultOfCommand(line, true)).toBeUndefined();
  });

  it.each(blocks.filter(({ info }) => info.startsWith('quote=')))(
    'quote what is there: $page:$line',
    (block) => {
      expect(faultOfQuote(block)).toBeUndefined();
    },
  );

  it.each([
    ['07', '06'],
    ['08', '07'],
  ])('name the parts of the lab of page %s', (page, lab) => {
    const path = coursePages.find((each) => each.startsWith(`docs/course/${page}-`)) ?? '';
    const named = rowsBelow(readRepositoryFile(path), "What You'll Build").map(([name]) => name);
    expect(named.length).toBeGreaterThan(3);
    if (labs === undefined) return;
    const parts = files.filter((file) => file.startsWith(`labs/src/lab-${lab}/parts/`));
    const ids = parts.flatMap((file) => /^  id: '([a-z-]+)',$/m.exec(readRepositoryFile(file))?.[1] ?? []);
    expect(new Set(named)).toEqual(new Set(ids));
  });

  it('map to files that have the names', () => {
    const rows = proseOf(readRepositoryFile('docs/map.md')).matchAll(
      /\]\(\.\.\/([^)#]+\.ts)\)\s*\|([^|]*)\|$/gm,
    );
    const named = Array.from(rows, ([, path = '', names = '']) => ({ path, names: codeSpansIn(names) }));
    expect(named.length).toBeGreaterThan(30);
    expect(named.filter(({ names }) => names.length === 0)).toEqual([]);
    const missing = named.flatMap(({ path, names }) => {
      const text = readRepositoryFile(path);
      return names.filter((name) => !hasWord(text, name)).map((name) => `${path}: ${name}`);
    });
    expect(missing).toEqual([]);
  });
});

describe('what the page on gossip promises of the simulator', () => {
  const simulate = (...args: readonly string[]) =>
    run([
      process.execPath,
      'scripts/sim.mjs',
      '--scenario',
      'faults',
      '--nodes',
      '5',
      '--seeds',
      '2',
      ...args,
    ]);

  it('a clock that takes the maximum loses entries, ours does not', async () => {
    const maxMerge = await simulate('--machine', 'max-merge');
    expect([maxMerge.succeeded, maxMerge.output]).toEqual([
      false,
      expect.stringMatching(/\bI6\b[\s\S]*--seed/),
    ]);
    const ours = await simulate();
    expect([ours.succeeded, ours.output]).toEqual([true, expect.not.stringContaining('I6')]);
  });
});

describe('the check finds', () => {
  it.each([
    ['a file', 'packages/icn-gossip/src/nowhere.ts'],
    ['a file by its name', 'nowhere.ts'],
    ['a folder', 'packages/nowhere/'],
    ['a name', 'notAnExportOfOurs'],
    ['a counter', 'signature-crooked'],
    ['a package', '@icn/nowhere'],
    ['a command', 'icn teleport'],
    ['an option', 'icn status --loudly'],
    ['an option alone', '--loudly'],
    ['a script', 'npx -y pnpm@12 teleport'],
  ])('%s that is not there', (_, span) => {
    expect(faultOfSpan(span)).toBeDefined();
  });

  it.each([
    ['npx -y pnpm@12 icn publish'],
    ['npx -y pnpm@12 icn sync lobby'],
    ['npx -y pnpm@12 icn up --reconcile guess'],
    ['npx -y pnpm@12 sim --fast'],
    ['make all'],
  ])('a wrong call: %s', (line) => {
    expect(faultOfCommand(line, true)).toBeDefined();
  });

  it('a quote that is not what it quotes', () => {
    const quote = { page: 'x', line: 1, language: 'ts', info: 'quote=packages/icn-gossip/src/machine.ts' };
    const [first, second] = ['readonly wakeAtMs: number | undefined;', 'handle(event: Event, nowMs: number)'];
    expect(faultOfQuote({ ...quote, text: `  ${first}\n` })).toBeUndefined();
    expect(faultOfQuote({ ...quote, text: `${first}\n// …\n}\n` })).toBeUndefined();
    expect(faultOfQuote({ ...quote, text: `${first}\n${second}\n` })).toBeDefined();
    expect(faultOfQuote({ ...quote, text: `}\n// …\n${first}\n` })).toBeDefined();
    expect(faultOfQuote({ ...quote, info: 'quote=nowhere.ts', text: '}\n' })).toBeDefined();
  });
});

/** Each command line of the shell blocks, and of the dialogues. */
function commandsOf(all: readonly Block[]): string[] {
  return all.flatMap(({ language, text }) => {
    const lines = text.split('\n').filter((line) => line !== '');
    if (language === 'sh') return lines;
    return language === 'console'
      ? lines.filter((line) => line.startsWith('$ ')).map((line) => line.slice(2))
      : [];
  });
}

/** What is wrong with a piece of code in a sentence. Sentences in code, and numbers, are not looked at. */
function faultOfSpan(span: string): string | undefined {
  if (/^(?:npx -y pnpm@12|icn|labs) /.test(span)) return faultOfCommand(span, false);
  if (span.startsWith('--'))
    return icnOptions().has(span.split(' ')[0] ?? '') ? undefined : `no option ${span}`;
  if (/\s/.test(span)) return undefined;
  if (/^[\w./-]+\.(?:ts|mjs|md|json)$|^[\w-]+\/[\w./-]*\/$/.test(span)) return faultOfPath(span);
  const name = span.replace(/…$/, '').replace(/^#/, '');
  return hasWord(sources, name) || /^[\d,.]+$/.test(name) ? undefined : `${span} is named nowhere`;
}

function faultOfPath(path: string): string | undefined {
  if (path.startsWith('labs/') && labs === undefined) return undefined;
  const isThere = files.some((file) => file === path || file.endsWith(`/${path}`) || file.startsWith(path));
  return isThere ? undefined : `no file ${path}`;
}

function hasWord(text: string, word: string): boolean {
  const escaped = word.replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`);
  return new RegExp(`(?<![A-Za-z0-9])${escaped}${word.endsWith('-') ? '' : '(?![A-Za-z0-9])'}`).test(text);
}

/** What is wrong with a call of this repository's commands; strictly: as it is to be typed. */
function faultOfCommand(line: string, strictly: boolean): string | undefined {
  const words = Array.from(line.matchAll(/"([^"]*)"|(\S+)/g), ([, quoted, bare]) => quoted ?? bare ?? '');
  const [program = '', ...rest] = line.startsWith('npx -y pnpm@12 ') ? words.slice(3) : words;
  if (program === 'icn') return rest.length === 0 ? undefined : faultOfIcn(rest, strictly);
  if (program === 'labs') return faultOfLabs(rest);
  if (!line.startsWith('npx ') || scripts[program] === undefined) return `no command ${program}`;
  const [script = ''] = /\b(?:scripts|bench)\/\S+\.mjs/.exec(scripts[program]) ?? [];
  const text = readRepositoryFile(script);
  const unknown = rest.filter((word) => word.startsWith('--') && !text.includes(word));
  return unknown.length === 0 ? undefined : `${script} knows no ${unknown.join(', ')}`;
}

function icnOptions(): ReadonlySet<string> {
  const all = (command: Command): Command[] => [command, ...command.commands.flatMap(all)];
  return new Set(
    all(createProgram(() => {}, true)).flatMap(({ options }) => options.flatMap(({ long }) => long ?? [])),
  );
}

function faultOfIcn(args: readonly string[], strictly: boolean): string | undefined {
  const program = createProgram(() => {}, true);
  let command: Command = program;
  for (const word of args) {
    const next = command.commands.find((each) => each.name() === word);
    if (next === undefined) break;
    command = next;
  }
  if (command === program) return `icn has no ${args[0]}`;
  if (!strictly) {
    const options = command.options.map(({ long }) => long);
    const unknown = args.filter((word) => word.startsWith('--') && !options.includes(word));
    return unknown.length === 0 ? undefined : `icn ${command.name()} knows no ${unknown.join(', ')}`;
  }
  // Parses as the command does, and does nothing.
  command.action(() => {});
  try {
    program.parse([...args], { from: 'user' });
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

function faultOfLabs([name]: readonly string[]): string | undefined {
  if (labs === undefined || name === undefined) return undefined;
  const known = readRepositoryFile(labs).matchAll(/\b(?:command|checking)\(\s*'(\w+)'/g);
  return Array.from(known, ([, command]) => command).includes(name) ? undefined : `labs has no ${name}`;
}

/** Why a block is not in the file that it quotes: its lines, but for indentation, in pieces where it says `// …`. */
function faultOfQuote({ info, text }: Block): string | undefined {
  const path = info.slice('quote='.length);
  if (!files.includes(path)) return `no file ${path}`;
  const source = linesOf(readRepositoryFile(path));
  let from = 0;
  for (const piece of text.split(/^\s*\/\/ …$/m).map(linesOf)) {
    const at = source.findIndex(
      (_, index) => index >= from && piece.every((line, offset) => source[index + offset] === line),
    );
    if (at === -1) return `${path} has not: ${piece.join(' ')}`;
    from = at + piece.length;
  }
  return undefined;
}

/** Without indentation and empty lines. */
function linesOf(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

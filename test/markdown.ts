import { readRepositoryFile, repositoryFiles } from './repository.js';

/** The pages of the course, and those it leans on. */
export const coursePages = repositoryFiles().filter((path) =>
  /^docs\/(?:course\/.+|reference\/.+|manual|patterns|glossary|map)\.md$/.test(path),
);

/** A fenced block of a page. */
export interface Block {
  readonly page: string;
  /** The line of the fence, from 1. */
  readonly line: number;
  readonly language: string;
  /** What follows the language: `quote=PATH` where it is code of the repository. */
  readonly info: string;
  readonly text: string;
}

export function blocksIn(page: string, markdown = readRepositoryFile(page)): readonly Block[] {
  const fences = markdown.matchAll(/^(`{3,})([^\s`]*)[ \t]*(.*)\n([\s\S]*?)^\1$/gm);
  return Array.from(fences, ({ 2: language = '', 3: info = '', 4: text = '', index }) => {
    const line = markdown.slice(0, index).split('\n').length;
    return { page, line, language, info, text };
  });
}

export const blocks = coursePages.flatMap((page) => blocksIn(page));

/** A page without its fenced blocks. */
export function proseOf(markdown: string): string {
  return markdown.replaceAll(/^(`{3,}).*\n[\s\S]*?^\1$/gm, '');
}

/** What stands between backticks in prose. */
export function codeSpansIn(markdown: string): readonly string[] {
  return Array.from(proseOf(markdown).matchAll(/(`+)([^`\n]+)\1/g), ([, , span = '']) => span.trim());
}

export function headingsIn(markdown: string): readonly string[] {
  return Array.from(proseOf(markdown).matchAll(/^#+ (.+)$/gm), ([, heading = '']) => heading);
}

/** The cells of the rows of all tables below a heading, without the heads. Backticks are taken off. */
export function rowsBelow(markdown: string, heading: string): readonly (readonly string[])[] {
  const lines = proseOf(markdown).split('\n');
  const from = lines.findIndex((line) => /^#+ /.test(line) && line.replace(/^#+ /, '') === heading);
  if (from === -1) throw new Error(`no heading ${heading}`);
  const rest = lines.slice(from + 1);
  const to = rest.findIndex((line) => /^#+ /.test(line));
  return rest
    .slice(0, to === -1 ? rest.length : to)
    .filter((line, index, all) => isRow(line) && !isRuler(line) && !isRuler(all[index + 1] ?? ''))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll('`', '')),
    );
}

const isRow = (line: string): boolean => line.startsWith('|');
const isRuler = (line: string): boolean => /^\| ?-/.test(line);

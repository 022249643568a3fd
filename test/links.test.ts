// Every link inside the repository leads somewhere: to a file that belongs to it, and to a heading that is
// there.

import { dirname, join, normalize } from 'node:path/posix';

import { describe, expect, it } from '@jest/globals';

import { readRepositoryFile, repositoryFiles } from './repository.js';

const files = new Set(repositoryFiles());
const documents = [...files].filter((path) => path.endsWith('.md'));

/** The targets of links and images in Markdown, without what stands in code. */
function linksIn(markdown: string): string[] {
  const prose = withoutCode(markdown);
  const inline = prose.matchAll(/\]\(\s*<?([^)\s>]+)>?(?:\s+["'][^)]*)?\)/g);
  const defined = prose.matchAll(/^ {0,3}\[[^\]]+\]:\s*<?(\S+?)>?\s*$/gm);
  return Array.from([...inline, ...defined], ([, target = '']) => target);
}

/** The anchors that GitHub makes of headings. */
function anchorsIn(markdown: string): Set<string> {
  const seen = new Map<string, number>();
  const headings = withoutFences(markdown).matchAll(/^ {0,3}#{1,6}\s+(.+?)\s*#*$/gm);
  return new Set(
    Array.from(headings, ([, text = '']) => {
      const slug = text
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(/\s/g, '-');
      const count = seen.get(slug) ?? 0;
      seen.set(slug, count + 1);
      return count === 0 ? slug : `${slug}-${count}`;
    }),
  );
}

function withoutFences(markdown: string): string {
  return markdown.replaceAll(/^ *(`{3,}|~{3,}).*\n[\s\S]*?^ *\1.*$/gm, '');
}

function withoutCode(markdown: string): string {
  return withoutFences(markdown).replaceAll(/(`+)[^`][\s\S]*?\1/g, '');
}

/** Why a link of a document leads nowhere, if it does. */
function brokenBecause(document: string, link: string, read = readRepositoryFile): string | undefined {
  if (/^[a-z][a-z+.-]*:/i.test(link)) return undefined;
  if (link.startsWith('/')) return 'leaves the repository';
  const [path = '', anchor] = decodeURIComponent(link).split('#');
  const target = path === '' ? document : normalize(join(dirname(document), path)).replace(/\/$/, '');
  if (target.startsWith('..')) return 'leaves the repository';
  if (!files.has(target)) {
    return [...files].some((file) => file.startsWith(`${target}/`)) && !anchor ? undefined : 'no such file';
  }
  if (!anchor || !target.endsWith('.md')) return undefined;
  return anchorsIn(read(target)).has(anchor) ? undefined : 'no such heading';
}

describe('the documents', () => {
  it('link to what is there', () => {
    expect(documents).not.toEqual([]);
    const broken = documents.flatMap((document) =>
      linksIn(readRepositoryFile(document)).flatMap((link) => {
        const why = brokenBecause(document, link);
        return why === undefined ? [] : [`${document}: ${link}: ${why}`];
      }),
    );
    expect(broken).toEqual([]);
  });
});

describe('the check', () => {
  it('sees inline links, images, titles, brackets and definitions, and no code', () => {
    const markdown = [
      '[a](one.md) ![b](two.png "title") [c](<three.md>) [d][e]',
      '',
      '[e]: four.md',
      '`[f](five.md)` ``[g](six.md)``',
      '```md',
      '[h](seven.md)',
      '```',
      '[i](https://example.org)',
    ].join('\n');
    expect(linksIn(markdown)).toEqual(['one.md', 'two.png', 'three.md', 'https://example.org', 'four.md']);
  });

  it.each([
    ['a file that is not there', 'README.md', 'nowhere.md', 'no such file'],
    ['a folder that is not there', 'README.md', 'nowhere/', 'no such file'],
    ['a file in git alone by its ending', 'README.md', 'package', 'no such file'],
    ['a way out', 'README.md', '../x.md', 'leaves the repository'],
    ['a path from the root', 'README.md', '/package.json', 'leaves the repository'],
    ['a heading that is not there', documents[0] ?? '', '#nowhere', 'no such heading'],
  ])('finds %s', (_, document, link, why) => {
    expect(brokenBecause(document, link)).toBe(why);
  });

  it.each([
    ['a file', 'README.md', 'package.json'],
    ['a folder', 'README.md', 'packages/icn-identity'],
    ['a file from below', 'docs/decisions/x.md', '../../package.json'],
    ['another site', 'README.md', 'https://example.org/nowhere.md'],
    ['mail', 'README.md', 'mailto:somebody@example.org'],
  ])('accepts %s', (_, document, link) => {
    expect(brokenBecause(document, link)).toBeUndefined();
  });

  it('makes anchors as GitHub does', () => {
    expect([...anchorsIn('# One Two\n## `a_b`: it’s\n## One two\n```\n# not\n```\n')]).toEqual([
      'one-two',
      'a_b-its',
      'one-two-1',
    ]);
  });
});

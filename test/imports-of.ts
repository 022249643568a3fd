import { parseSync } from '@swc/core';

/** What stands for the specifier of an `import(…)` whose argument is computed. */
export const computedSpecifier = '<computed>';

/**
 * The modules that a TypeScript source names, in order: static and dynamic imports, re-exports, imports of
 * types, and triple-slash references (with a leading `///`). Taken from the parsed source, so comments and
 * strings do not count.
 */
export function importsOf(source: string): readonly string[] {
  const references = source.matchAll(/^\s*\/\/\/\s*<reference\s[^>]*?(?:types|path|lib)=["']([^"']+)["']/gm);
  return [
    ...Array.from(references, ([, name]) => `///${name}`),
    ...specifiersIn(parseSync(source, { syntax: 'typescript', target: 'es2022' })),
  ];
}

function specifiersIn(node: unknown): string[] {
  if (Array.isArray(node)) return node.flatMap(specifiersIn);
  if (!isNode(node)) return [];
  return [...specifierOf(node), ...Object.values(node).flatMap(specifiersIn)];
}

function specifierOf(node: SyntaxNode): string[] {
  switch (node['type']) {
    case 'ImportDeclaration':
    case 'ExportNamedDeclaration':
    case 'ExportAllDeclaration':
      return node['source'] ? [literal(node['source'])] : [];
    case 'TsExternalModuleReference':
      return [literal(node['expression'])];
    case 'TsImportType':
      return [literal(node['argument'])];
    case 'CallExpression':
      return isNode(node['callee']) && node['callee']['type'] === 'Import' ? [firstArgument(node)] : [];
    default:
      return [];
  }
}

function firstArgument(call: SyntaxNode): string {
  const [first] = Array.isArray(call['arguments']) ? (call['arguments'] as unknown[]) : [];
  return isNode(first) ? literal(first['expression']) : computedSpecifier;
}

function literal(node: unknown): string {
  return isNode(node) && typeof node['value'] === 'string' ? node['value'] : computedSpecifier;
}

interface SyntaxNode {
  readonly [key: string]: unknown;
}

function isNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null;
}

// The small part of Mermaid that our pages may use, so that a diagram is known to draw without a browser. What is not in
// this grammar may be valid Mermaid: then it belongs here first.

const id = '[A-Za-z][A-Za-z0-9]*';
/** `;` ends a statement of Mermaid and `#` begins an entity. */
const text = '[^;#]+';

/** Words that mean something else to Mermaid where a node could stand. */
const reserved = new Set(
  'end graph subgraph flowchart style class classDef click linkStyle default call href direction'.split(' '),
);

/** Why a diagram would not draw; empty where it does. */
export function faultsOf(diagram: string): readonly string[] {
  const [kind = '', ...rest] = diagram.split('\n').map((line) => line.trim());
  const lines = rest.filter((line) => line !== '');
  if (lines.length === 0) return ['it is empty'];
  if (kind === 'sequenceDiagram') return sequenceFaults(lines);
  if (/^flowchart (?:LR|TD)$/.test(kind)) return lines.flatMap(flowchartFaults);
  return [`${kind} is no kind of diagram that we use`];
}

function sequenceFaults(lines: readonly string[]): string[] {
  const participants = new Set<string>();
  const faults: string[] = [];
  /** For each open block, whether it may have an `else`. */
  const open: boolean[] = [];
  const known = (name: string, line: string) => {
    if (!participants.has(name)) faults.push(`${name} is no participant: ${line}`);
  };
  for (const line of lines) {
    const [, declared] = new RegExp(`^participant (${id})(?: as ${text})?$`).exec(line) ?? [];
    const [, from, to] = new RegExp(`^(${id})--?>>(${id}): ${text}$`).exec(line) ?? [];
    const [, over, and] = new RegExp(`^Note over (${id})(?:,(${id}))?: ${text}$`).exec(line) ?? [];
    const [, block] = new RegExp(`^(alt|opt|loop) ${text}$`).exec(line) ?? [];
    if (declared !== undefined) participants.add(declared);
    else if (from !== undefined && to !== undefined) [from, to].forEach((name) => known(name, line));
    else if (over !== undefined) [over, and ?? over].forEach((name) => known(name, line));
    else if (block !== undefined) open.push(block === 'alt');
    else if (new RegExp(`^else ${text}$`).test(line) && open.at(-1) === true) continue;
    else if (line === 'end' && open.length > 0) open.pop();
    else faults.push(`not understood: ${line}`);
  }
  if (open.length > 0) faults.push(`${open.length} without end`);
  return faults;
}

const label = String.raw`[^\[\](){}|"<>;#]+`;
/** `[(…)]` a store, `([…])` what is outside, `[…]` a part, `{…}` a question. */
const shapes = [
  String.raw`\[\(${label}\)\]`,
  String.raw`\(\[${label}\]\)`,
  String.raw`\[${label}\]`,
  `\\{${label}\\}`,
];
const node = `(?<node>${id})(?:${shapes.join('|')})?`;
const edge = `(?: -- [^;#|>-]+)? --> `;

function flowchartFaults(line: string): string[] {
  const faults: string[] = [];
  let rest = line;
  for (;;) {
    const match = new RegExp(`^${node}`).exec(rest);
    if (match === null) return [...faults, `not understood: ${line}`];
    const name = match.groups?.['node'] ?? '';
    if (reserved.has(name)) faults.push(`${name} is a word of Mermaid: ${line}`);
    rest = rest.slice(match[0].length);
    if (rest === '') return faults;
    const arrow = new RegExp(`^${edge}`).exec(rest);
    if (arrow === null) return [...faults, `not understood: ${line}`];
    rest = rest.slice(arrow[0].length);
  }
}

import { homedir, userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { parseTopic } from '@icn/gossip';
import { parseDid } from '@icn/identity';
import { Argument, InvalidArgumentError, Option, type Command } from 'commander';

/** A text as it was typed, once `parse` has found nothing wrong with it; wrong usage else. */
export const checked = (parse: (text: string) => unknown) => (text: string) => {
  try {
    parse(text);
    return text;
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
};

/** Takes an option any number of times. */
export const many = (parse: (text: string) => unknown) => {
  const check = checked(parse);
  return (text: string, previous: readonly string[] = []) => [...previous, check(text)];
};

export const topicArgument = () => new Argument('<topic>', 'its name').argParser(checked(parseTopic));
export const didArgument = (what = 'the peer') => new Argument('<did>', what).argParser(checked(parseDid));

function parseFolder(folder: string): string {
  if (folder === '') throw new InvalidArgumentError('It names no folder.');
  return resolve(folder);
}

/** A command on a data directory; the default one of a group is meant where none is named. */
export function command(program: Command, usage: string, description: string, isDefault = false): Command {
  const dataDir = new Option('--data-dir <folder>', 'where the node keeps its identity and entries')
    .env('ICN_DATA_DIR')
    .default(join(homedir() || userInfo().homedir, '.icn'), '~/.icn')
    .argParser(parseFolder);
  return program
    .command(usage, { isDefault })
    .description(description)
    .addOption(dataDir)
    .option('--json', 'print JSON, one object a line', false);
}

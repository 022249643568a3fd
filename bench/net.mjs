#!/usr/bin/env node
/**
 * `pnpm bench net [--json] [--rounds N] [--only a,b] [--measures x,y] [--patience SECONDS]`: our transports beside what
 * one could have taken instead, on loopback, each measure between two fresh processes (docs/benchmarks.md). In a round
 * the contenders take turns at each measure; the median of the rounds counts. Whoever fails or hangs has `null` and a
 * reason. Targets are shown, not enforced: the exit code is 0.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { contenderNames } from './net/contender.mjs';
import { measureNames, measures } from './net/figures.mjs';
import { runPair } from './net/process-pair.mjs';
import { reportOf, textOf } from './net/report.mjs';
import { installPeers } from './peers/import-peer.mjs';

/** @typedef {import('./net/contender.mjs').ContenderName} ContenderName */
/** @typedef {import('./net/figures.mjs').MeasureName} MeasureName */
/** @typedef {import('./net/report.mjs').Outcome} Outcome */

/** Who fails twice at a measure is not asked a third time: a hang costs the whole patience. */
const failuresMax = 2;

const options = /** @type {const} */ ({
  json: { type: 'boolean', default: false },
  rounds: { type: 'string', default: '5' },
  only: { type: 'string', default: contenderNames.join(',') },
  measures: { type: 'string', default: measureNames.join(',') },
  patience: { type: 'string' },
});

const settings = settingsOf();
if (settings !== undefined) await compare(settings);

/** @typedef {{ json: boolean, rounds: number, contenders: ContenderName[], chosen: MeasureName[], patience: number | undefined }} Settings */

/** @returns {Settings | undefined} */
function settingsOf() {
  try {
    const { json, rounds, only, measures: named, patience } = parseArgs({ options }).values;
    return {
      json,
      rounds: positive('--rounds', rounds),
      contenders: chosenOf('--only', only, contenderNames),
      chosen: chosenOf('--measures', named, measureNames),
      patience: patience === undefined ? undefined : positive('--patience', patience),
    };
  } catch (error) {
    console.error(/** @type {Error} */ (error).message);
    process.exitCode = 2;
    return undefined;
  }
}

/** @param {Settings} settings */
async function compare({ json, rounds, contenders, chosen, patience }) {
  /** @type {Outcome[]} */
  const outcomes = [];
  const absent = await absentBecause(contenders);
  for (let round = 1; round <= rounds; round += 1) {
    for (const measure of chosen) {
      for (const contender of contenders) {
        if (hasGivenUp(outcomes, contender, measure)) continue;
        const seconds = patience ?? measures[measure].patienceSeconds;
        const outcome = {
          contender,
          measure,
          ...(absent[contender] ?? (await attempt(contender, measure, seconds))),
        };
        outcomes.push(outcome);
        if (!json) console.error(`round ${round} of ${rounds}: ${lineOf(outcome)}`);
      }
    }
  }
  const report = reportOf(outcomes);
  if (!json) return console.log(textOf(report, contenders));
  const machine = {
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    cores: availableParallelism(),
  };
  console.log(
    JSON.stringify({ bench: 'net', rounds, ...machine, figures: report.cells, ratios: report.ratios }),
  );
}

/**
 * Who cannot take part, and why; the others are measured all the same.
 *
 * @param {readonly ContenderName[]} contenders
 * @returns {Promise<Partial<Record<ContenderName, { reason: string }>>>}
 */
async function absentBecause(contenders) {
  try {
    if (contenders.includes('libp2p')) await installPeers();
    return {};
  } catch (error) {
    return { libp2p: { reason: /** @type {Error} */ (error).message } };
  }
}

/**
 * @param {ContenderName} contender
 * @param {MeasureName} measure
 * @param {number} seconds
 */
async function attempt(contender, measure, seconds) {
  try {
    return { figures: await runPair(contender, measure, seconds) };
  } catch (error) {
    return { reason: /** @type {Error} */ (error).message };
  }
}

/**
 * @param {readonly Outcome[]} outcomes
 * @param {ContenderName} contender
 * @param {MeasureName} measure
 */
function hasGivenUp(outcomes, contender, measure) {
  const failures = outcomes.filter(
    (outcome) => outcome.contender === contender && outcome.measure === measure && 'reason' in outcome,
  );
  return failures.length >= failuresMax;
}

/** @param {Outcome} outcome */
function lineOf(outcome) {
  const what =
    'reason' in outcome
      ? `failed: ${outcome.reason}`
      : Object.entries(outcome.figures)
          .map(([name, value]) => `${name} ${value.toFixed(2)}`)
          .join(', ');
  return `${outcome.measure}, ${outcome.contender}: ${what}`;
}

/**
 * @template {string} Name
 * @param {string} option
 * @param {string} text
 * @param {readonly Name[]} names
 * @returns {Name[]}
 */
function chosenOf(option, text, names) {
  const wanted = text.split(',');
  const unknown = wanted.filter((name) => !names.some((known) => known === name));
  if (unknown.length > 0) throw new Error(`${option}: ${unknown.join(', ')} is none of ${names.join(', ')}`);
  return names.filter((name) => wanted.includes(name));
}

/**
 * @param {string} option
 * @param {string} text
 */
function positive(option, text) {
  const value = Number(text);
  if (value > 0 && Number.isFinite(value)) return value;
  throw new Error(`${option}: ${text} is not a number above 0`);
}

#!/usr/bin/env node
// In a clone the command runs from source; in an installed package, from dist.
import { existsSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';

// V8 shrinks the heap of a program that does little for a while, which stops the event loop of one that trains; it has to be told
// before anything else runs.
setFlagsFromString('--gc-memory-reducer-start-delay-ms=86400000');

const tools = new URL('../../../tools/register-source.mjs', import.meta.url);
const source = new URL('../src/cli.ts', import.meta.url);
const clone = existsSync(tools) && existsSync(source);
if (clone) await import(tools.href);
const { main } = await import(clone ? source.href : new URL('../dist/cli.js', import.meta.url).href);
await main(process.argv);

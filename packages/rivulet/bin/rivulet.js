#!/usr/bin/env node
// In a clone the command runs from source; in an installed package, from dist.
import { existsSync } from 'node:fs';

const tools = new URL('../../../tools/register-source.mjs', import.meta.url);
const source = new URL('../src/cli.ts', import.meta.url);
const clone = existsSync(tools) && existsSync(source);
if (clone) await import(tools.href);
const { main } = await import(clone ? source.href : new URL('../dist/cli.js', import.meta.url).href);
await main(process.argv);

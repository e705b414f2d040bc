/** Stand-in until the model room delivers. */
import { readFileSync } from 'node:fs';
import { type TextConfig, parseTextConfig } from './config.ts';
export interface ModelFolder { folder: string; config: TextConfig }
export function openModelFolder(folder: string): ModelFolder {
  return { folder, config: parseTextConfig(JSON.parse(readFileSync(`${folder}/config.json`, 'utf8')), folder) };
}

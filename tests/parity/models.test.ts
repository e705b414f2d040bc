/** The models of the reference on the CPU. */
import { afterAll } from 'vitest';
import { SessionCache } from '#core/engine/sessionCache.ts';
import { describeWithShared } from '../shared.ts';
import { describeModel, modelNames } from './describeModel.ts';

const sessions = new SessionCache(1);
afterAll(() => sessions.close());

describeWithShared('models on the CPU', () => {
  for (const name of modelNames) describeModel(name, sessions);
});
